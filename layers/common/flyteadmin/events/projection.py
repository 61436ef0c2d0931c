"""Moves rows by events, in one of two ways: the fast path, or a rebuild where its condition fails.

The fast path writes the facts of an entity's new events in one conditional update, without reading. The condition fails
if a later event was applied before, or the first event is not accepted; then the whole log is reduced and written.
A row may know more than what is left of its log: then the row is the truth, and the events are added to it.
Every function is idempotent and may run at the same time in another process: the conditions decide.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from flyteidl.core.identifier_pb2 import TaskExecutionIdentifier
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent

from flyteadmin.clients.dynamodb.optimistic import attempts
from flyteadmin.clients.dynamodb.writes import ConditionFailed
from flyteadmin.errors import NotFound, Unavailable
from flyteadmin.events import log, offloading
from flyteadmin.events.envelope import Kind
from flyteadmin.events.validation import Event, attempt_identifier
from flyteadmin.executions import phases as workflow_phases
from flyteadmin.executions import repository as executions
from flyteadmin.executions.models import ExecutionState
from flyteadmin.facts import Facts
from flyteadmin.identifiers import execution_identifier, task_execution_key
from flyteadmin.node_executions import phases as node_phases
from flyteadmin.node_executions import repository as node_executions
from flyteadmin.node_executions.models import NodeExecutionRow
from flyteadmin.task_executions import phases as task_phases
from flyteadmin.task_executions import repository as task_executions
from flyteadmin.task_executions.models import TaskExecutionRow

_PARENTS_KEPT = 10_000

type SequencedEvents = Sequence[tuple[str, Event]]
"""Events of one entity with their padded sequences, in order."""


def entity_of(event: Event) -> str:
    """Return the entity's part of the event's key in the log."""
    match event:
        case WorkflowExecutionEvent():
            return ""
        case NodeExecutionEvent():
            return event.id.node_id
        case TaskExecutionEvent():
            return task_execution_key(attempt_identifier(event))[1]


def apply_workflow(execution: str, events: SequencedEvents, launch_plan: str) -> None:
    """Move an execution's row by consecutive events of a batch.

    `launch_plan` names the lease that ends with the execution; if it is "", because the message did not carry it, the
    row is read for it.

    Raises:
        NotFound: there is no such execution.
        Unavailable: too many writers at once; try again.
    """
    phase_events = [offloading.workflow(event, sequence) for sequence, event in events]
    facts = workflow_phases.fold(phase_events)
    if facts.phase in workflow_phases.TERMINAL and not launch_plan:
        launch_plan = _existing(execution, executions.read_state(execution)).launch_plan
    refused = workflow_phases.refused_phases(phase_events[0].phase)
    for written in (facts, workflow_phases.without_moves(facts)):
        try:
            return executions.apply(execution, written, phase_events[0].sequence, refused, launch_plan)
        except ConditionFailed as failure:
            old = _existing(execution, executions.from_raw(failure.old) if failure.old else None)
        if not workflow_phases.is_full(old.transitions):
            break
    return rebuild_workflow(old, phase_events)


def rebuild_workflow(old: ExecutionState, events: Sequence[workflow_phases.PhaseEvent]) -> None:
    """Rewrite an execution's row from its log and the phase that the control plane set; `events` were logged last.

    Raises:
        Unavailable: too many writers at once; try again.
    """
    for _ in attempts(f"execution {old.execution}"):
        facts = _workflow_from_log(old)
        is_whole = facts is not None
        if facts is None:
            facts = workflow_phases.onto(old.phase, old.sequence, old.transitions, events)
        if _is_up_to_date(old, facts, is_whole=is_whole):
            return
        try:
            executions.rebuild(old, facts, is_whole=is_whole)
        except ConditionFailed as failure:
            old = _existing(old.execution, executions.from_raw(failure.old) if failure.old else None)
        else:
            return


def _workflow_from_log(old: ExecutionState) -> Facts | None:
    """Reduce an execution's log; None where it lacks an event that the row knows."""
    untold = executions.told_by_events(old)

    def told() -> Iterator[workflow_phases.PhaseEvent]:
        nonlocal untold
        for sequence, event in log.read(old.execution, Kind.WORKFLOW, ""):
            phase_event = offloading.workflow(event, sequence)
            untold = workflow_phases.facts_of(phase_event).without_told(untold)
            yield phase_event

    facts = workflow_phases.reduce(told(), executions.control_plane_phase_of(old))
    return None if untold else _keep_terminal_phase(old, facts)


def _keep_terminal_phase(old: ExecutionState, facts: Facts) -> Facts:
    if old.phase in workflow_phases.TERMINAL and facts.phase != old.phase:
        return Facts(facts.once, {}, (), facts.sequence)
    return facts


