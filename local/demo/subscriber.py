"""A queue that subscribes to the notifications topic, as a service of somebody's would."""

import json
import time
from collections.abc import Iterator
from typing import Any

from flyteadmin.notifications.schema import Notification
from local.aws.client import Endpoint

_PATIENCE_SECONDS = 30


class Subscriber:
    """An SQS queue that receives the ends of executions, filtered by the topic."""

    def __init__(self, endpoint: Endpoint, topic_arn: str, name: str = "demo-subscriber") -> None:
        """Make the queue, let the topic send to it, and subscribe it to ends only."""
        self._heard: dict[str, Notification] = {}
        self._sqs: Any = endpoint.client("sqs")
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": attributes["QueueArn"],
            "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        endpoint.client("sns").subscribe(
            TopicArn=topic_arn,
            Protocol="sqs",
            Endpoint=attributes["QueueArn"],
            Attributes={
                "RawMessageDelivery": "true",
                "FilterPolicy": json.dumps({"phase": ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]}),
            },
        )

    def wait_for(self, execution: str, patience: float = _PATIENCE_SECONDS) -> Notification:
        """Return the notification of an execution's end.

        Raises:
            TimeoutError: none came within so many seconds.
        """
        deadline = time.monotonic() + patience
        while execution not in self._heard and time.monotonic() < deadline:
            self._heard.update((each.execution.name, each) for each in self._next(wait_seconds=1))
        if execution in self._heard:
            return self._heard[execution]
        raise TimeoutError(f"no notification of {execution} came within {patience:.0f} seconds")

    def received(self) -> Iterator[Notification]:
        """Yield the notifications that have come and were not asked for yet."""
        while notifications := self._next(wait_seconds=0):
            yield from notifications

    def _next(self, wait_seconds: int) -> list[Notification]:
        answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds)
        messages = answer.get("Messages", [])
        for message in messages:
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return [Notification.model_validate_json(message["Body"]) for message in messages]
