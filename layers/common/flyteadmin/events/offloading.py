"""Stores an event's large parts in S3, once, under upstream's prefixes, before facts are made of it.

Keys end in the content's digest: a repeated event writes the same object, and an event that loses changes nothing. A
row holds the beginning of what is too large for it, so that no valid event can outgrow its item.
"""

from flyteidl.admin.node_execution_pb2 import TaskNodeMetadata
from flyteidl.core.execution_pb2 import ExecutionError
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent

from flyteadmin.clients import configuration, storage
from flyteadmin.events.validation import Event, attempt_identifier
from flyteadmin.executions import phases as workflow_phases
from flyteadmin.executions.phases import MAX_ERROR_CODE_BYTES
from flyteadmin.identifiers import execution_blob_parts, node_execution_blob_parts, task_execution_blob_parts
from flyteadmin.node_executions import phases as node_phases
from flyteadmin.task_executions import phases as task_phases
from flyteadmin.text import truncate, truncate_uri

INLINE_BYTES = 4 * 1024
"""A longer error or cache key goes to S3: one object costs as much as four write units."""

INLINE_DATA_BYTES = 32 * 1024
"""Larger outputs go to S3 even if the policy is to store them inline."""

_KEPT_MESSAGE_BYTES = 1024


def workflow(event: Event, sequence: str) -> workflow_phases.PhaseEvent:
    """Prepare a workflow event: offload its outputs and a long error (WFE-18, WFE-19)."""
    assert isinstance(event, WorkflowExecutionEvent)
    parts = execution_blob_parts(event.execution_id)
    error, error_uri = _error(event.error, *parts) if event.HasField("error") else (b"", "")
    return workflow_phases.PhaseEvent(
        event,
        sequence,
        outputs_uri=_outputs(event.output_data, *parts) if event.HasField("output_data") else "",
        error=error,
        error_uri=error_uri,
    )


def node(event: Event, sequence: str) -> node_phases.PhaseEvent:
    """Prepare a node event: offload its data, a long error and large metadata (NEV-05, NEV-15, NEV-19, NEV-20)."""
    assert isinstance(event, NodeExecutionEvent)
    parts = node_execution_blob_parts(event.id)
    error, error_uri = _error(event.error, *parts) if event.HasField("error") else (b"", "")
    metadata, metadata_uri = _metadata(event, *parts) if event.HasField("task_node_metadata") else (b"", "")
    return node_phases.PhaseEvent(
        event,
        sequence,
        inputs_uri=_offloaded(event.input_data, *parts, "offloaded_inputs") if event.HasField("input_data") else "",
        outputs_uri=_outputs(event.output_data, *parts) if event.HasField("output_data") else "",
        error=error,
        error_uri=error_uri,
        task_node_metadata=metadata,
        task_node_metadata_uri=metadata_uri,
        dynamic_workflow_uri=_dynamic_workflow(event),
    )


def task(event: Event, sequence: str) -> task_phases.PhaseEvent:
    """Prepare a task event: offload its inputs and outputs (TEV-13, TEV-21)."""
    assert isinstance(event, TaskExecutionEvent)
    parts = task_execution_blob_parts(attempt_identifier(event))
    return task_phases.PhaseEvent(
        event,
        sequence,
        inputs_uri=_offloaded(event.input_data, *parts, "offloaded_inputs") if event.HasField("input_data") else "",
        outputs_uri=_outputs(event.output_data, *parts) if event.HasField("output_data") else "",
    )


def _outputs(literals: LiteralMap, *parts: str) -> str:
    """Store outputs and return their URI; "" where the policy is to keep them inline and they are small enough."""
    policy = configuration.current().remote_data.inline_event_data_policy
    if policy == "StoreInline" and literals.ByteSize() <= INLINE_DATA_BYTES:
        return ""
    return _offloaded(literals, *parts, "offloaded_outputs")


def _offloaded(literals: LiteralMap, *parts: str) -> str:
    return storage.write_once(literals.SerializeToString(deterministic=True), *parts)


def _error(error: ExecutionError, *parts: str) -> tuple[bytes, str]:
    """Return an error for a row, and the URI of the whole error if the row holds only its beginning."""
    whole = error.SerializeToString(deterministic=True)
    if len(whole) <= INLINE_BYTES:
        return whole, ""
    beginning = ExecutionError(
        code=truncate(error.code, MAX_ERROR_CODE_BYTES),
        message=truncate(error.message, _KEPT_MESSAGE_BYTES),
        error_uri=truncate_uri(error.error_uri),
        kind=error.kind,
    )
    return beginning.SerializeToString(deterministic=True), storage.write_once(whole, *parts, "error")


def _metadata(event: NodeExecutionEvent, *parts: str) -> tuple[bytes, str]:
    """Return task metadata for a row, and the URI of the whole metadata if the row lacks its catalog key."""
    kept = node_phases.metadata_of(event)
    whole = kept.SerializeToString(deterministic=True)
    if len(whole) <= INLINE_BYTES:
        return whole, ""
    beginning = TaskNodeMetadata(checkpoint_uri=truncate_uri(kept.checkpoint_uri), cache_status=kept.cache_status)
    return beginning.SerializeToString(deterministic=True), storage.write_once(whole, *parts, "task_node_metadata")


def _dynamic_workflow(event: NodeExecutionEvent) -> str:
    dynamic = event.task_node_metadata.dynamic_workflow
    if not dynamic.HasField("compiled_workflow"):
        return ""
    parts = node_execution_blob_parts(event.id)
    return storage.write_once(dynamic.SerializeToString(deterministic=True), *parts, "dynamic")
