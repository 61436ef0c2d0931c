"""Processes a batch of queued events: logged first, then applied by entity (docs/architecture.md#event).

Each message is applied, or set aside in the dead-letter queue with its sequence and cause, or reported as failed; then
the queue delivers it and its followers again. Messages that the function has no time for are reported as failed too
(invariant 1).
"""

from collections.abc import Sequence
from time import monotonic, time_ns

from flyteadmin.errors import FlyteAdminError, Unavailable
from flyteadmin.events import log, projection, workers
from flyteadmin.events.applying import apply_all
from flyteadmin.events.envelope import QueuedEvent, QueueRecord
from flyteadmin.events.opening import open_record
from flyteadmin.events.outcome import Outcome, is_out_of_attempts, unexpected_as_internal
from flyteadmin.events.workers import Workers
from flyteadmin.observability import logger, measure

_SECONDS_TO_SET_ASIDE = 3
_SECONDS_TO_ANSWER = 1


def process(records: Sequence[QueueRecord], seconds: float) -> list[str]:
    """Process a batch and return the ids of the messages to deliver again, with their followers in the same group.

    `seconds` is the time that the function has left. Shortly before its end nothing more is begun, and calls that have
    begun are not waited for: they may finish later, or be repeated, as with any two consumers.
    """
    end = monotonic() + seconds
    outcome = Outcome(records)
    pools = workers.current()
    try:
        in_time = pools.run_until(end - _SECONDS_TO_SET_ASIDE - _SECONDS_TO_ANSWER, lambda: _process(pools, outcome))
        in_time &= pools.run_until(end - _SECONDS_TO_ANSWER, outcome.set_aside)
    except BaseException:
        workers.abandon(wait=True)
        raise
    again = outcome.to_redeliver()
    if not in_time:
        workers.abandon(wait=False)
        logger.warning("the time was too short: the rest is delivered again", extra={"messages": len(again)})
    measure(**outcome.metrics(len(again), time_ns() // 1_000_000))
    return again


def _process(pools: Workers, outcome: Outcome) -> None:
    try:
        logged = _logged(_entries(pools, _opened(pools, outcome), outcome), outcome)
    except FlyteAdminError as error:
        logger.warning("a batch will be delivered again", extra={"cause": error.message})
        return
    apply_all(logged, pools, outcome)


def _opened(pools: Workers, outcome: Outcome) -> list[QueuedEvent]:
    """Return the events of the readable messages in order; those in S3 are fetched in parallel."""
    opened = pools.map_slow_at_once(
        lambda record: _open(record, outcome), outcome.messages_to_process(), is_slow=lambda record: record.may_be_claim
    )
    return [event for event in opened if event is not None]


def _open(record: QueueRecord, outcome: Outcome) -> QueuedEvent | None:
    """Return the event of a message, None if it can't be read; the outcome has the reason."""
    try:
        with unexpected_as_internal("reading"):
            return open_record(record)
    except FlyteAdminError as error:
        outcome.record_failure([record], error)
        return None


def _entries(pools: Workers, events: Sequence[QueuedEvent], outcome: Outcome) -> list[log.Entry]:
    """Return the log entries of the events in order; the blobs of large events are written in parallel."""
    entries = pools.map_slow_at_once(lambda event: _entry(event, outcome), events, is_slow=log.is_large)
    return [entry for entry in entries if entry is not None]


def _entry(event: QueuedEvent, outcome: Outcome) -> log.Entry | None:
    try:
        with unexpected_as_internal("logging"):
            return log.entry(event, projection.entity_of(event.event))
    except FlyteAdminError as error:
        outcome.record_failure([event.record], error)
        return None


def _logged(entries: Sequence[log.Entry], outcome: Outcome) -> list[QueuedEvent]:
    """Log entries and return the events that are in the log now.

    If logging them together fails and one has used up its attempts, each is logged alone, so that it can be given up.

    Raises:
        FlyteAdminError: none could be logged; deliver them again.
    """
    try:
        return _log(entries, outcome)
    except FlyteAdminError:
        if not any(is_out_of_attempts(entry.event.record) for entry in entries):
            raise
        return [event for entry in entries for event in _logged_alone(entry, outcome)]


def _logged_alone(entry: log.Entry, outcome: Outcome) -> list[QueuedEvent]:
    try:
        return _log([entry], outcome)
    except FlyteAdminError as error:
        outcome.record_failure([entry.event.record], error)
        return []


def _log(entries: Sequence[log.Entry], outcome: Outcome) -> list[QueuedEvent]:
    with unexpected_as_internal("logging"):
        logged = log.append(entries)
    done = {event.record.message_id for event in logged}
    for entry in entries:
        if entry.event.record.message_id not in done:
            outcome.record_failure(
                [entry.event.record], Unavailable("the database throttles this execution's log, try again")
            )
    return logged
