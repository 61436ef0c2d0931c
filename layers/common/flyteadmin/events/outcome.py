"""What becomes of each message of a batch: it is applied, or set aside as a dead letter, or delivered again."""

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
"""Multiples of how often a message may fail: above the first it is worked on alone, at the second given up unseen.

One that merely fails is set aside long before; these are for one that ends the function.
"""


@dataclass
class Outcome:
    """What is known so far of a batch's messages, by their ids; several threads may add to it.

    A message that is neither applied nor given up is delivered again.
    """

    records: Sequence[QueueRecord]
    applied: set[str] = field(default_factory=set)
    given_up: dict[str, str] = field(default_factory=dict)
    _set_aside: set[str] = field(default_factory=set)

    def messages_to_process(self) -> Sequence[QueueRecord]:
        """The messages to work on: all, or the first alone where one came so often that it may end the function.

        A message that ends the function fails its whole batch, and no code here gets to judge it. Alone it takes no
        other along, and on its twentieth delivery it is given up unseen. On that one alone: the messages behind it
        were delivered as often, and may be innocent.
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
        """Note messages that are done."""
        self.applied.update(record.message_id for record in records)

    def record_failure(self, records: Sequence[QueueRecord], error: FlyteAdminError) -> bool:
        """Note messages that failed together, and say whether they are given up, so that others may go on.

        They are if delivering them again won't help, or if each has failed too often; not if they weren't even begun.
        """
        won_t_help = isinstance(error, InvalidArgument | NotFound)
        if won_t_help or (all(map(is_out_of_attempts, records)) and not isinstance(error, OutOfTime)):
            self.given_up |= {record.message_id: cause_of(error) for record in records}
            return True
        said = {"messages": [record.message_id for record in records], "cause": error.message}
        logger.warning("events will be delivered again", extra={"execution": execution_of(records[0]), **said})
        return False

    def set_aside(self) -> None:
        """Forward what is given up to the dead-letter queue, if nothing before it in its group is delivered again.

        A message that the queue does not take is delivered again too: none is lost.
        """
        self._undone_in_order(lambda record: record.message_id in self.applied or self._is_set_aside(record))

    def to_redeliver(self) -> list[str]:
        """The ids of the messages to deliver again: a FIFO group goes on in order, or not at all."""
        return self._undone_in_order(lambda record: record.message_id in self.applied | self._set_aside)

    def metrics(self, again: int, now: int) -> dict[str, int]:
        """What becomes of the batch, as metrics; how long its oldest message took, in milliseconds as `now`."""
        oldest = min((record.attributes.sent_timestamp for record in self.records), default=now)
        return {
            "EventsApplied": len(self.applied),
            "EventsSetAside": len(self._set_aside),
            "EventsAgain": again,
            "EventsMilliseconds": max(0, now - oldest),
        }

    def _undone_in_order(self, is_done: Callable[[QueueRecord], bool]) -> list[str]:
        """The messages that are not done, and those behind them in their groups, which are not asked about."""
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
    """Whether a message was delivered as often as it may fail."""
    return record.attributes.receive_count >= environment().dead_letter_after


@contextmanager
def unexpected_as_internal(doing: str) -> Iterator[None]:
    """Turn what nobody foresaw into an error: a fault of ours fails its events, not the batch.

    Raises:
        Internal: instead of it; the log says what it was.
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
        group=record.message_id,  # a group each, so that the dead letters can be looked through
        deduplication=record.message_id,
        attributes=attributes,
    )
