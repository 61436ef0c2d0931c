"""Counts the phases and rules that generated runs reach when they are reduced in order."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from flyteidl.admin.task_execution_pb2 import TaskExecutionClosure
from flyteidl.core.execution_pb2 import NodeExecution, TaskExecution, WorkflowExecution
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent

from flyteadmin.events.projection import entity_of
from flyteadmin.executions import phases as workflow_phases
from flyteadmin.facts import Facts
from flyteadmin.node_executions import phases as node_phases
from flyteadmin.task_executions import phases as task_phases
from flyteadmin.task_executions.phases import TaskState
from tests.property.acceptance_rules import NODE_RULES, TASK_RULES, WORKFLOW_RULES, Move, Rules
from tests.property.propeller_runs import Run

_NO_ATTEMPT = TaskState(TaskExecutionClosure(), 0, "")

PHASES = frozenset(
    f"{entity} {phase}"
    for entity, phases in (
        ("workflow", set(WorkflowExecution.Phase.keys()) - {"UNDEFINED", "ABORTING"}),
        ("node", set(NodeExecution.Phase.keys()) - {"UNDEFINED"}),
        ("task", set(TaskExecution.Phase.keys()) - {"UNDEFINED"}),
    )
    for phase in phases
)
"""Every phase that propeller reports; ABORTING is the control plane's own."""

RULES = frozenset(WORKFLOW_RULES) | frozenset(NODE_RULES) | frozenset(TASK_RULES)


def reached(run: Run) -> Counter[str]:
    """Count how often a run reaches each phase and each rule."""
    entities: dict[tuple[type, str], list[Any]] = defaultdict(list)
    for event in run.events:
        entities[type(event), entity_of(event)].append(event)
    count: Counter[str] = Counter()
    for (kind, _), events in entities.items():
        if kind is WorkflowExecutionEvent:
            count += _counted("workflow", WorkflowExecution, WORKFLOW_RULES, _workflow_moves(events))
        elif kind is NodeExecutionEvent:
            count += _counted("node", NodeExecution, NODE_RULES, _node_moves(events))
        else:
            count += _counted("task", TaskExecution, TASK_RULES, _task_moves(events))
    return count


def _counted[M: Move[Any, Any]](entity: str, phases: Any, rules: Rules[M], moves: Iterable[M]) -> Counter[str]:
    count: Counter[str] = Counter()
    for move in moves:
        count[f"{entity} {phases.Phase.Name(move.event.phase)}"] += move.is_accepted
        count.update(name for name, applies in rules.items() if applies(move))
    return +count


def _workflow_moves(events: Iterable[WorkflowExecutionEvent]) -> Iterator[Move[WorkflowExecutionEvent, Facts]]:
    before = Facts()
    seen: list[workflow_phases.PhaseEvent] = []
    for number, event in enumerate(events):
        placed = workflow_phases.PhaseEvent(event, str(number), error=event.error.SerializeToString())
        is_accepted = workflow_phases.accepts(before.phase or workflow_phases.UNDEFINED, placed.phase)
        seen.append(placed)
        after = workflow_phases.fold(seen)
        yield Move(event, before, after, is_first=not number, is_accepted=is_accepted)
        before = after


def _node_moves(events: Iterable[NodeExecutionEvent]) -> Iterator[Move[NodeExecutionEvent, Facts]]:
    before = Facts()
    seen: list[node_phases.PhaseEvent] = []
    for number, event in enumerate(events):
        placed = node_phases.PhaseEvent(
            event,
            str(number),
            inputs_uri="s3://inputs" if event.HasField("input_data") else "",
            error=event.error.SerializeToString(),
            task_node_metadata=node_phases.metadata_of(event).SerializeToString(),
        )
        is_accepted = node_phases.accepts(before.phase, placed.phase)
        seen.append(placed)
        after = node_phases.fold(seen)
        yield Move(event, before, after, is_first=not number, is_accepted=is_accepted)
        before = after


def _task_moves(events: Iterable[TaskExecutionEvent]) -> Iterator[Move[TaskExecutionEvent, TaskState]]:
    before = None
    for number, event in enumerate(events):
        inputs = "s3://inputs" if event.HasField("input_data") else ""
        placed = task_phases.PhaseEvent(event, str(number), inputs_uri=inputs)
        after = task_phases.reduce([placed], before)
        assert after is not None
        is_accepted = task_phases.accepts(before, event)
        yield Move(event, before or _NO_ATTEMPT, after, is_first=before is None, is_accepted=is_accepted)
        before = after
