"""Lists of task executions, and of the nodes that a task execution created."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from flyteidl.admin.node_execution_pb2 import NodeExecutionForTaskListRequest, NodeExecutionList
from flyteidl.admin.task_execution_pb2 import TaskExecution, TaskExecutionList, TaskExecutionListRequest

from flyteadmin.errors import missing
from flyteadmin.identifiers import children_key, node_execution_key
from flyteadmin.listing.columns import UPSTREAM_COLUMNS, Entity
from flyteadmin.listing.conditions import Column, Kind, conditions_of
from flyteadmin.listing.filters import Filter, parse_filters
from flyteadmin.listing.requests import Order, order_of, page_of, requested_page, validate_limit
from flyteadmin.listing.tokens import token_of
from flyteadmin.node_executions import columns as node_columns
from flyteadmin.node_executions import repository as nodes
from flyteadmin.node_executions.listing import execution_passes, page_below
from flyteadmin.node_executions.validation import validate_identifier as validate_node
from flyteadmin.task_executions import messages, repository
from flyteadmin.task_executions.columns import COLUMNS
from flyteadmin.task_executions.reading import existing, is_parent
from flyteadmin.task_executions.repository import Attempt

_BY_ATTEMPT = Order("attempt", ascending=True)
_ATTEMPT = Column[Attempt](Kind.TEXT, lambda attempt: attempt.row.attempt_key)
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
    with ThreadPoolExecutor(_THREADS) as threads:
        decoded = threads.map(repository.attempt_of, repository.of_node(execution, node_id))
        attempts = [attempt for attempt in decoded if conditions.hold(attempt)]
        column = _ATTEMPT if order == _BY_ATTEMPT else COLUMNS[Entity.TASK_EXECUTION, order.column]
        page, next_start = page_of(attempts, page_request, column, lambda attempt: attempt.row.attempt_key)
        shown = threads.map(_message, page)
        return TaskExecutionList(task_executions=shown, token=token_of(next_start))


def _node_passes(execution: str, node_id: str, filters: Sequence[Filter]) -> bool:
    conditions = conditions_of([item for item in filters if item.entity == Entity.NODE_EXECUTION], node_columns.COLUMNS)
    if not conditions:
        return True
    row = nodes.read(execution, node_id)
    return row is not None and conditions.hold(row)


def _message(attempt: Attempt) -> TaskExecution:
    return messages.task_execution(attempt, is_parent=is_parent(attempt.row))
