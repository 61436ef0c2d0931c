"""The event queue and its dead-letter queue: FIFO, one message group per execution."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flyteadmin.clients.aws import client, faults
from flyteadmin.errors import FlyteAdminError, Unavailable
from flyteadmin.settings import environment

BATCH = 10
BATCH_BYTES = 256 * 1024
"""What one request may carry: messages, and bytes of their bodies together."""

_WHAT = "the event queue"


@dataclass(frozen=True)
class Message:
    """A message of the event queue: its body, the group that keeps its order, and the id under which it comes once."""

    body: str
    group: str
    deduplication: str


def send(message: Message) -> str:
    """Queue one message and give its sequence number; returning means that it is in the queue (invariant 1)."""
    with faults(_WHAT):
        answer = client("sqs").send_message(
            QueueUrl=environment().events_queue_url,
            MessageBody=message.body,
            MessageGroupId=message.group,
            MessageDeduplicationId=message.deduplication,
        )
    return answer["SequenceNumber"]


def send_all(messages: Sequence[Message]) -> list[FlyteAdminError | None]:
    """Queue messages in as few requests as their number and sizes allow; for each None, or why it is not in the queue.

    One that failed says nothing about the others: who is told of it sends it again.
    """
    outcomes: list[FlyteAdminError | None] = []
    for batch in _batches(messages):
        outcomes += _send_batch(batch)
    return outcomes


def _batches(messages: Sequence[Message]) -> Iterator[list[Message]]:
    batch: list[Message] = []
    size = 0
    for message in messages:
        bytes_of_it = len(message.body.encode())
        if batch and (len(batch) == BATCH or size + bytes_of_it > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += bytes_of_it
    if batch:
        yield batch


def _send_batch(batch: Sequence[Message]) -> list[FlyteAdminError | None]:
    entries: list[Any] = [
        {
            "Id": str(position),
            "MessageBody": message.body,
            "MessageGroupId": message.group,
            "MessageDeduplicationId": message.deduplication,
        }
        for position, message in enumerate(batch)
    ]
    try:
        with faults(_WHAT):
            answer = client("sqs").send_message_batch(QueueUrl=environment().events_queue_url, Entries=entries)
    except FlyteAdminError as error:
        return [error] * len(batch)
    taken = {entry["Id"] for entry in answer.get("Successful", [])}
    return [
        None if str(position) in taken else Unavailable(f"{_WHAT} did not take a message, try again")
        for position in range(len(batch))
    ]


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
