"""What happens when node executions are read: one, its data, or the nodes below a parent."""

from flyteidl.admin.common_pb2 import FlyteURLs, Sort, UrlBlob
from flyteidl.admin.node_execution_pb2 import (
    DynamicWorkflowNodeMetadata,
    NodeExecution,
    NodeExecutionGetDataRequest,
    NodeExecutionGetDataResponse,
    NodeExecutionGetRequest,
    NodeExecutionList,
    NodeExecutionListRequest,
)
from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.clients import storage
from flyteadmin.errors import InvalidArgument, NotFound, missing
from flyteadmin.executions.reading import read_literals
from flyteadmin.executions.reading import validate_identifier as validate_execution
from flyteadmin.identifiers import execution_key, node_execution_key
from flyteadmin.listing import Cursor, start_of, token_after, validate_limit
from flyteadmin.node_executions import messages, repository
from flyteadmin.node_executions.models import NodeExecutionRow


def get(request: NodeExecutionGetRequest) -> NodeExecution:
    """GetNodeExecution.

    Raises:
        InvalidArgument: the identifier is not whole.
        NotFound: there is no such node execution.
    """
    return messages.node_execution(existing(request.id))


def get_data(request: NodeExecutionGetDataRequest) -> NodeExecutionGetDataResponse:
    """GetNodeExecutionData (GET-14, GET-15); errors as `get`."""
    row = existing(request.id)
    data = NodeExecutionGetDataResponse(
        inputs=UrlBlob(),
        outputs=UrlBlob(),
        full_inputs=inputs(row),
        full_outputs=outputs(row),
        flyte_urls=_flyte_urls(row),
    )
    if row.dynamic_workflow_uri:
        blob = storage.read_immutable(row.dynamic_workflow_uri)
        data.dynamic_workflow.CopyFrom(DynamicWorkflowNodeMetadata.FromString(blob))
    return data


def inputs(row: NodeExecutionRow) -> LiteralMap:
    """What a node got."""
    return read_literals(row.input_uri)


def outputs(row: NodeExecutionRow) -> LiteralMap:
    """What a node gave: as its event brought it, or from where the event says."""
    return LiteralMap.FromString(row.output_data) if row.output_data else read_literals(row.output_uri)


def _flyte_urls(row: NodeExecutionRow) -> FlyteURLs:
    base = f"flyte://v1/{row.execution.replace(':', '/', 2)}/{row.node_id}"
    return FlyteURLs(inputs=f"{base}/i", outputs=f"{base}/o", deck=f"{base}/d" if row.deck_uri else "")


def list_nodes(request: NodeExecutionListRequest) -> NodeExecutionList:
    """ListNodeExecutions: the top-level nodes, or those below `unique_parent_id`, by creation time (LST-20…22).

    Raises:
        InvalidArgument: the execution or the limit is missing, the token is not ours, or a filter or sort key is asked
            for that is not supported yet.
        NotFound: there is no such parent node.
    """
    if not request.HasField("workflow_execution_id"):
        raise missing("execution_id")
    validate_execution(request.workflow_execution_id)
    validate_limit(request.limit)
    ascending = _ascending(request)
    execution = execution_key(request.workflow_execution_id)
    if request.unique_parent_id and repository.read(execution, request.unique_parent_id) is None:
        raise NotFound(f"missing entity of type node execution with identifier {request.unique_parent_id}")
    start = start_of(request.token, "ListNodeExecutions")
    rows = repository.children(execution, request.unique_parent_id, start, request.limit, ascending=ascending)
    answer = NodeExecutionList(node_executions=[messages.listed(row) for row in rows])
    if len(rows) == request.limit:
        answer.token = token_after(Cursor(created_at=int(rows[-1].created_at), key=rows[-1].node_id))
    return answer


def _ascending(request: NodeExecutionListRequest) -> bool:
    if request.filters:
        raise InvalidArgument("invalid value for filters: not supported yet by ListNodeExecutions")
    if request.sort_by.key not in {"", "created_at", "node_execution_created_at"}:
        raise InvalidArgument("invalid sort key: ListNodeExecutions sorts by created_at only, as yet")
    return not request.HasField("sort_by") or request.sort_by.direction == Sort.ASCENDING


def existing(identifier: NodeExecutionIdentifier) -> NodeExecutionRow:
    """The row of a node execution.

    Raises:
        InvalidArgument: the identifier is not whole (VAL-04).
        NotFound: there is none.
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


def validate_identifier(identifier: NodeExecutionIdentifier) -> None:
    """Check that a node execution's identifier is whole (VAL-04).

    Raises:
        InvalidArgument: naming the missing field.
    """
    if not identifier.HasField("execution_id"):
        raise missing("execution_id")
    if not identifier.node_id:
        raise missing("node_id")
    validate_execution(identifier.execution_id)