def apply_node(execution: str, node_id: str, events: SequencedEvents) -> None:
    """Move a node's row by consecutive events of a batch.

    Raises:
        Unavailable: too many writers at once; try again.
    """
    phase_events = [offloading.node(event, sequence) for sequence, event in events]
    facts = node_phases.fold(phase_events)
    refused = node_phases.refused_phases(phase_events[0].phase)
    try:
        node_executions.apply(execution, node_id, facts, phase_events[0].sequence, refused)
    except ConditionFailed as failure:
        if failure.old is None:  # the row was there and has been deleted
            raise Unavailable(f"node {node_id} of execution {execution} is written by others, try again") from failure
        rebuild_node(node_executions.from_raw(failure.old), phase_events)


def parents_of(events: SequencedEvents) -> set[str]:
    """Return the nodes that a node's events name as its parent."""
    named = {event.parent_node_metadata.node_id for _, event in events if isinstance(event, NodeExecutionEvent)}
    return named - {""}


@lru_cache(maxsize=_PARENTS_KEPT)
def mark_parent(execution: str, node_id: str) -> None:
    """Let lists show that a node has children, which a branch node's own events don't say (GET-13).

    A process asks once for each parent.
    """
    node_executions.mark_parent(execution, node_id)


def forget_parents() -> None:
    """Forget the parents that were marked, for tests."""
    mark_parent.cache_clear()


def rebuild_node(old: NodeExecutionRow, events: Sequence[node_phases.PhaseEvent]) -> None:
    """Rewrite a node's row from its log; `events` were logged last.

    Raises:
        Unavailable: too many writers at once; try again.
    """
    for _ in attempts(f"node {old.node_id} of execution {old.execution}"):
        facts = _node_from_log(old)
        is_whole = facts is not None
        if facts is None:
            facts = node_phases.onto(old.phase, old.sequence, events)
        if _is_up_to_date(old, facts, is_whole=is_whole):
            return
        try:
            node_executions.rebuild(old, facts, is_whole=is_whole)
        except ConditionFailed as failure:
            old = node_executions.from_raw(failure.old) if failure.old else old
        else:
            return


def _node_from_log(old: NodeExecutionRow) -> Facts | None:
    """Reduce a node's log; None where it lacks an event that the row knows."""
    untold = node_executions.told_by_events(old)

    def told() -> Iterator[node_phases.PhaseEvent]:
        nonlocal untold
        for sequence, event in log.read(old.execution, Kind.NODE, old.node_id):
            phase_event = offloading.node(event, sequence)
            untold = node_phases.facts_of(phase_event).without_told(untold)
            yield phase_event

    facts = node_phases.reduce(told())
    return None if untold else facts


def apply_task(identifier: TaskExecutionIdentifier, events: SequencedEvents, row: TaskExecutionRow | None) -> None:
    """Move a task attempt's row, as read before, by consecutive events of a batch.

    Raises:
        Unavailable: too many writers at once; try again.
    """
    for _ in attempts(f"task execution {task_execution_key(identifier)}"):
        stored = task_executions.state_of(row) if row else None
        state = _reduced_task(identifier, events, stored)
        if state is None or (row is not None and state == stored):
            return
        try:
            task_executions.store(identifier, state, row)
        except ConditionFailed:
            row = task_executions.read_again(identifier)
        else:
            return


def _reduced_task(
    identifier: TaskExecutionIdentifier, events: SequencedEvents, stored: task_phases.TaskState | None
) -> task_phases.TaskState | None:
    if stored is None or stored.sequence < events[0][0]:
        return task_phases.reduce((offloading.task(event, sequence) for sequence, event in events), stored)
    logged: list[str] = []

    def told() -> Iterator[task_phases.PhaseEvent]:
        execution, attempt_key = task_execution_key(identifier)
        for sequence, event in log.read(execution, Kind.TASK, attempt_key):
            logged.append(sequence)
            yield offloading.task(event, sequence)

    state = task_phases.reduce(told())
    is_whole = task_phases.explains(logged, stored, [sequence for sequence, _ in events])
    if is_whole and task_phases.keeps_end(stored, state):
        return state
    return task_phases.onto(stored, (offloading.task(event, sequence) for sequence, event in events))


def _existing(execution: str, state: ExecutionState | None) -> ExecutionState:
    if state is None:
        identifier = execution_identifier(execution)
        raise NotFound(f"missing entity of type execution with identifier {identifier.name}")
    return state


def _is_up_to_date(row: ExecutionState | NodeExecutionRow, facts: Facts, *, is_whole: bool) -> bool:
    """Return whether writing facts would change nothing; on a row that is the truth, what it has is kept."""
    stored = row.attribute_values
    if not is_whole:
        missing = any(stored.get(name) is None for name in facts.once)
        return not (missing or facts.transitions or facts.latest) and stored["sequence"] == facts.sequence
    wanted: dict[str, object] = {**facts.once, **facts.latest, "sequence": facts.sequence}
    if facts.transitions:
        wanted["transitions"] = list(facts.transitions)
    return all(stored.get(name) == value for name, value in wanted.items())
