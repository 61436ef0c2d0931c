"""Node executions as clients read them, from rows; pure, apart from parts in S3 that are too large for a row."""

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
from flyteadmin.executions.messages import LISTED_ERROR_BYTES
from flyteadmin.identifiers import execution_identifier
from flyteadmin.node_executions.models import NodeExecutionRow
from flyteadmin.text import truncate
from flyteadmin.timestamps import to_duration, to_timestamp


def node_execution(row: NodeExecutionRow, *, is_parent: bool = False) -> NodeExecution:
    """Return a node execution whole, with its full error and cache key (GET-12).

    `is_parent` says that it has children, where its events don't; with a dynamic workflow it is dynamic too (GET-13).
    """
    error = storage.read_referenced(row.error_uri) if row.error_uri else row.error
    metadata = storage.read_referenced(row.task_node_metadata_uri) if row.task_node_metadata_uri else None
    return _message(row, error, metadata or row.task_node_metadata, is_parent=is_parent)


def listed(row: NodeExecutionRow, *, is_parent: bool = False) -> NodeExecution:
    """Return a node execution for a list: its error cut to 100 bytes (LST-22), without a cache key that is in S3."""
    node = _message(row, row.error, row.task_node_metadata, is_parent=is_parent)
    if node.closure.HasField("error"):
        node.closure.error.message = truncate(node.closure.error.message, LISTED_ERROR_BYTES)
    return node


def _message(row: NodeExecutionRow, error: bytes | None, metadata: bytes | None, *, is_parent: bool) -> NodeExecution:
    return NodeExecution(
        id=NodeExecutionIdentifier(node_id=row.node_id, execution_id=execution_identifier(row.execution)),
        input_uri=row.input_uri or "",
        closure=_closure(row, error, metadata),
        metadata=NodeExecutionMetaData(
            retry_group=row.retry_group or "",
            is_parent_node=bool(row.is_parent_node) or is_parent,
            spec_node_id=row.spec_node_id or "",
            is_dynamic=bool(row.is_dynamic) or (is_parent and bool(row.dynamic_workflow_uri)),
            is_array=bool(row.is_array),
        ),
    )


def _closure(row: NodeExecutionRow, error: bytes | None, metadata: bytes | None) -> NodeExecutionClosure:
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
    if row.child_execution:
        child = WorkflowNodeMetadata(executionId=execution_identifier(row.child_execution))
        closure.workflow_node_metadata.CopyFrom(child)
    elif metadata is not None:
        closure.task_node_metadata.CopyFrom(TaskNodeMetadata.FromString(metadata))
    if row.output_uri:
        closure.output_uri = row.output_uri
    elif error is not None:
        closure.error.CopyFrom(ExecutionError.FromString(error))
    elif row.output_data is not None:
        closure.output_data.CopyFrom(LiteralMap.FromString(row.output_data))
    return closure
