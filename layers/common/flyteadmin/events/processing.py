"""What happens to a batch of queued events: logged first, then folded by entity and applied (architecture §3).

Nothing is swallowed: each message is applied, or set aside in the dead-letter queue with its sequence and cause, or
reported as failed (then the queue delivers it and its followers again); the last too where the function's time is
too short (invariant 1).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from time import monotonic, time_ns

from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent

from flyteadmin.clients import deadline
from flyteadmin.clients.dynamodb.reads import Found
from flyteadmin.errors import FlyteAdminError, Internal, Unavailable
from flyteadmin.events import log, projection
from flyteadmin.events.envelope import Kind, QueuedEvent, QueueRecord
from flyteadmin.events.opening import open_record
from flyteadmin.events.outcome import Outcome, is_spent
from flyteadmin.events.validation import attempt_identifier
from flyteadmin.observability import logger, measure
from flyteadmin.task_executions import repository as task_executions

_THREADS = 8

_SECONDS_TO_SET_ASIDE = 3
_SECONDS_TO_ANSWER = 1


@dataclass(frozen=True)
class _Entity:
    """One execution, node or task attempt, and its events of this batch in sequence order."""

    execution: str
    kind: Kind
    key: str
    events: tuple[QueuedEvent, ...]

    @property
    def sequenced(self) -> projection.Sequenced:
        return [(event.sequence, event.event) for event in self.events]

    @property
    def records(self) -> list[QueueRecord]:
        return [event.record for event in self.events]

    def in_steps(self) -> "list[_Entity]":
        """What is applied at once: all events, or each alone if one of them failed too often and may hold up others."""
        if not any(map(is_spent, self.records)):
            return [self]
        return [_Entity(self.execution, self.kind, self.key, (event,)) for event in self.events]


def process(records: Sequence[QueueRecord], seconds: float) -> list[str]:
    """Apply a batch, and give the ids of the messages to deliver again, followers in their groups included.

    `seconds` is how long the function may run. Shortly before their end nothing more is begun, and what is under way is
    not waited for: it may end later, or be done twice, as by any two consumers.
    """
    end = monotonic() + seconds
    outcome = Outcome(records)
    leads, threads = _pools()
    try:
        is_late = _is_late(end - _SECONDS_TO_SET_ASIDE - _SECONDS_TO_ANSWER, leads, lambda: _process(threads, outcome))
        is_late |= _is_late(end - _SECONDS_TO_ANSWER, leads, outcome.set_aside)
    except BaseException:
        _give_up_pools(wait=True)
        raise
    again = outcome.again()
    if is_late:
        _give_up_pools(wait=False)
        logger.warning("the time was too short: the rest is delivered again", extra={"messages": len(again)})
    measure(**outcome.figures(len(again), time_ns() // 1_000_000))
    return again


@cache
def _pools() -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
    """One for what leads a batch, one for its calls; kept, since starting ten threads costs what an event does."""
    return ThreadPoolExecutor(2), ThreadPoolExecutor(_THREADS)


def _give_up_pools(*, wait: bool) -> None:
    """What comes next gets threads of its own: one of these may hang."""
    for pool in _pools():
        pool.shutdown(wait=wait, cancel_futures=True)
    _pools.cache_clear()


def _is_late(moment: float, lead: ThreadPoolExecutor, work: Callable[[], None]) -> bool:
    """Do a piece of work that begins no call after a moment; whether it is still under way then."""
    with deadline.at(moment):
        whole = lead.submit(copy_context().run, work)
    try:
        is_late = not wait([whole], timeout=max(0.0, moment - monotonic())).done
        if not is_late:
            whole.result()
        return is_late
    finally:
        del whole  # or it would hold an error whose frames hold it, and their sockets


def _each[T, R](threads: ThreadPoolExecutor, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """The results of threads that know the deadline."""
    contexts = [copy_context() for _ in items]
    return list(threads.map(lambda context, item: context.run(work, item), contexts, items))


def _process(threads: ThreadPoolExecutor, outcome: Outcome) -> None:
    try:
        entities = _entities(_logged(_entries(threads, _opened(threads, outcome), outcome), outcome))
    except FlyteAdminError as error:
        logger.warning("a batch will be delivered again", extra={"cause": error.message})
        return
    rows = _task_rows(entities)
    parts = [entity for entity in entities if entity.kind is not Kind.WORKFLOW]
    wholes = [entity for entity in entities if entity.kind is Kind.WORKFLOW]
    for group in (parts, wholes):  # nodes and tasks first: an ended execution shows its ended nodes
        small = [entity for entity in group if not _is_large(entity, rows)]
        _each(threads, lambda entity: _applied(entity, rows, outcome), small)
        for entity in group:
            if _is_large(entity, rows):
                _applied(entity, rows, outcome)


def _is_large(entity: _Entity, rows: Found) -> bool:
    """Whether merging takes up to 200 MB, so that one after the other does it, in one thread that has its memory back.

    Eight at once, or in as many threads, whose freed memory no other gets, would end the function.
    """
    if entity.kind is not Kind.TASK:
        return False
    row = rows.get(task_executions.key(entity.execution, entity.key))
    return any(map(log.is_large, entity.events)) or (row is not None and row.closure is None)


def _opened(threads: ThreadPoolExecutor, outcome: Outcome) -> list[QueuedEvent]:
    """The events of the messages that can be read, in their order; those that lie in S3 are fetched at once."""
    records = outcome.to_begin()
    claims = [record for record in records if record.may_be_claim]
    fetched = iter(_each(threads, lambda record: _open(record, outcome), claims))
    opened = [next(fetched) if record.may_be_claim else _open(record, outcome) for record in records]
    return [event for event in opened if event is not None]


def _open(record: QueueRecord, outcome: Outcome) -> QueuedEvent | None:
    """The event of a message, None if it can't be read, now or ever."""
    try:
        with _our_faults("reading"):
            return open_record(record)
    except FlyteAdminError as error:
        outcome.fails([record], error)
        return None


