"""Reads of node executions, whole or with their data."""

from flyteidl.admin.common_pb2 import FlyteURLs
from flyteidl.admin.node_execution_pb2 import (
    DynamicNodeWorkflowResponse,
    DynamicWorkflowNodeMetadata,
    GetDynamicNodeWorkflowRequest,
    NodeExecution,
    NodeExecutionGetDataRequest,
    NodeExecutionGetDataResponse,
    NodeExecutionGetRequest,
)
from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.clients import storage
from flyteadmin.errors import NotFound
from flyteadmin.identifiers import children_key, node_execution_key
from flyteadmin.node_executions import messages, repository
from flyteadmin.node_executions.models import NodeExecutionRow
from flyteadmin.node_executions.validation import validate_identifier
from flyteadmin.remote_data import RemoteData, remote_data


def get(request: NodeExecutionGetRequest) -> NodeExecution:
    """GetNodeExecution.

    Raises:
        InvalidArgument: the identifier is not whole.
        NotFound: there is no such node execution.
    """
    row = existing(request.id)
    return messages.node_execution(row, is_parent=is_parent_of_some(row))


def get_dynamic_workflow(request: GetDynamicNodeWorkflowRequest) -> DynamicNodeWorkflowResponse:
    """GetDynamicNodeWorkflow: the closure that a dynamic node compiled (GET-16).

    Raises:
        InvalidArgument: the identifier is not whole.
        NotFound: there is no such node execution, or it is not dynamic.
    """
    row = existing(request.id)
    if not row.dynamic_workflow_uri:
        raise NotFound(f"node {row.node_id} does not contain dynamic workflow")
    return DynamicNodeWorkflowResponse(compiled_workflow=_dynamic_workflow(row).compiled_workflow)


def get_data(request: NodeExecutionGetDataRequest) -> NodeExecutionGetDataResponse:
    """GetNodeExecutionData (GET-14, GET-15); errors as `get`."""
    row = existing(request.id)
    got, given = inputs(row), outputs(row)
    data = NodeExecutionGetDataResponse(
        inputs=got.url,
        outputs=given.url,
        full_inputs=got.literals,
        full_outputs=given.literals,
        flyte_urls=_flyte_urls(row),
    )
    if row.dynamic_workflow_uri:
        data.dynamic_workflow.CopyFrom(_dynamic_workflow(row))
    return data


def inputs(row: NodeExecutionRow) -> RemoteData:
    """Read a node's inputs."""
    return remote_data(row.input_uri)


def outputs(row: NodeExecutionRow) -> RemoteData:
    """Read a node's outputs: from its event, or from the URI that the event names."""
    return remote_data(row.output_uri, LiteralMap.FromString(row.output_data) if row.output_data else None)


def _dynamic_workflow(row: NodeExecutionRow) -> DynamicWorkflowNodeMetadata:
    return DynamicWorkflowNodeMetadata.FromString(storage.read_referenced(row.dynamic_workflow_uri))


def is_parent_of_some(row: NodeExecutionRow) -> bool:
    """Return whether a node has children that its events could not mention: those of event version 0 (GET-13)."""
    if row.event_version or row.is_parent_node or row.is_dynamic:
        return False
    return repository.has_children(children_key(row.execution, node=row.node_id))


def _flyte_urls(row: NodeExecutionRow) -> FlyteURLs:
    base = f"flyte://v1/{row.execution.replace(':', '/', 2)}/{row.node_id}"
    return FlyteURLs(inputs=f"{base}/i", outputs=f"{base}/o", deck=f"{base}/d" if row.deck_uri else "")


def existing(identifier: NodeExecutionIdentifier) -> NodeExecutionRow:
    """Return the row of a node execution.

    Raises:
        InvalidArgument: the identifier is not whole (VAL-04).
        NotFound: there is no such node execution.
    """
    validate_identifier(identifier)
    row = repository.read(*node_execution_key(identifier))
    if row is None:
        execution = identifier.execution_id
        raise NotFound(
            "missing entity of type node execution with identifier"
            f" project:{execution.project} domain:{execution.domain} name:{execution.name} node:{identifier.node_id}"
        )
    return row
