"""Redrive: an operator looks at dead letters and sends them again, in their old place in the order.

It runs with the operator's credentials, as `flyteadmin-ops redrive`; docs/runbook.md tells when to use it.
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
    """An event that was set aside; `execution` and `sequence` are "" where they are unknown.

    `identifier` is the message id in the function's log; `group` is the message group, one per execution.
    """

    message: queue.DeadLetter
    identifier: str
    execution: str
    group: str
    sequence: str
    cause: str


@dataclass(frozen=True)
class Chosen:
    """A selection of dead letters: those that contain all of these texts; "" is in every one.

    A dead letter that can't be read has no execution; it is found by its group, if `execution` is the whole name.
    """

    execution: str = ""
    cause: str = ""
    message: str = ""

    def includes(self, letter: DeadLetter) -> bool:
        """Return whether a dead letter is selected."""
        return (
            (self.execution in letter.execution or letter.group == group_of(self.execution))
            and self.cause.lower() in letter.cause.lower()
            and self.message in letter.identifier
        )


def dead_letters() -> Generator[DeadLetter, None, None]:
    """Yield all dead letters, one by one.

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
    """Return the event of a dead letter as protobuf text; if it is not an event, the reason and the body."""
    try:
        return text_format.MessageToString(open_record(_record(letter.message)).event)
    except FlyteAdminError as error:
        return f"can't be read: {visible(str(error))}\n{visible(letter.message.body[:2000])}\n"


def send_again(letter: DeadLetter) -> str:
    """Queue a dead letter again, take it off, and give its place: the one that it carries or the log knows, or "".

    An event that is missing in the log and carries no place gets a new one. A crash in between queues it twice, which
    changes nothing.

    Raises:
        InvalidArgument, NotFound: it is no event, or its blob is gone: it will never apply.
        Unavailable: a queue, the database or the object store does not answer; do it again.
    """
    event = open_record(_record(letter.message, letter.sequence))
    place = letter.sequence or log.sequence_of(event.execution, event.kind, entity_of(event.event), event.payload)
    queue.send(queue.Message(letter.message.body, group_of(event.execution), uuid4().hex, place))
    queue.delete(letter.message)
    return place


def drop(letter: DeadLetter) -> None:
    """Delete a dead letter.

    Raises:
        Unavailable: the queue does not answer; do it again.
    """
    queue.delete(letter.message)


def _record(message: queue.DeadLetter, sequence: str = "") -> QueueRecord:
    return QueueRecord.model_validate(
        {"messageId": message.identifier, "body": message.body, "attributes": {"SequenceNumber": sequence or "0"}}
    )
