"""Applies the logged events of a batch: grouped by entity, each entity on its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent

from flyteadmin.clients import deadline
from flyteadmin.clients.dynamodb.reads import Found
from flyteadmin.errors import FlyteAdminError, Unavailable
from flyteadmin.events import log, projection
from flyteadmin.events.envelope import Kind, QueuedEvent, QueueRecord
from flyteadmin.events.outcome import Outcome, is_out_of_attempts, unexpected_as_internal
from flyteadmin.events.validation import attempt_identifier
from flyteadmin.events.workers import Workers
from flyteadmin.observability import logger
from flyteadmin.task_executions import repository as task_executions

type _Unmarked = dict[tuple[str, str], FlyteAdminError]
"""Why nodes could not be marked as parents, by execution and node."""


@dataclass(frozen=True)
class _Entity:
    """One execution, node or task attempt, with its events of this batch in sequence order."""

    execution: str
    kind: Kind
    key: str
    events: tuple[QueuedEvent, ...]

    @property
    def sequenced(self) -> projection.SequencedEvents:
        return [(event.sequence, event.event) for event in self.events]

    @property
    def records(self) -> list[QueueRecord]:
        return [event.record for event in self.events]

    def batches_to_apply(self) -> "list[_Entity]":
        """Return the events to apply together: all, or each alone if one has used up its attempts.

        An event that keeps failing would otherwise hold up the others of its entity.
        """
        if not any(map(is_out_of_attempts, self.records)):
            return [self]
        return [_Entity(self.execution, self.kind, self.key, (event,)) for event in self.events]


def apply_all(events: Sequence[QueuedEvent], workers: Workers, outcome: Outcome) -> None:
    """Apply logged events, and record the outcome of their messages.

    Nodes and tasks come first, so that an ended execution shows ended nodes.
    """
    entities = _entities(events)
    rows = _task_rows(entities)
    unmarked = _mark_parents(entities, workers)
    nodes_and_tasks = [entity for entity in entities if entity.kind is not Kind.WORKFLOW]
    executions = [entity for entity in entities if entity.kind is Kind.WORKFLOW]
    for group in (nodes_and_tasks, executions):
        small = [entity for entity in group if not _is_large(entity, rows)]
        workers.map(lambda entity: _apply(entity, rows, unmarked, outcome), small)
        for entity in group:
            if _is_large(entity, rows):
                _apply(entity, rows, unmarked, outcome)


def _entities(events: Iterable[QueuedEvent]) -> list[_Entity]:
    """Group events by entity, in the order in which the entities first appear."""
    grouped: dict[tuple[str, Kind, str], list[QueuedEvent]] = {}
    for event in events:
        grouped.setdefault((event.execution, event.kind, projection.entity_of(event.event)), []).append(event)
    return [
        _Entity(execution, kind, key, tuple(sorted(group, key=lambda event: event.sequence)))
        for (execution, kind, key), group in grouped.items()
    ]


def _task_rows(entities: Sequence[_Entity]) -> Found:
    """Read the rows of task executions in one batch; if that fails, each is read alone later."""
    keys = [task_executions.key(entity.execution, entity.key) for entity in entities if entity.kind is Kind.TASK]
    try:
        with unexpected_as_internal("reading"):
            return task_executions.read_all(keys)
    except FlyteAdminError as error:
        logger.warning("each task execution is read by itself", extra={"cause": error.message})
        return Found()


def _mark_parents(entities: Sequence[_Entity], workers: Workers) -> _Unmarked:
    """Mark the nodes that the batch's events name as parents, each once; return why some are not marked."""
    parents = {(each.execution, parent) for each in entities for parent in projection.parents_of(each.sequenced)}
    unmarked: _Unmarked = {}

    def mark(parent: tuple[str, str]) -> None:
        try:
            deadline.check()
            with unexpected_as_internal("marking"):
                projection.mark_parent(*parent)
        except FlyteAdminError as error:
            unmarked[parent] = error

    workers.map(mark, sorted(parents))
    return unmarked


def _is_large(entity: _Entity, rows: Found) -> bool:
    """Return whether merging may need up to 200 MB.

    Such entities are applied one after the other, in one thread: eight at once would exceed the function's memory, and
    memory that a thread has freed is not reused by other threads.
    """
    if entity.kind is not Kind.TASK:
        return False
    row = rows.get(task_executions.key(entity.execution, entity.key))
    return any(map(log.is_large, entity.events)) or (row is not None and row.closure is None)


def _apply(entity: _Entity, rows: Found, unmarked: _Unmarked, outcome: Outcome) -> None:
    """Apply an entity's events, together or one by one, and record the outcome of their messages."""
    for batch in entity.batches_to_apply():
        try:
            deadline.check()
            _apply_batch(batch, rows, unmarked)
        except FlyteAdminError as error:
            if not outcome.record_failure(batch.records, error):
                return
        else:
            outcome.record_applied(batch.records)


def _apply_batch(entity: _Entity, rows: Found, unmarked: _Unmarked) -> None:
    """Apply an entity's events.

    Raises:
        FlyteAdminError: for every kind of failure.
    """
    for parent in projection.parents_of(entity.sequenced):
        if error := unmarked.get((entity.execution, parent)):
            raise error
    try:
        with unexpected_as_internal("applying"):
            _move_row(entity, rows)
    except deadline.OutOfTime:  # it had begun, so it counts as a failure
        raise Unavailable("applying it takes longer than the function's time") from None


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
