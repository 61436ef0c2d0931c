"""What an operator does with events that were set aside: look at them, and send them again in their old place.

It runs with the operator's credentials: `flyteadmin-ops redrive`, of which docs/runbook.md says when to use it.
"""

from collections.abc import Generator
from dataclasses import dataclass
from uuid import uuid4

from google.protobuf import text_format

from flyteadmin.clients import queue
from flyteadmin.clients.attributes import visible
from flyteadmin.errors import FlyteAdminError
from flyteadmin.events import log
from flyteadmin.events.envelope import QueueRecord, execution_of
from flyteadmin.events.opening import open_record
from flyteadmin.events.projection import entity_of
from flyteadmin.events.service import group_of

_NO_CAUSE = "not said: the queue itself gave up"


@dataclass(frozen=True)
class DeadLetter:
    """An event that was set aside; `execution` and `sequence` are "" where nothing says them.

    `identifier` is what the function's log calls it, `group` stands for the execution that it was queued for.
    """

    message: queue.DeadLetter
    identifier: str
    execution: str
    group: str
    sequence: str
    cause: str


@dataclass(frozen=True)
class Chosen:
    """Which dead letters are meant: those that contain all of these; "" is in every one.

    One that can't be read does not say its execution; by the whole name it is found all the same.
    """

    execution: str = ""
    cause: str = ""
    message: str = ""

    def includes(self, letter: DeadLetter) -> bool:
        """Whether a dead letter is meant."""
        return (
            (self.execution in letter.execution or letter.group == group_of(self.execution))
            and self.cause.lower() in letter.cause.lower()
            and self.message in letter.identifier
        )


def dead_letters() -> Generator[DeadLetter, None, None]:
    """All dead letters, one by one.

    Raises:
        Unavailable: the queue does not answer.
    """
    for message in queue.dead_letters():
        attributes = message.attributes
        yield DeadLetter(
            message,
            identifier=attributes.get("message_id") or message.identifier,
            execution=attributes.get("execution") or visible(execution_of(_record(message))),
            group=attributes.get("group", ""),
            sequence=attributes.get("sequence", ""),
            cause=attributes.get("cause", _NO_CAUSE),
        )


def shown(letter: DeadLetter) -> str:
    """The event of a dead letter as protobuf text; of one that is no event, why, and its body."""
    try:
        return text_format.MessageToString(open_record(_record(letter.message)).event)
    except FlyteAdminError as error:
        return f"can't be read: {visible(str(error))}\n{visible(letter.message.body[:2000])}\n"


def send_again(letter: DeadLetter) -> str:
    """Queue a dead letter again, take it off, and give its place: the one that it carries or the log knows, or "".

    An event that was never logged and carries no place gets a new one. A crash in between queues it twice, which
    changes nothing.

    Raises:
        InvalidArgument, NotFound: it is no event, or its blob is gone: it will never apply.
        Unavailable: a queue, the database or the object store does not answer; do it again.
    """
    event = open_record(_record(letter.message, letter.sequence))
    place = letter.sequence or log.sequence_of(event.execution, event.kind, entity_of(event.event), event.payload)
    queue.send(queue.Message(letter.message.body, group_of(event.execution), uuid4().hex, place))
    queue.take_off(letter.message)
    return place


def drop(letter: DeadLetter) -> None:
    """Take a dead letter off for good.

    Raises:
        Unavailable: the queue does not answer; do it again.
    """
    queue.take_off(letter.message)


def _record(message: queue.DeadLetter, sequence: str = "") -> QueueRecord:
    return QueueRecord.model_validate(
        {"messageId": message.identifier, "body": message.body, "attributes": {"SequenceNumber": sequence or "0"}}
    )
