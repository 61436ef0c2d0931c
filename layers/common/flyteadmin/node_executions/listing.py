"""Lists of node executions: those at the top of an execution, or below a parent."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from flyteidl.admin.node_execution_pb2 import (
    NodeExecution,
    NodeExecutionForTaskListRequest,
    NodeExecutionList,
    NodeExecutionListRequest,
)
from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier

from flyteadmin.clients.dynamodb.pages import page_source, read_page
from flyteadmin.errors import missing
from flyteadmin.executions import columns as executions
from flyteadmin.executions import repository as execution_rows
from flyteadmin.executions.validation import validate_identifier as validate_execution
from flyteadmin.identifiers import children_key, execution_key
from flyteadmin.listing.columns import UPSTREAM_COLUMNS, Entity
from flyteadmin.listing.conditions import conditions_of
from flyteadmin.listing.filters import Filter, parse_filters
from flyteadmin.listing.index_query import IndexQuery
from flyteadmin.listing.requests import Order, order_of, requested_page, validate_limit
from flyteadmin.listing.tokens import token_of
from flyteadmin.node_executions import messages
from flyteadmin.node_executions.columns import COLUMNS
from flyteadmin.node_executions.models import NodeExecutionRow
from flyteadmin.node_executions.reading import existing, is_parent_of_some

_SORTED_BY = dict.fromkeys(("created_at", "node_execution_created_at", "id"), "created_at")
_OLDEST_FIRST = Order("created_at", ascending=True)
_THREADS = 8


def list_nodes(request: NodeExecutionListRequest) -> NodeExecutionList:
    """ListNodeExecutions: the top-level nodes, or those below `unique_parent_id`, the oldest first (LST-20…22).

    Raises:
        InvalidArgument: the execution or the limit is missing, or a filter, the sort key or the token is not one.
        NotFound: there is no such parent node.
    """
    if not request.HasField("workflow_execution_id"):
        raise missing("execution_id")
    validate_execution(request.workflow_execution_id)
    validate_limit(request.limit)
    execution = execution_key(request.workflow_execution_id)
    if request.unique_parent_id:
        existing(NodeExecutionIdentifier(execution_id=request.workflow_execution_id, node_id=request.unique_parent_id))
    parent = children_key(execution, node=request.unique_parent_id)
    return page_below(execution, (parent,), request, "ListNodeExecutions")


def page_below(
    execution: str,
    parents: tuple[str, ...],
    request: NodeExecutionListRequest | NodeExecutionForTaskListRequest,
    rpc: str,
    others: tuple[Callable[[NodeExecutionRow], bool], ...] = (),
) -> NodeExecutionList:
    """Read the page of nodes below `parents` (identifiers.children_key) that a list request asks for.

    `others` are tests that a node must pass besides the request's filters.

    Raises:
        InvalidArgument: a filter, the sort key or the token is not one.
    """
    filters = parse_filters(request.filters, Entity.NODE_EXECUTION)
    conditions = conditions_of([item for item in filters if item.entity == Entity.NODE_EXECUTION], COLUMNS)
    conditions = replace(conditions, others=others)
    is_asked_for = execution_passes(execution, filters)
    sort = request.sort_by if request.HasField("sort_by") else None
    order = order_of(sort, UPSTREAM_COLUMNS[Entity.NODE_EXECUTION], _SORTED_BY, _OLDEST_FIRST)
    page_request = requested_page(request.limit, request.token, order, rpc)
    if not is_asked_for:
        return NodeExecutionList()
    index_query = IndexQuery("children", parents, conditions.key_range(Entity.NODE_EXECUTION, "created_at"))
    page = read_page(page_source(NodeExecutionRow, index_query, conditions), page_request)
    return NodeExecutionList(node_executions=_messages(page.rows), token=token_of(page.next_start))


def execution_passes(execution: str, filters: Sequence[Filter]) -> bool:
    """Return whether an execution meets the conditions that a list of its nodes or tasks sets for it (LST-25).

    Raises:
        InvalidArgument: a filter names a column that executions can't be filtered by.
    """
    conditions = conditions_of([item for item in filters if item.entity == Entity.EXECUTION], executions.COLUMNS)
    if not conditions:
        return True
    stored = execution_rows.read(execution)
    return stored is not None and conditions.hold(stored)


def _messages(rows: Sequence[NodeExecutionRow]) -> list[NodeExecution]:
    with ThreadPoolExecutor(_THREADS) as threads:
        are_parents = threads.map(lambda row: bool(row.has_children) or is_parent_of_some(row), rows)
        return [messages.listed(row, is_parent=is_parent) for row, is_parent in zip(rows, are_parents, strict=True)]
