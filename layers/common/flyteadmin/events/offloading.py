"""Where an event's large parts go before its facts are taken: to S3, once, under upstream's prefixes.

Keys end in the content's digest, so a repeated event writes the same object and a losing one changes nothing. What is
too large for a row is shortened there and whole in S3, so that no valid event can outgrow its item.
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
"""A longer error or cache key lies in S3: writing four units of a row once costs what one object in S3 does."""

INLINE_DATA_BYTES = 32 * 1024
"""Outputs above it are offloaded even where the policy is to store them inline."""

_KEPT_MESSAGE_BYTES = 1024


def workflow(event: Event, sequence: str) -> workflow_phases.PhaseEvent:
    """A workflow event with its outcome in place (WFE-18, WFE-19)."""
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
    """A node event with its data in place (NEV-05, NEV-15, NEV-19, NEV-20)."""
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
    """A task event with its data in place (TEV-13, TEV-21)."""
    assert isinstance(event, TaskExecutionEvent)
    parts = task_execution_blob_parts(attempt_identifier(event))
    return task_phases.PhaseEvent(
        event,
        sequence,
        inputs_uri=_offloaded(event.input_data, *parts, "offloaded_inputs") if event.HasField("input_data") else "",
        outputs_uri=_outputs(event.output_data, *parts) if event.HasField("output_data") else "",
    )


def _outputs(literals: LiteralMap, *parts: str) -> str:
    """Where outputs lie; "" where the operator's policy leaves them inline and they are small enough."""
    policy = configuration.current().remote_data.inline_event_data_policy
    if policy == "StoreInline" and literals.ByteSize() <= INLINE_DATA_BYTES:
        return ""
    return _offloaded(literals, *parts, "offloaded_outputs")


def _offloaded(literals: LiteralMap, *parts: str) -> str:
    return storage.write_once(literals.SerializeToString(deterministic=True), *parts)


def _error(error: ExecutionError, *parts: str) -> tuple[bytes, str]:
    """An error for a row, and where the whole of it lies if the row has its beginning only."""
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
    """Task metadata for a row, and where the whole of it lies if the row has it without its catalog key."""
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
    execution, workflow_id = event.id.execution_id, dynamic.id
    return storage.write_once(
        dynamic.SerializeToString(deterministic=True),
        "metadata",
        "admin",
        execution.project,
        execution.domain,
        execution.name,
        event.id.node_id,
        f"{workflow_id.project}_{workflow_id.domain}_{workflow_id.name}_{workflow_id.version}",
    )
