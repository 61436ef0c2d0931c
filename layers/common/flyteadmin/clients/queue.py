"""The event queue and its dead-letter queue: FIFO, one message group per execution."""

from collections.abc import Mapping
from typing import Any

from flyteadmin.clients.aws import client, faults
from flyteadmin.settings import environment

_WHAT = "the event queue"


def send(body: str, *, group: str, deduplication: str) -> str:
    """Queue one message and give its sequence number; returning means that it is in the queue (invariant 1)."""
    with faults(_WHAT):
        answer = client("sqs").send_message(
            QueueUrl=environment().events_queue_url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=deduplication,
        )
    return answer["SequenceNumber"]


def set_aside(body: str, *, group: str, deduplication: str, attributes: Mapping[str, str]) -> None:
    """Forward a message that can't be processed to the dead-letter queue, with its sequence and cause as attributes."""
    typed: dict[str, Any] = {
        name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
    }
    with faults("the dead-letter queue"):
        client("sqs").send_message(
            QueueUrl=environment().dead_letter_queue_url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=deduplication,
            MessageAttributes=typed,
        )
