"""A node execution as clients read it, from its row; pure, but for an error that is too long for the row."""

from flyteidl.admin.node_execution_pb2 import (
    NodeExecution,
    NodeExecutionClosure,
    NodeExecutionMetaData,
    TaskNodeMetadata,
    WorkflowNodeMetadata,
)
from flyteidl.core.execution_pb2 import ExecutionError
from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.clients import storage
from flyteadmin.identifiers import execution_identifier
from flyteadmin.node_executions.models import NodeExecutionRow
from flyteadmin.timestamps import to_duration, to_timestamp

_LISTED_ERROR_BYTES = 100


def node_execution(row: NodeExecutionRow) -> NodeExecution:
    """A node execution whole, its error unabridged (GET-12)."""
    blob = storage.read_immutable(row.error_uri) if row.error_uri else row.error
    return _message(row, ExecutionError.FromString(blob) if blob else None)


def listed(row: NodeExecutionRow) -> NodeExecution:
    """A node execution as lists show it: its error cut to 100 bytes (LST-22)."""
    error = ExecutionError.FromString(row.error) if row.error else None
    if error is not None:
        error.message = error.message.encode()[:_LISTED_ERROR_BYTES].decode(errors="ignore")
    return _message(row, error)


def _message(row: NodeExecutionRow, error: ExecutionError | None) -> NodeExecution:
    return NodeExecution(
        id=NodeExecutionIdentifier(node_id=row.node_id, execution_id=execution_identifier(row.execution)),
        input_uri=row.input_uri or "",
        closure=_closure(row, error),
        metadata=NodeExecutionMetaData(
            retry_group=row.retry_group or "",
            is_parent_node=bool(row.is_parent_node),
            spec_node_id=row.spec_node_id or "",
            is_dynamic=bool(row.is_dynamic),
            is_array=bool(row.is_array),
        ),
    )


def _closure(row: NodeExecutionRow, error: ExecutionError | None) -> NodeExecutionClosure:
    closure = NodeExecutionClosure(
        phase=row.phase,
        created_at=to_timestamp(row.created_at),
        updated_at=to_timestamp(row.updated_at),
        deck_uri=row.deck_uri or "",
        dynamic_job_spec_uri=row.dynamic_job_spec_uri or "",
    )
    if row.started_at is not None:
        closure.started_at.CopyFrom(to_timestamp(row.started_at))
    if row.started_at is not None and row.ended_at is not None:
        closure.duration.CopyFrom(to_duration(row.ended_at - row.started_at))
    _set_target(closure, row)
    if row.output_uri:
        closure.output_uri = row.output_uri
    elif row.output_data:
        closure.output_data.CopyFrom(LiteralMap.FromString(row.output_data))
    elif error is not None:
        closure.error.CopyFrom(error)
    return closure


def _set_target(closure: NodeExecutionClosure, row: NodeExecutionRow) -> None:
    if row.child_execution:
        child = WorkflowNodeMetadata(executionId=execution_identifier(row.child_execution))
        closure.workflow_node_metadata.CopyFrom(child)
    elif row.task_node_metadata:
        closure.task_node_metadata.CopyFrom(TaskNodeMetadata.FromString(row.task_node_metadata))
