"""The event queue and its dead-letter queue, one message group per execution; the queue of namespaces. All are FIFO."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteadmin.clients.aws import client, translate_errors
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
"""The most that one request may carry: messages, and bytes of their bodies in total."""

_EVENT_QUEUE = "the event queue"
_DEAD_LETTER_QUEUE = "the dead-letter queue"
_HIDDEN_SECONDS = 300
_ALL_SERVERS = 1
"""A long poll asks all of SQS's servers; without it an answer may be empty although there are messages."""


@dataclass(frozen=True)
class Message:
    """A message of the event queue: its body, its message group, and its deduplication id.

    `sequence` is set on a message that is sent again: the event keeps this place in the order instead of getting a new
    one.
    """

    body: str
    group: str
    deduplication: str
    sequence: str = ""


@dataclass(frozen=True)
class DeadLetter:
    """A message of the dead-letter queue: when it was sent there (milliseconds), and the receipt that deletes it."""

    identifier: str
    body: str
    attributes: Mapping[str, str]
    sent_at: int
    receipt: str


def send(message: Message) -> str:
    """Queue one message and return its sequence number; by then the event is safe (invariant 1)."""
    with translate_errors(_EVENT_QUEUE):
        answer = client("sqs").send_message(
            QueueUrl=environment().events_queue_url,
            MessageBody=message.body,
            MessageGroupId=message.group,
            MessageDeduplicationId=message.deduplication,
            MessageAttributes=_attributes({"sequence": message.sequence}),
        )
    return answer["SequenceNumber"]


def send_all(messages: Sequence[Message]) -> list[FlyteAdminError | None]:
    """Queue messages in as few requests as possible; for each, return None or the error that kept it out.

    Messages fail independently: the caller sends each failed one again.
    """
    outcomes: list[FlyteAdminError | None] = []
    for batch in _batches(messages):
        outcomes += _send_batch(batch)
    return outcomes


def send_namespaces(messages: Sequence[Message]) -> list[FlyteAdminError | None]:
    """Queue at most ten requests for namespaces in one call; outcomes as `send_all`."""
    return _send_to(environment().namespaces_queue_url, "the queue of namespaces", messages)


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
    return _send_to(environment().events_queue_url, _EVENT_QUEUE, batch)


def _send_to(queue_url: str, what: str, batch: Sequence[Message]) -> list[FlyteAdminError | None]:
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
        with translate_errors(what):
            answer = client("sqs").send_message_batch(QueueUrl=queue_url, Entries=entries)
    except FlyteAdminError as error:
        return [error] * len(batch)
    taken = {entry["Id"] for entry in answer.get("Successful", [])}
    return [
        None if str(position) in taken else Unavailable(f"{what} did not take a message, try again")
        for position in range(len(batch))
    ]


def set_aside_notification(body: str) -> None:
    """Send what can't be announced to the queue of failed notifications."""
    with translate_errors("the queue of failed notifications"):
        client("sqs").send_message(QueueUrl=environment().notify_failures_queue_url, MessageBody=body)


def set_aside(body: str, *, group: str, deduplication: str, attributes: Mapping[str, str]) -> None:
    """Send a message that can't be processed to the dead-letter queue, with its sequence and the cause."""
    with translate_errors(_DEAD_LETTER_QUEUE):
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
    """Yield all messages of the dead-letter queue, each once.

    They are hidden from other readers meanwhile; those that were not deleted become visible again afterwards.
    """
    seen: dict[str, DeadLetter] = {}
    try:
        while fresh := [letter for letter in _dead_letters() if letter.identifier not in seen]:
            seen |= {letter.identifier: letter for letter in fresh}
            yield from fresh
    finally:
        _show_again(list(seen.values()))


def _dead_letters() -> list[DeadLetter]:
    with translate_errors(_DEAD_LETTER_QUEUE):
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
            {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()},
            int(message["Attributes"]["SentTimestamp"]),
            message["ReceiptHandle"],
        )
        for message in answer.get("Messages", [])
    ]


def _show_again(letters: Sequence[DeadLetter]) -> None:
    """Make messages visible again at once; the queue ignores those that were deleted meanwhile."""
    for start in range(0, len(letters), BATCH):
        entries: list[ChangeMessageVisibilityBatchRequestEntryTypeDef] = [
            {"Id": str(position), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
            for position, letter in enumerate(letters[start : start + BATCH])
        ]
        with translate_errors(_DEAD_LETTER_QUEUE):
            client("sqs").change_message_visibility_batch(QueueUrl=environment().dead_letter_queue_url, Entries=entries)


def delete(letter: DeadLetter) -> None:
    """Delete a message from the dead-letter queue."""
    with translate_errors(_DEAD_LETTER_QUEUE):
        client("sqs").delete_message(QueueUrl=environment().dead_letter_queue_url, ReceiptHandle=letter.receipt)
