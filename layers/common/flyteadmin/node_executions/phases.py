"""The rule by which a node execution's phase moves: upstream's acceptance, as a pure reducer over ordered events.

Sources: flyteadmin node_execution_manager.go CreateNodeEvent, transformers/node_execution.go; deviations in
docs/deviations.toml.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from flyteidl.admin.node_execution_pb2 import TaskNodeMetadata as StoredTaskNodeMetadata
from flyteidl.core.catalog_pb2 import CatalogCacheStatus
from flyteidl.core.execution_pb2 import NodeExecution
from flyteidl.event.event_pb2 import NodeExecutionEvent

from flyteadmin.executions.phases import error_facts
from flyteadmin.facts import Facts, Value
from flyteadmin.identifiers import children_key, execution_key, task_execution_key
from flyteadmin.text import enum_name, truncate_uri
from flyteadmin.timestamps import to_nanoseconds

Phase = NodeExecution.Phase

TERMINAL = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "SKIPPED", "RECOVERED"})

_LINKS = ("dynamic_job_spec_uri", "dynamic_workflow_uri")
"""Latest facts that an event still fills when it arrives after the node's end."""


@dataclass(frozen=True)
class PhaseEvent:
    """A node event with its padded sequence, and the URIs of data that was moved to S3."""

    event: NodeExecutionEvent
    sequence: str
    inputs_uri: str = ""
    outputs_uri: str = ""
    error: bytes = b""
    error_uri: str = ""
    task_node_metadata: bytes = b""
    task_node_metadata_uri: str = ""
    dynamic_workflow_uri: str = ""

    @property
    def phase(self) -> str:
        """Return the phase's enum name."""
        return Phase.Name(self.event.phase)


def accepts(stored: str, phase: str) -> bool:
    """Return whether an event of `phase` moves a node in phase `stored`, "" if it has none (NEV-06, NEV-11…13)."""
    return stored not in TERMINAL and phase != stored


def refused_phases(phase: str) -> frozenset[str]:
    """Return the stored phases in which an event of `phase` is refused: `accepts` as the fast path's condition."""
    return frozenset(stored for stored, _ in Phase.items() if not accepts(stored, phase))


def facts_of(event: PhaseEvent) -> Facts:
    """Return the facts of an accepted event (NEV-07…21)."""
    message = event.event
    at = to_nanoseconds(message.occurred_at)
    reported = to_nanoseconds(message.reported_at) if message.HasField("reported_at") else 0
    once: dict[str, Value] = {
        "created_at": at,
        "event_version": message.event_version,
        **_origin(message),
        **_flags(message),
    }
    latest: dict[str, Value] = {"phase": event.phase, "updated_at": reported or at}
    if inputs := message.input_uri or event.inputs_uri:
        once["input_uri"] = truncate_uri(inputs)
    if event.phase == "RUNNING":
        once["started_at"] = at
        latest["deck_uri"] = truncate_uri(message.deck_uri) or None
    if event.phase in TERMINAL:
        latest |= {"ended_at": at, "deck_uri": truncate_uri(message.deck_uri) or None, **_outcome(event)}
    latest.update(_target(event))
    if message.workflow_node_metadata.HasField("execution_id"):
        once["child_execution"] = execution_key(message.workflow_node_metadata.execution_id)
    return Facts(once, latest, (), event.sequence)


def _origin(event: NodeExecutionEvent) -> dict[str, Value]:
    facts = {
        "parent": parent_of(event),
        "parent_node_id": event.parent_node_metadata.node_id,
        "spec_node_id": event.spec_node_id,
        "retry_group": event.retry_group,
    }
    return {name: value for name, value in facts.items() if value}


def parent_of(event: NodeExecutionEvent) -> str:
    """Return the key of the children index for an event's node: its parent node, else its parent task, else the top.

    Raises:
        InvalidArgument: the parent's names are too long for a key.
    """
    execution = execution_key(event.id.execution_id)
    if not event.parent_node_metadata.node_id and event.HasField("parent_task_metadata"):
        return children_key(execution, task=task_execution_key(event.parent_task_metadata.id)[1])
    return children_key(execution, node=event.parent_node_metadata.node_id)


def _flags(event: NodeExecutionEvent) -> dict[str, Value]:
    flags = {"is_parent_node": event.is_parent, "is_dynamic": event.is_dynamic, "is_array": event.is_array}
    return {name: True for name, is_set in flags.items() if is_set}


def metadata_of(event: NodeExecutionEvent) -> StoredTaskNodeMetadata:
    """Return the task metadata that is kept; the cache status only with a catalog key (NEV-15)."""
    metadata = event.task_node_metadata
    kept = StoredTaskNodeMetadata(checkpoint_uri=metadata.checkpoint_uri)
    if metadata.HasField("catalog_key"):
        kept.cache_status = metadata.cache_status
        kept.catalog_key.CopyFrom(metadata.catalog_key)
    return kept


def _target(event: PhaseEvent) -> dict[str, Value]:
    if not event.event.HasField("task_node_metadata"):
        return {}
    metadata = event.event.task_node_metadata
    target: dict[str, Value] = {
        "task_node_metadata": event.task_node_metadata,
        "task_node_metadata_uri": event.task_node_metadata_uri or None,
    }
    if metadata.HasField("catalog_key"):
        target["cache_status"] = enum_name(CatalogCacheStatus, metadata.cache_status)
    if metadata.dynamic_workflow.dynamic_job_spec_uri:
        target["dynamic_job_spec_uri"] = truncate_uri(metadata.dynamic_workflow.dynamic_job_spec_uri)
    if event.dynamic_workflow_uri:
        target["dynamic_workflow_uri"] = event.dynamic_workflow_uri
    return target


def _outcome(event: PhaseEvent) -> dict[str, Value]:
    match event.event.WhichOneof("output_result"):
        case "output_uri" if event.event.output_uri:
            return {"output_uri": truncate_uri(event.event.output_uri)}
        case "output_data" if event.outputs_uri:
            return {"output_uri": event.outputs_uri}
        case "output_data":
            return {"output_data": event.event.output_data.SerializeToString(deterministic=True)}
        case "error":
            return error_facts(event.event.error, event.error, event.error_uri)
    return {}


def fold(events: Iterable[PhaseEvent]) -> Facts:
    """Combine the facts of consecutive events of one node, the first of which is accepted."""
    facts = Facts()
    for event in events:
        facts = _after(facts, event, facts_of(event))
    return facts


def reduce(events: Iterable[PhaseEvent]) -> Facts:
    """Return the facts of a node's row after these events, given in sequence order and read one by one."""
    facts = Facts()
    names: set[str] = set()
    for event in events:
        event_facts = facts_of(event)
        names.update(event_facts.latest)
        facts = _after(facts, event, event_facts)
    return facts.removing_stale(names)


def onto(phase: str, base: str, events: Iterable[PhaseEvent]) -> Facts:
    """Return what events add to a row in `phase` that is the truth up to the sequence `base`.

    An event at or below it fills what is missing; only an end still moves a node that has not ended.
    """
    facts = Facts(sequence=base)
    for event in events:
        moves = (event.sequence > base or event.phase in TERMINAL) and accepts(facts.phase or phase, event.phase)
        facts = facts.then(facts_of(event)) if moves else facts.filled_by(facts_of(event), _LINKS)
    return facts


def _after(facts: Facts, event: PhaseEvent, event_facts: Facts) -> Facts:
    return facts.then(event_facts) if accepts(facts.phase, event.phase) else facts.filled_by(event_facts, _LINKS)
