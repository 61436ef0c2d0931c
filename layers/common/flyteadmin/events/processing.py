"""What happens to a batch of queued events: logged first, then folded by entity and applied (architecture §3).

Nothing is swallowed: each message is applied, or reported as failed (then the queue delivers it and its followers
again), or set aside in the dead-letter queue with its sequence and cause (invariant 1).
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from flyteidl.event.event_pb2 import TaskExecutionEvent

from flyteadmin.clients import queue, storage
from flyteadmin.clients.dynamodb import Found
from flyteadmin.errors import FlyteAdminError, Internal, InvalidArgument, NotFound
from flyteadmin.events import log, projection
from flyteadmin.events.envelope import (
    Kind,
    QueuedEvent,
    QueueRecord,
    cause_of,
    decode,
    execution_of,
    open_envelope,
    payload_of,
)
from flyteadmin.events.validation import attempt_identifier
from flyteadmin.identifiers import task_execution_key
from flyteadmin.observability import logger
from flyteadmin.settings import environment
from flyteadmin.task_executions import repository as task_executions
from flyteadmin.task_executions.models import TaskExecutionRow

_THREADS = 8


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


def process(records: Sequence[QueueRecord]) -> list[str]:
    """Apply a batch and give the ids of the messages to deliver again, followers in their groups included."""
    events, failed = _opened(records)
    with ThreadPoolExecutor(_THREADS) as threads:
        try:
            logged, unlogged = _logged(events)
            failed |= unlogged | _apply_all(threads, logged)
        except FlyteAdminError as error:
            logger.warning("a batch will be delivered again", extra={"cause": error.message})
            failed |= {event.record.message_id for event in events}
    return _with_followers(records, failed)


def _opened(records: Iterable[QueueRecord]) -> tuple[list[QueuedEvent], set[str]]:
    """The events that can be read, and the messages to try again; what can never be read is set aside."""
    events = []
    failed = set()
    for record in records:
        try:
            envelope = open_envelope(record)
            payload = storage.read(envelope.claim) if envelope.claim else payload_of(envelope)
            events.append(decode(record, envelope, payload))
        except (InvalidArgument, storage.BlobMissing) as error:
            failed |= _set_aside(record, error)
        except FlyteAdminError as error:
            failed |= _again_or_aside(record, error)
    return events, failed


def _logged(events: Sequence[QueuedEvent]) -> tuple[Sequence[QueuedEvent], set[str]]:
    """The events that are in the log now, and the messages of others to try again.

    One that keeps the others from the log too often is set aside.

    Raises:
        FlyteAdminError: not all could be logged; deliver them again.
    """
    try:
        log.append([(event, projection.entity_of(event.event)) for event in events])
    except FlyteAdminError:
        if not any(_is_spent(event.record) for event in events):
            raise
        return _logged_singly(events)
    return events, set()


def _logged_singly(events: Sequence[QueuedEvent]) -> tuple[Sequence[QueuedEvent], set[str]]:
    logged = []
    failed: set[str] = set()
    for event in events:
        try:
            log.append([(event, projection.entity_of(event.event))])
            logged.append(event)
        except FlyteAdminError as error:
            failed |= _again_or_aside(event.record, error)
    return logged, failed


def _apply_all(threads: ThreadPoolExecutor, events: Sequence[QueuedEvent]) -> set[str]:
    entities = _entities(events)
    rows = task_executions.read_all(
        [task_executions.key(entity.execution, entity.key) for entity in entities if entity.kind is Kind.TASK]
    )
    parts = [entity for entity in entities if entity.kind is not Kind.WORKFLOW]
    wholes = [entity for entity in entities if entity.kind is Kind.WORKFLOW]
    failed: set[str] = set()
    for group in (parts, wholes):  # nodes and tasks first: an ended execution shows its ended nodes
        for messages in threads.map(lambda entity: _applied(entity, rows), group):
            failed |= messages
    return failed


def _entities(events: Iterable[QueuedEvent]) -> list[_Entity]:
    grouped: dict[tuple[str, Kind, str], list[QueuedEvent]] = {}
    for event in events:
        grouped.setdefault((event.execution, event.kind, projection.entity_of(event.event)), []).append(event)
    return [
        _Entity(execution, kind, key, tuple(sorted(group, key=lambda event: event.sequence)))
        for (execution, kind, key), group in grouped.items()
    ]


def _applied(entity: _Entity, rows: Found) -> set[str]:
    """Apply an entity's events, and give the messages that failed; a message that failed too often goes alone."""
    if any(_is_spent(event.record) for event in entity.events):
        return _applied_singly(entity)
    try:
        _apply(entity, rows)
    except FlyteAdminError as error:
        return _failure(entity.events, error)
    return set()


