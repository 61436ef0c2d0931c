"""Lists of task executions, and of the nodes that a task execution created."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import batched

from flyteidl.admin.node_execution_pb2 import NodeExecutionForTaskListRequest, NodeExecutionList
from flyteidl.admin.task_execution_pb2 import (
    TaskExecution,
    TaskExecutionClosure,
    TaskExecutionList,
    TaskExecutionListRequest,
)
from flyteidl.core.identifier_pb2 import TaskExecutionIdentifier

from flyteadmin.bounds import parsed_weight
from flyteadmin.clients.dynamodb.pages import EXAMINED_ROWS, MAX_PAGE_WEIGHT, ListPage, PageSource, read_page
from flyteadmin.clients.dynamodb.partitions import parsed_weight_of
from flyteadmin.errors import invalid, missing
from flyteadmin.identifiers import children_key, node_execution_key, node_prefix, node_prefix_end
from flyteadmin.listing.columns import UPSTREAM_COLUMNS, Entity
from flyteadmin.listing.conditions import Column, Conditions, KeyRange, Value, conditions_of
from flyteadmin.listing.filters import Filter, parse_filters
from flyteadmin.listing.index_query import IndexQuery
from flyteadmin.listing.requests import Order, PageRequest, order_of, page_of, requested_page, validate_limit
from flyteadmin.listing.tokens import token_of
from flyteadmin.node_executions import columns as node_columns
from flyteadmin.node_executions import repository as nodes
from flyteadmin.node_executions.listing import execution_passes, page_below
from flyteadmin.node_executions.validation import validate_identifier as validate_node
from flyteadmin.task_executions import messages, repository
from flyteadmin.task_executions.columns import COLUMNS
from flyteadmin.task_executions.models import TaskExecutionRow
from flyteadmin.task_executions.reading import existing, is_parent
from flyteadmin.task_executions.repository import Attempt

_BY_ATTEMPT = Order("attempt", ascending=True)
_SORTED_BY = {field: field for entity, field in COLUMNS if entity == Entity.TASK_EXECUTION} | {"id": "created_at"}
_THREADS = 8


def list_nodes(request: NodeExecutionForTaskListRequest) -> NodeExecutionList:
    """ListNodeExecutionsForTask: the nodes that a task execution created, by creation time (LST-23).

    Since event version 1 such a node names the task's node as its parent, and the attempt as its retry group.

    Raises:
        InvalidArgument: as ListNodeExecutions.
        NotFound: there is no such task execution.
    """
    if not request.HasField("task_execution_id"):
        raise missing("task_execution_id")
    row = existing(request.task_execution_id)
    validate_limit(request.limit)
    identifier = request.task_execution_id
    by_task = children_key(row.execution, task=row.attempt_key)
    by_node = children_key(row.execution, node=identifier.node_execution_id.node_id)
    attempt = str(identifier.retry_attempt)
    return page_below(
        row.execution,
        (by_task, by_node),
        request,
        "ListNodeExecutionsForTask",
        (lambda node: node.parent == by_task or node.retry_group == attempt,),
    )


def list_attempts(request: TaskExecutionListRequest) -> TaskExecutionList:
    """ListTaskExecutions: the attempts of a node's tasks in their order, errors unabridged (LST-24).

    Raises:
        InvalidArgument: the node or the limit is missing, or a filter, the sort key or the token is not one.
    """
    validate_node(request.node_execution_id)
    filters = parse_filters(request.filters, Entity.TASK_EXECUTION)
    conditions = conditions_of(
        [item for item in filters if item.entity in {Entity.TASK_EXECUTION, Entity.TASK}], COLUMNS
    )
    sort = request.sort_by if request.HasField("sort_by") else None
    order = order_of(sort, UPSTREAM_COLUMNS[Entity.TASK_EXECUTION], _SORTED_BY, _BY_ATTEMPT)
    page_request = requested_page(request.limit, request.token, order, "ListTaskExecutions")
    execution, node_id = node_execution_key(request.node_execution_id)
    if not (_node_passes(execution, node_id, filters) and execution_passes(execution, filters)):
        return TaskExecutionList()
    if order == _BY_ATTEMPT:
        page = read_page(_in_their_order(execution, node_id, conditions), page_request)
    else:
        page = _sorted(execution, node_id, conditions, page_request)
    with ThreadPoolExecutor(_THREADS) as threads:
        return TaskExecutionList(task_executions=threads.map(_message, page.rows), token=token_of(page.next_start))


def _in_their_order(
    execution: str, node_id: str, conditions: Conditions[Attempt]
) -> PageSource[TaskExecutionRow, Attempt]:
    """Return the source of pages in the order of the table's keys; a row may need its closure from S3 to be tested."""
    attempts = IndexQuery(
        None, (execution,), KeyRange(node_prefix(node_id), node_prefix_end(node_id)), is_keys_only=True
    )
    return PageSource(TaskExecutionRow, attempts, conditions, _undecoded, _decoded, _weight_of)


