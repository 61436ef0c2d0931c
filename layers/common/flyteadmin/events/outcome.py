"""The outcome of each message of a batch: applied, set aside as a dead letter, or delivered again."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from flyteadmin.clients import queue
from flyteadmin.clients.attributes import visible
from flyteadmin.clients.deadline import OutOfTime
from flyteadmin.errors import FlyteAdminError, Internal, InvalidArgument, NotFound
from flyteadmin.events.envelope import QueueRecord, cause_of, execution_of
from flyteadmin.observability import logger
from flyteadmin.settings import environment

_ISOLATE_AFTER, _GIVE_UP_AFTER = 2, 4
"""Multiples of the attempts that a message has: above the first it is processed alone, at the second given up unseen.

A message that only fails is set aside long before that; these limits are for one that ends the function.
"""


@dataclass
class Outcome:
    """The known outcomes of a batch's messages, by message id; several threads may add to it.

    A message that is neither applied nor given up is delivered again.
    """

    records: Sequence[QueueRecord]
    applied: set[str] = field(default_factory=set)
    given_up: dict[str, str] = field(default_factory=dict)
    _set_aside: set[str] = field(default_factory=set)

    def messages_to_process(self) -> Sequence[QueueRecord]:
        """Return the messages to work on: all, or only the first if one may have ended the function before.

        A message that ends the function fails its whole batch, without any code here deciding about it. Processed alone
        it takes no other message along, and on every twentieth delivery it is given up unseen. Only the first message
        is treated so: those behind it in the batch were delivered as often, but may be harmless.
        """
        limit = environment().dead_letter_after
        if not any(record.attributes.receive_count > _ISOLATE_AFTER * limit for record in self.records):
            return self.records
        first = self.records[0]
        count = first.attributes.receive_count
        if count % (_GIVE_UP_AFTER * limit):
            return [first]
        self.given_up[first.message_id] = f"INTERNAL: received {count} times without an answer, it may end the function"
        return []

    def record_applied(self, records: Iterable[QueueRecord]) -> None:
        """Record messages as done."""
        self.applied.update(record.message_id for record in records)

    def record_failure(self, records: Sequence[QueueRecord], error: FlyteAdminError) -> bool:
        """Record messages that failed together, and return whether they are given up, so that others may continue.

        They are given up when a retry can't help, or when all of them have used up their attempts. Messages that
        were never begun are always retried.
        """
        is_permanent = isinstance(error, InvalidArgument | NotFound)
        if is_permanent or (all(map(is_out_of_attempts, records)) and not isinstance(error, OutOfTime)):
            self.given_up |= {record.message_id: cause_of(error) for record in records}
            return True
        about = {"messages": [record.message_id for record in records], "cause": error.message}
        logger.warning("events will be delivered again", extra={"execution": execution_of(records[0]), **about})
        return False

    def set_aside(self) -> None:
        """Send given-up messages to the dead-letter queue, unless one before them in their group is delivered again.

        A message that the queue does not take is delivered again too, so none is lost.
        """
        self._undone_in_order(lambda record: record.message_id in self.applied or self._is_set_aside(record))

    def to_redeliver(self) -> list[str]:
        """Return the ids of the messages to deliver again; behind an undone message its whole group is."""
        return self._undone_in_order(lambda record: record.message_id in self.applied | self._set_aside)

    def metrics(self, redelivered: int, now: int) -> dict[str, int]:
        """Count the outcomes, and measure the age of the oldest message in milliseconds, as `now` is."""
        oldest = min((record.attributes.sent_timestamp for record in self.records), default=now)
        return {
            "EventsApplied": len(self.applied),
            "EventsSetAside": len(self._set_aside),
            "EventsAgain": redelivered,
            "EventsMilliseconds": max(0, now - oldest),
        }

    def _undone_in_order(self, is_done: Callable[[QueueRecord], bool]) -> list[str]:
        """Return the ids of undone messages and of all that follow them in their groups.

        `is_done` is not called for the followers.
        """
        blocked: set[str] = set()
        again = []
        for record in self.records:
            group = record.attributes.group
            if group in blocked or not is_done(record):
                blocked.add(group)
                again.append(record.message_id)
        return again

    def _is_set_aside(self, record: QueueRecord) -> bool:
        cause = self.given_up.get(record.message_id)
        if cause is None:
            return False
        try:
            _forward(record, cause)
        except FlyteAdminError as refusal:
            logger.error("the dead-letter queue did not take an event", extra={"cause": refusal.message})
            return False
        self._set_aside.add(record.message_id)
        return True


def is_out_of_attempts(record: QueueRecord) -> bool:
    """Return whether a message was delivered as often as it may fail."""
    return record.attributes.receive_count >= environment().dead_letter_after


@contextmanager
def unexpected_as_internal(doing: str) -> Iterator[None]:
    """Turn an unexpected exception into an Internal error, so that it fails its events and not the batch.

    Raises:
        Internal: in place of the exception, which the log has.
    """
    try:
        yield
    except FlyteAdminError:
        raise
    except Exception as error:
        logger.exception("an event met a fault of ours")
        raise Internal(f"{type(error).__name__} while {doing}") from error


def _forward(record: QueueRecord, cause: str) -> None:
    attributes = {
        "message_id": record.message_id,
        "sequence": record.sequence,
        "cause": cause,
        "execution": visible(execution_of(record)),
        "group": record.attributes.group,
    }
    logger.error("an event was set aside", extra=attributes)
    queue.set_aside(
        record.body,
        group=record.message_id,  # a group of its own: readers can pass over it
        deduplication=record.message_id,
        attributes=attributes,
    )