def _entries(threads: ThreadPoolExecutor, events: Sequence[QueuedEvent], outcome: Outcome) -> list[log.Entry]:
    """What goes into the log, in its order; the blobs of large events are written at once."""
    large = [event for event in events if log.is_large(event)]
    written = iter(_each(threads, lambda event: _entry(event, outcome), large))
    entries = [next(written) if log.is_large(event) else _entry(event, outcome) for event in events]
    return [entry for entry in entries if entry is not None]


def _entry(event: QueuedEvent, outcome: Outcome) -> log.Entry | None:
    try:
        with _our_faults("logging"):
            return log.entry(event, projection.entity_of(event.event))
    except FlyteAdminError as error:
        outcome.fails([event.record], error)
        return None


def _logged(entries: Sequence[log.Entry], outcome: Outcome) -> list[QueuedEvent]:
    """The events that are in the log now. One that keeps the others from the log too often is given up.

    Raises:
        FlyteAdminError: none could be logged; deliver them again.
    """
    try:
        return _log(entries, outcome)
    except FlyteAdminError:
        if not any(is_spent(entry.event.record) for entry in entries):
            raise
        return [event for entry in entries for event in _logged_alone(entry, outcome)]


def _logged_alone(entry: log.Entry, outcome: Outcome) -> list[QueuedEvent]:
    try:
        return _log([entry], outcome)
    except FlyteAdminError as error:
        outcome.fails([entry.event.record], error)
        return []


def _log(entries: Sequence[log.Entry], outcome: Outcome) -> list[QueuedEvent]:
    with _our_faults("logging"):
        logged = log.append(entries)
    done = {event.record.message_id for event in logged}
    for entry in entries:
        if entry.event.record.message_id not in done:
            outcome.fails([entry.event.record], Unavailable("the database throttles this execution's log, try again"))
    return logged


def _task_rows(entities: Sequence[_Entity]) -> Found:
    """The task executions' rows; none where they can't be read together, so that each finds its own by itself."""
    keys = [task_executions.key(entity.execution, entity.key) for entity in entities if entity.kind is Kind.TASK]
    try:
        with _our_faults("reading"):
            return task_executions.read_all(keys)
    except FlyteAdminError as error:
        logger.warning("each task execution is read by itself", extra={"cause": error.message})
        return Found()


def _entities(events: Iterable[QueuedEvent]) -> list[_Entity]:
    grouped: dict[tuple[str, Kind, str], list[QueuedEvent]] = {}
    for event in events:
        grouped.setdefault((event.execution, event.kind, projection.entity_of(event.event)), []).append(event)
    return [
        _Entity(execution, kind, key, tuple(sorted(group, key=lambda event: event.sequence)))
        for (execution, kind, key), group in grouped.items()
    ]


def _applied(entity: _Entity, rows: Found, outcome: Outcome) -> None:
    for step in entity.in_steps():
        try:
            deadline.check()
            _apply(step, rows)
        except FlyteAdminError as error:
            if not outcome.fails(step.records, error):
                return
        else:
            outcome.applies(step.records)


def _apply(entity: _Entity, rows: Found) -> None:
    """Apply an entity's events.

    Raises:
        FlyteAdminError: whatever went wrong.
    """
    try:
        with _our_faults("applying"):
            _move_row(entity, rows)
    except deadline.OutOfTime:  # in the midst of it
        raise Unavailable("applying it takes longer than the function's time") from None


@contextmanager
def _our_faults(doing: str) -> Iterator[None]:
    """Turn what nobody foresaw into an error: a fault of ours fails its events, not the batch."""
    try:
        yield
    except FlyteAdminError:
        raise
    except Exception as error:
        logger.exception("an event met a fault of ours")
        raise Internal(f"{type(error).__name__} while {doing}") from error


def _move_row(entity: _Entity, rows: Found) -> None:
    match entity.events[0].event:
        case WorkflowExecutionEvent():
            launch_plan = next((event.launch_plan for event in entity.events if event.launch_plan), "")
            projection.apply_workflow(entity.execution, entity.sequenced, launch_plan)
        case NodeExecutionEvent():
            projection.apply_node(entity.execution, entity.key, entity.sequenced)
        case TaskExecutionEvent() as event:
            row = rows.get(task_executions.key(entity.execution, entity.key))
            projection.apply_task(attempt_identifier(event), entity.sequenced, row)
