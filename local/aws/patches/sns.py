"""SNS topics and subscriptions."""

import json
from typing import Any

from ministack.services import sns, sqs

from local.aws.patches.wrapping import around, around_resource


def subscription_dead_letters() -> None:
    """A message that its queue's policy refuses, or whose queue is gone, is dropped.

    AWS puts it into the dead-letter queue of the subscription's `RedrivePolicy`.
    """

    def deliver(original: Any, queue_arn: str, *rest: Any, **named: Any) -> Any:
        topic_arn = named.get("topic_arn", "")
        if not _accepts(queue_arn, topic_arn):
            queue_arn = _dead_letter_queue(topic_arn, queue_arn) or queue_arn
        return original(queue_arn, *rest, **named)

    around(sns, "_deliver_to_sqs", deliver)


def _accepts(queue_arn: str, topic_arn: str) -> bool:
    account = topic_arn.split(":")[4]
    return bool(
        sqs._queue_by_arn(queue_arn) and sqs.queue_policy_allows(queue_arn, "sns.amazonaws.com", topic_arn, account)
    )


def _dead_letter_queue(topic_arn: str, endpoint: str) -> str | None:
    for subscription in sns._topic_by_arn_any_scope(topic_arn)["subscriptions"]:
        policy = subscription["attributes"].get("RedrivePolicy")
        if subscription["endpoint"] == endpoint and policy:
            return str(json.loads(policy)["deadLetterTargetArn"])
    return None


def fifo_topic() -> None:
    """A FIFO topic made by CloudFormation forgets that it is one. AWS keeps `FifoTopic`, so groups and order."""

    def create(original: Any, logical_id: str, properties: Any, stack: str) -> Any:
        arn, attributes = original(logical_id, properties, stack)
        topic = sns._topics[arn]
        for name in ("FifoTopic", "ContentBasedDeduplication"):
            if name in properties:
                topic["attributes"][name] = str(properties[name]).lower()
        if sns._is_fifo_topic(topic):
            topic["attributes"].setdefault("ContentBasedDeduplication", "false")
        return arn, attributes

    around_resource("AWS::SNS::Topic", "create", create)