@dataclass(frozen=True)
class _Place:
    """An attempt's row with the value that it is sorted by."""

    row: TaskExecutionRow
    value: Value | None


def _sorted(
    execution: str, node_id: str, conditions: Conditions[Attempt], page_request: PageRequest
) -> ListPage[Attempt]:
    """Return a page in another order, for which no key exists: all attempts are read, their closures one by one.

    Raises:
        InvalidArgument: the node has more attempts than a page may read.
    """
    rows = repository.of_node(execution, node_id, EXAMINED_ROWS + 1)
    if len(rows) > EXAMINED_ROWS:
        raise invalid("sort_by", f"more than {EXAMINED_ROWS} attempts are listed in their own order only")
    column = COLUMNS[Entity.TASK_EXECUTION, page_request.order.column]
    places = [_Place(item.row, column.value_of(item)) for item in _decoded(rows) if conditions.hold(item)]
    by_value = Column[_Place](column.kind, lambda place: place.value)
    page, next_start = page_of(places, page_request, by_value, _key_of)
    attempts: list[Attempt] = []
    weight_left = MAX_PAGE_WEIGHT
    for attempt in _decoded([place.row for place in page]):
        attempts.append(attempt)
        weight_left -= _weight_of(attempt)
        if weight_left <= 0:
            break
    if len(attempts) < len(page):
        _, next_start = page_of(places, replace(page_request, limit=len(attempts)), by_value, _key_of)
    return ListPage(tuple(attempts), next_start)


def _key_of(place: _Place) -> str:
    return place.row.attempt_key


def _undecoded(row: TaskExecutionRow) -> Attempt:
    """Return an attempt of which nothing is decoded, for a list whose conditions wait for the rest."""
    return Attempt(row, TaskExecutionIdentifier(), TaskExecutionClosure())


def _decoded(rows: Sequence[TaskExecutionRow]) -> Iterator[Attempt]:
    """Yield attempts with their closures, few at a time: each may be as large as an event."""
    with ThreadPoolExecutor(_THREADS) as threads:
        for some in batched(rows, _THREADS):
            yield from threads.map(repository.attempt_of, some)


def _weight_of(attempt: Attempt) -> int:
    """Return what an attempt takes in memory; a closure from S3 counts as those in rows do."""
    offloaded = parsed_weight(attempt.closure.SerializeToString()) if attempt.row.closure is None else 0
    return parsed_weight_of(attempt.row) + offloaded


def _node_passes(execution: str, node_id: str, filters: Sequence[Filter]) -> bool:
    conditions = conditions_of([item for item in filters if item.entity == Entity.NODE_EXECUTION], node_columns.COLUMNS)
    if not conditions:
        return True
    row = nodes.read(execution, node_id)
    return row is not None and conditions.hold(row)


def _message(attempt: Attempt) -> TaskExecution:
    return messages.task_execution(attempt, is_parent=is_parent(attempt.row))