def _applied_singly(entity: _Entity) -> set[str]:
    for position, event in enumerate(entity.events):
        try:
            _apply(_Entity(entity.execution, entity.kind, entity.key, (event,)), Found())
        except FlyteAdminError as error:
            if not _is_spent(event.record):
                return _failure(entity.events[position:], error)
            if again := _set_aside(event.record, error):
                return again
    return set()


def _failure(events: Sequence[QueuedEvent], error: FlyteAdminError) -> set[str]:
    if isinstance(error, NotFound | InvalidArgument):  # delivering it again won't help
        return {message for event in events for message in _set_aside(event.record, error)}
    logger.warning("events will be delivered again", extra={"execution": events[0].execution, "cause": error.message})
    return {event.record.message_id for event in events}


def _apply(entity: _Entity, rows: Found) -> None:
    """Apply an entity's events.

    Raises:
        FlyteAdminError: whatever went wrong: a fault of ours fails these events, not the batch.
    """
    try:
        _apply_by_kind(entity, rows)
    except FlyteAdminError:
        raise
    except Exception as error:
        logger.exception("an event could not be applied", extra={"execution": entity.execution})
        raise Internal(f"{type(error).__name__} while applying") from error


def _apply_by_kind(entity: _Entity, rows: Found) -> None:
    match entity.kind:
        case Kind.WORKFLOW:
            launch_plan = next((event.launch_plan for event in entity.events if event.launch_plan), "")
            projection.apply_workflow(entity.execution, entity.sequenced, launch_plan)
        case Kind.NODE:
            projection.apply_node(entity.execution, entity.key, entity.sequenced)
        case Kind.TASK:
            _apply_task(entity, rows)


def _apply_task(entity: _Entity, rows: Found) -> None:
    event = entity.events[0].event
    assert isinstance(event, TaskExecutionEvent)
    identifier = attempt_identifier(event)
    row = rows.get(TaskExecutionRow, task_executions.key(*task_execution_key(identifier)))
    projection.apply_task(identifier, entity.sequenced, row)


def _is_spent(record: QueueRecord) -> bool:
    """Whether a message was delivered as often as it may fail."""
    return record.attributes.receive_count >= environment().dead_letter_after


def _again_or_aside(record: QueueRecord, error: FlyteAdminError) -> set[str]:
    """The message to deliver again, none if it failed too often and is set aside."""
    if _is_spent(record):
        return _set_aside(record, error)
    logger.warning("an event will be delivered again", extra={"cause": error.message})
    return {record.message_id}


def _set_aside(record: QueueRecord, error: FlyteAdminError | storage.BlobMissing) -> set[str]:
    """Put a message into the dead-letter queue; one that it does not take stays in the queue: none is lost."""
    cause = cause_of(error) if isinstance(error, FlyteAdminError) else f"NOT_FOUND: no blob at {error}"
    logger.error("an event was set aside", extra={"message_id": record.message_id, "cause": cause})
    try:
        queue.set_aside(
            record.body,
            group=record.message_id,  # a group each, so that the dead letters can be looked through
            deduplication=record.message_id,
            attributes={
                "sequence": record.sequence,
                "cause": cause,
                "execution": execution_of(record),
                "group": record.attributes.group,
            },
        )
    except FlyteAdminError as refusal:
        logger.error("the dead-letter queue did not take an event", extra={"cause": refusal.message})
        return {record.message_id}
    return set()


def _with_followers(records: Sequence[QueueRecord], failed: set[str]) -> list[str]:
    """The failed messages and those behind them in their groups: a FIFO group goes on in order, or not at all."""
    blocked: set[str] = set()
    again = []
    for record in records:
        if record.message_id in failed:
            blocked.add(record.attributes.group)
        if record.attributes.group in blocked:
            again.append(record.message_id)
    return again
