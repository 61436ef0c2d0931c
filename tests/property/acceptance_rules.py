"""The rules by which an event changes what is stored, by conformance id: predicates over one move of one entity."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flyteidl.core.catalog_pb2 import CACHE_DISABLED
from flyteidl.core.execution_pb2 import NodeExecution, TaskExecution, TaskLog, WorkflowExecution
from flyteidl.event.event_pb2 import (
    ExternalResourceInfo,
    NodeExecutionEvent,
    TaskExecutionEvent,
    WorkflowExecutionEvent,
)

from flyteadmin.events.offloading import INLINE_BYTES
from flyteadmin.executions.phases import TERMINAL as WORKFLOW_ENDS
from flyteadmin.facts import Facts
from flyteadmin.node_executions.phases import TERMINAL as NODE_ENDS
from flyteadmin.task_executions.phases import TERMINAL as TASK_ENDS
from flyteadmin.task_executions.phases import TaskState
from flyteadmin.task_executions.repository import INLINE_BYTES as INLINE_CLOSURE_BYTES

_PENDING = frozenset({TaskExecution.QUEUED, TaskExecution.INITIALIZING})


@dataclass(frozen=True)
class Move[E, S]:
    """An event of an entity, what was stored before it (of a first event: nothing), and what is after it."""

    event: E
    before: S
    after: S
    is_first: bool
    is_accepted: bool


type WorkflowMove = Move[WorkflowExecutionEvent, Facts]
type NodeMove = Move[NodeExecutionEvent, Facts]
type TaskMove = Move[TaskExecutionEvent, TaskState]
type Rules[M] = Mapping[str, Callable[[M], object]]


def _first_said(move: Move[Any, Facts], fact: str) -> bool:
    return fact in move.after.values() and fact not in move.before.values()


def _ends_anew(move: WorkflowMove | NodeMove, ends: Iterable[str], phase: str) -> bool:
    return move.before.phase in ends and phase in ends and phase != move.before.phase


def _repeats(move: TaskMove) -> bool:
    return not move.is_first and move.event.phase == move.before.closure.phase


def _changes(move: TaskMove) -> bool:
    return not move.is_first and move.is_accepted and move.event.phase != move.before.closure.phase


def _starts(move: TaskMove) -> bool:
    return move.after.closure.HasField("started_at") and not move.before.closure.HasField("started_at")


def _merges(move: TaskMove) -> bool:
    return not move.is_first and move.is_accepted and bool(move.event.logs)


def _share(move: TaskMove, field: str) -> bool:
    said = [{getattr(log, field) for log in logs} - {""} for logs in (move.before.closure.logs, move.event.logs)]
    return _merges(move) and bool(said[0] & said[1])


def _hides(move: TaskMove, hides: Callable[[TaskLog], bool]) -> bool:
    """Return whether a resource had a log before that another phase hides."""
    resources = move.before.closure.metadata.external_resources
    return _changes(move) and any(hides(log) for resource in resources for log in resource.logs)


def _patched(move: TaskMove, old: str, new: str) -> bool:
    """Return whether a key of the custom info had one kind of value and gets another."""
    if not move.is_accepted:
        return False
    before, patch = move.before.closure.custom_info.fields, move.event.custom_info.fields
    return any(
        before[key].WhichOneof("kind") == old for key in patch if key in before and patch[key].WhichOneof("kind") == new
    )


def _redescribes(move: TaskMove) -> bool:
    return move.is_accepted and move.event.HasField("metadata") and move.before.closure.HasField("metadata")


def _pairs(move: TaskMove) -> Iterator[tuple[ExternalResourceInfo, ExternalResourceInfo]]:
    """External resources that are stored already, each with what an event says of it anew."""
    if not _redescribes(move):
        return
    stored = {_place(resource): resource for resource in move.before.closure.metadata.external_resources}
    for resource in move.event.metadata.external_resources:
        if _place(resource) in stored:
            yield stored[_place(resource)], resource


def _place(resource: ExternalResourceInfo) -> tuple[int, int]:
    return resource.index, resource.retry_attempt


def _workflow(phase: WorkflowExecution.Phase) -> str:
    return WorkflowExecution.Phase.Name(phase)


def _node(phase: NodeExecution.Phase) -> str:
    return NodeExecution.Phase.Name(phase)


WORKFLOW_RULES: Rules[WorkflowMove] = {
    "WFE-04 a repeated phase": lambda m: not m.is_accepted and _workflow(m.event.phase) == m.before.phase,
    "WFE-07 an event after the end": lambda m: m.before.phase in WORKFLOW_ENDS,
    "WFE-07 another end after the end": lambda m: _ends_anew(m, WORKFLOW_ENDS, _workflow(m.event.phase)),
    "WFE-08 QUEUED after the end": lambda m: (
        m.before.phase in WORKFLOW_ENDS and m.event.phase == WorkflowExecution.QUEUED
    ),
    "WFE-09 QUEUED while RUNNING": lambda m: m.before.phase == "RUNNING" and m.event.phase == WorkflowExecution.QUEUED,
    "WFE-11 back to an earlier phase": lambda m: m.before.phase == "SUCCEEDING" and m.after.phase == "RUNNING",
    "WFE-14 RUNNING sets the start": lambda m: _first_said(m, "started_at") and m.is_accepted,
    "WFE-14 a later RUNNING keeps the start": lambda m: (
        m.is_accepted and m.event.phase == WorkflowExecution.RUNNING and "started_at" in m.before.once
    ),
    "WFE-14 a late RUNNING gives the start": lambda m: _first_said(m, "started_at") and not m.is_accepted,
    "WFE-17 outputs by uri": lambda m: m.is_accepted and m.event.output_uri,
    "WFE-18 outputs inline": lambda m: m.is_accepted and m.event.HasField("output_data"),
    "WFE-19 an error in the row": lambda m: m.is_accepted and 0 < m.event.error.ByteSize() <= INLINE_BYTES,
    "WFE-19 an error replaces another": lambda m: (
        m.is_accepted and m.event.HasField("error") and "error" in m.before.latest
    ),
    "WFE-27 a long error": lambda m: m.is_accepted and m.event.error.ByteSize() > INLINE_BYTES,
}

NODE_RULES: Rules[NodeMove] = {
    "NEV-05 a dynamic workflow's closure": lambda m: m.event.task_node_metadata.dynamic_workflow.HasField(
        "compiled_workflow"
    ),
    "NEV-06 a first event other than QUEUED": lambda m: m.is_first and m.event.phase != NodeExecution.QUEUED,
    "NEV-08 below another node": lambda m: m.is_first and m.event.parent_node_metadata.node_id,
    "NEV-08 below a task": lambda m: m.is_first and m.event.HasField("parent_task_metadata"),
    "NEV-11 a repeated phase": lambda m: _node(m.event.phase) == m.before.phase,
    "NEV-12 an event after the end": lambda m: m.before.phase in NODE_ENDS,
    "NEV-12 another end after the end": lambda m: _ends_anew(m, NODE_ENDS, _node(m.event.phase)),
    "NEV-13 back to an earlier phase": lambda m: (
        m.is_accepted and m.before.phase == "RUNNING" and m.event.phase == NodeExecution.QUEUED
    ),
    "NEV-14 a child execution": lambda m: _first_said(m, "child_execution"),
    "NEV-14 another child execution": lambda m: (
        "child_execution" in m.before.once and m.event.workflow_node_metadata.execution_id.name == "another"
    ),
    "NEV-15 metadata": lambda m: m.is_accepted and m.event.HasField("task_node_metadata"),
    "NEV-15 metadata replaced": lambda m: (
        m.is_accepted
        and m.before.latest.get("task_node_metadata", b"") != m.after.latest.get("task_node_metadata", b"")
        and "task_node_metadata" in m.before.latest
    ),
    "NEV-15 a cache status": lambda m: m.is_accepted and m.event.task_node_metadata.HasField("catalog_key"),
    "NEV-15 a long cache key": lambda m: m.event.task_node_metadata.catalog_key.ByteSize() > INLINE_BYTES,
    "NEV-16 a dynamic job's spec": lambda m: m.is_accepted and "dynamic_job_spec_uri" in m.after.latest,
    "NEV-16 a spec after the end": lambda m: not m.is_accepted and _first_said(m, "dynamic_job_spec_uri"),
    "NEV-17 RUNNING sets the start": lambda m: m.is_accepted and _first_said(m, "started_at"),
    "NEV-17 a later RUNNING keeps the start": lambda m: (
        m.is_accepted and m.event.phase == NodeExecution.RUNNING and "started_at" in m.before.once
    ),
    "NEV-17 a late RUNNING gives the start": lambda m: not m.is_accepted and _first_said(m, "started_at"),
    "NEV-17 a deck while RUNNING": lambda m: (
        m.is_accepted and m.event.phase == NodeExecution.RUNNING and m.event.deck_uri
    ),
    "NEV-18 a deck at the end": lambda m: m.is_accepted and m.after.phase in NODE_ENDS and m.event.deck_uri,
    "NEV-18 an end removes the deck": lambda m: m.before.latest.get("deck_uri") and not m.after.latest.get("deck_uri"),
    "NEV-19 outputs by uri": lambda m: m.is_accepted and m.event.output_uri,
    "NEV-19 outputs inline": lambda m: m.is_accepted and m.event.HasField("output_data"),
    "NEV-19 an error in the row": lambda m: m.is_accepted and 0 < m.event.error.ByteSize() <= INLINE_BYTES,
    "NEV-19 a long error": lambda m: m.is_accepted and m.event.error.ByteSize() > INLINE_BYTES,
    "NEV-20 inputs by uri": lambda m: m.event.input_uri,
    "NEV-20 inputs inline": lambda m: m.event.HasField("input_data"),
    "NEV-20 inputs that come late": lambda m: not m.is_first and _first_said(m, "input_uri"),
    "NEV-21 a parent": lambda m: not m.is_first and _first_said(m, "is_parent_node"),
    "NEV-21 dynamic": lambda m: not m.is_first and _first_said(m, "is_dynamic"),
    "NEV-21 an array": lambda m: m.event.is_array,
    "NEV-21 a bit that is on stays on": lambda m: "is_parent_node" in m.before.once and not m.event.is_parent,
    "NEV-22 a start node": lambda m: m.event.id.node_id.endswith("start-node"),
}

TASK_RULES: Rules[TaskMove] = {
    "TEV-05 a first event": lambda m: m.is_first,
    "TEV-06 a phase again, with a higher version": lambda m: _repeats(m) and m.is_accepted,
    "TEV-06 a phase again, with no higher version": lambda m: _repeats(m) and not m.is_accepted,
    "TEV-07 another phase, with a lower version": lambda m: (
        m.is_accepted and not _repeats(m) and m.event.phase_version < m.before.phase_version
    ),
    "TEV-08 an event after the end": lambda m: m.before.closure.phase in TASK_ENDS,
    "TEV-08 RETRYABLE_FAILED is no end": lambda m: (
        m.before.closure.phase == TaskExecution.RETRYABLE_FAILED and m.is_accepted
    ),
    "TEV-09 a retry": lambda m: m.is_first and m.event.retry_attempt,
    "TEV-11 one reason": lambda m: m.is_accepted and m.event.reason and not m.event.reasons,
    "TEV-11 the same reason again": lambda m: (
        m.is_accepted and not m.event.reasons and m.event.reason and m.event.reason == m.before.closure.reason
    ),
    "TEV-11 several reasons": lambda m: m.is_accepted and len(m.event.reasons) > 1,
    "TEV-12 RUNNING sets the start": lambda m: m.is_accepted and _starts(m),
    "TEV-12 a later RUNNING keeps the start": lambda m: (
        m.is_accepted and m.event.phase == TaskExecution.RUNNING and m.before.closure.HasField("started_at")
    ),
    "TEV-12 a late RUNNING gives the start": lambda m: not m.is_accepted and _starts(m),
    "TEV-13 a duration": lambda m: m.is_accepted and m.after.closure.HasField("duration"),
    "TEV-13 an end without a start": lambda m: (
        m.is_accepted and m.after.ended_at and not m.after.closure.HasField("started_at")
    ),
    "TEV-13 outputs by uri": lambda m: m.is_accepted and m.event.output_uri,
    "TEV-13 outputs inline": lambda m: m.is_accepted and m.event.HasField("output_data"),
    "TEV-13 an error": lambda m: m.is_accepted and m.event.HasField("error"),
    "TEV-14 a log replaces that of its uri": lambda m: _share(m, "uri"),
    "TEV-14 a log replaces that of its name": lambda m: _share(m, "name"),
    "TEV-14 an earlier log stays": lambda m: _merges(m) and len(m.after.closure.logs) > len(m.event.logs),
    "TEV-14 no log leaves them": lambda m: m.is_accepted and m.before.closure.logs and not m.event.logs,
    "TEV-15 a pending phase shows some logs": lambda m: (
        _merges(m) and m.event.phase in _PENDING and any(log.ShowWhilePending for log in m.after.closure.logs)
    ),
    "TEV-15 a pending phase hides some logs": lambda m: (
        _merges(m) and m.event.phase in _PENDING and any(not log.ShowWhilePending for log in m.event.logs)
    ),
    "TEV-15 an end hides some logs": lambda m: (
        m.is_accepted and m.event.phase in TASK_ENDS and any(log.HideOnceFinished for log in m.before.closure.logs)
    ),
    "TEV-16 a pending phase hides a resource's log": lambda m: (
        m.event.phase in _PENDING and _hides(m, lambda log: not log.ShowWhilePending)
    ),
    "TEV-16 an end hides a resource's log": lambda m: (
        m.event.phase in TASK_ENDS and _hides(m, lambda log: log.HideOnceFinished)
    ),
    "TEV-17 custom info": lambda m: m.is_accepted and m.event.HasField("custom_info"),
    "TEV-17 a value replaced": lambda m: _patched(m, "number_value", "number_value"),
    "TEV-17 null removes a value": lambda m: _patched(m, "number_value", "null_value"),
    "TEV-17 structs merge": lambda m: _patched(m, "struct_value", "struct_value"),
    "TEV-17 a value replaces a struct": lambda m: _patched(m, "struct_value", "string_value"),
    "TEV-17 a struct replaces a value": lambda m: _patched(m, "string_value", "struct_value"),
    "TEV-18 metadata comes later": lambda m: (
        m.is_accepted and not m.is_first and m.event.HasField("metadata") and not m.before.closure.HasField("metadata")
    ),
    "TEV-18 a name stays": lambda m: (
        _redescribes(m) and m.before.closure.metadata.generated_name and not m.event.metadata.generated_name
    ),
    "TEV-18 a plugin replaced": lambda m: (
        _redescribes(m) and m.event.metadata.plugin_identifier not in {"", m.before.closure.metadata.plugin_identifier}
    ),
    "TEV-18 interruptible from then on": lambda m: (
        _redescribes(m) and m.after.closure.metadata.instance_class != m.before.closure.metadata.instance_class
    ),
    "TEV-18 resource pools go": lambda m: (
        _redescribes(m)
        and m.before.closure.metadata.resource_pool_info
        and not m.after.closure.metadata.resource_pool_info
    ),
    "TEV-19 another resource": lambda m: (
        _redescribes(m) and len(list(_pairs(m))) < len(m.event.metadata.external_resources)
    ),
    "TEV-19 a resource again": lambda m: any(_pairs(m)),
    "TEV-19 a resource keeps its cache status": lambda m: any(
        new.cache_status == CACHE_DISABLED != old.cache_status for old, new in _pairs(m)
    ),
    "TEV-19 a resource keeps its id": lambda m: any(old.external_id and not new.external_id for old, new in _pairs(m)),
    "TEV-19 a resource's logs merge": lambda m: any(old.logs and new.logs for old, new in _pairs(m)),
    "TEV-19 a resource's custom info is replaced": lambda m: any(
        old.HasField("custom_info") and new.HasField("custom_info") for old, new in _pairs(m)
    ),
    "TEV-19 a resource keeps its custom info": lambda m: any(
        old.HasField("custom_info") and not new.HasField("custom_info") for old, new in _pairs(m)
    ),
    "TEV-20 a higher event version": lambda m: (
        m.is_accepted and not m.is_first and m.event.event_version > m.before.closure.event_version
    ),
    "TEV-20 a lower event version": lambda m: m.is_accepted and m.event.event_version < m.before.closure.event_version,
    "TEV-21 inputs by uri": lambda m: m.event.input_uri,
    "TEV-21 inputs inline": lambda m: m.event.HasField("input_data"),
    "TEV-21 inputs that come late": lambda m: not m.is_first and m.after.input_uri and not m.before.input_uri,
    "a closure that does not fit into its row": lambda m: m.after.closure.ByteSize() > INLINE_CLOSURE_BYTES,
}
