"""The event queue and its dead-letter queue: FIFO, one message group per execution."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteadmin.clients.aws import client, faults
from flyteadmin.errors import FlyteAdminError, Unavailable
from flyteadmin.settings import environment

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import (
        ChangeMessageVisibilityBatchRequestEntryTypeDef,
        MessageAttributeValueTypeDef,
        SendMessageBatchRequestEntryTypeDef,
    )

BATCH = 10
BATCH_BYTES = 256 * 1024
"""What one request may carry: messages, and bytes of their bodies together."""

_WHAT = "the event queue"
_DEAD = "the dead-letter queue"
_HIDDEN_SECONDS = 300
_ALL_SERVERS = 1
"""Who does not wait is answered by a few of SQS's servers, and may see no message where there are some."""


@dataclass(frozen=True)
class Message:
    """A message of the event queue: its body, the group that keeps its order, and the id under which it comes once.

    `sequence` is the place of one that is sent again; it then counts instead of the queue's own number.
    """

    body: str
    group: str
    deduplication: str
    sequence: str = ""


@dataclass(frozen=True)
class DeadLetter:
    """A message of the dead-letter queue: when it came there (milliseconds), and the receipt that takes it off."""

    identifier: str
    body: str
    attributes: Mapping[str, str]
    sent_at: int
    receipt: str


def send(message: Message) -> str:
    """Queue one message and give its sequence number; returning means that it is in the queue (invariant 1)."""
    with faults(_WHAT):
        answer = client("sqs").send_message(
            QueueUrl=environment().events_queue_url,
            MessageBody=message.body,
            MessageGroupId=message.group,
            MessageDeduplicationId=message.deduplication,
            MessageAttributes=_attributes({"sequence": message.sequence}),
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
    entries: list[SendMessageBatchRequestEntryTypeDef] = [
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
    with faults(_DEAD):
        client("sqs").send_message(
            QueueUrl=environment().dead_letter_queue_url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=deduplication,
            MessageAttributes=_attributes(attributes),
        )


def _attributes(values: Mapping[str, str]) -> "dict[str, MessageAttributeValueTypeDef]":
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items() if value}


def dead_letters() -> Iterator[DeadLetter]:
    """All messages of the dead-letter queue, each once, hidden from others meanwhile; what is left shows again then."""
    seen: dict[str, DeadLetter] = {}
    try:
        while fresh := [each for each in _dead_letters() if each.identifier not in seen]:
            seen |= {each.identifier: each for each in fresh}
            yield from fresh
    finally:
        _show_again(list(seen.values()))


def _dead_letters() -> list[DeadLetter]:
    with faults(_DEAD):
        answer = client("sqs").receive_message(
            QueueUrl=environment().dead_letter_queue_url,
            MaxNumberOfMessages=BATCH,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp"],
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=_ALL_SERVERS,
        )
    return [
        DeadLetter(
            message["MessageId"],
            message["Body"],
            {name: each.get("StringValue", "") for name, each in message.get("MessageAttributes", {}).items()},
            int(message["Attributes"]["SentTimestamp"]),
            message["ReceiptHandle"],
        )
        for message in answer.get("Messages", [])
    ]


def _show_again(letters: Sequence[DeadLetter]) -> None:
    """Let others receive them at once; the queue refuses those that were taken off meanwhile, which is as well."""
    for start in range(0, len(letters), BATCH):
        entries: list[ChangeMessageVisibilityBatchRequestEntryTypeDef] = [
            {"Id": str(position), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
            for position, letter in enumerate(letters[start : start + BATCH])
        ]
        with faults(_DEAD):
            client("sqs").change_message_visibility_batch(QueueUrl=environment().dead_letter_queue_url, Entries=entries)


def take_off(letter: DeadLetter) -> None:
    """Take a message off the dead-letter queue for good."""
    with faults(_DEAD):
        client("sqs").delete_message(QueueUrl=environment().dead_letter_queue_url, ReceiptHandle=letter.receipt)
