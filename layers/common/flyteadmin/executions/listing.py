"""Lists executions: reads the conditions of a request and chooses the index that answers it."""

from collections.abc import Sequence
from dataclasses import replace

from flyteidl.admin.common_pb2 import ResourceListRequest
from flyteidl.admin.execution_pb2 import EXECUTION_ACTIVE, ExecutionList
from flyteidl.core.execution_pb2 import WorkflowExecution

from flyteadmin.clients.dynamodb.pages import PageSource, read_page
from flyteadmin.clients.dynamodb.partitions import parsed_weight_of
from flyteadmin.errors import missing
from flyteadmin.executions import messages, repository
from flyteadmin.executions.columns import COLUMNS, tag_conditions
from flyteadmin.executions.models import LISTING_SHARDS, ExecutionSpecification, ExecutionState, StoredExecution
from flyteadmin.identifiers import name_key
from flyteadmin.listing.columns import UPSTREAM_COLUMNS, Entity
from flyteadmin.listing.conditions import Conditions, KeyRange, conditions_of
from flyteadmin.listing.filters import Filter, Function, parse_filters
from flyteadmin.listing.index_query import IndexQuery
from flyteadmin.listing.requests import Order, order_of, requested_page
from flyteadmin.listing.tokens import token_of
from flyteadmin.validation import validate_set

_SORTED_BY = dict.fromkeys(("created_at", "execution_created_at", "id"), "created_at")
_NEWEST_FIRST = Order("created_at", ascending=False)
_ACTIVE = Filter(Entity.EXECUTION, Function.EQ, "state", (str(EXECUTION_ACTIVE),))
_NOT_READ = ExecutionSpecification()
_STATE_ITEM = KeyRange("state", "state")
_INDEXES = (
    ("task", Entity.TASK, "name"),
    ("launch_plan", Entity.LAUNCH_PLAN, "name"),
    ("workflow", Entity.WORKFLOW, "name"),
    ("user", Entity.EXECUTION, "user"),
)
_PHASES_AT_ONCE = 3
"""The most phases that a page is merged from: each is as many partitions as there are shards."""


def list_executions(request: ResourceListRequest) -> ExecutionList:
    """List executions: the newest that are not archived, unless the request says otherwise (LST-17…19).

    Raises:
        InvalidArgument: a field is missing, or a filter, the sort key or the token is not one.
    """
    if not request.HasField("id"):
        raise missing("id")
    validate_set(request.id, "project", "domain")
    conditions = _conditions(request)
    sort = request.sort_by if request.HasField("sort_by") else None
    order = order_of(sort, UPSTREAM_COLUMNS[Entity.EXECUTION], _SORTED_BY, _NEWEST_FIRST)
    page_request = requested_page(request.limit, request.token, order, "ListExecutions")
    source = PageSource(
        ExecutionState, _index_query(request, conditions), conditions, _from_index_row, _load, _weight_of
    )
    page = read_page(source, page_request)
    return ExecutionList(executions=[messages.listed(row) for row in page.rows], token=token_of(page.next_start))


def _conditions(request: ResourceListRequest) -> Conditions[StoredExecution]:
    """Make the conditions of a request; unless a filter names the state, archived executions are left out (LST-18)."""
    filters = [*parse_filters(request.filters, Entity.EXECUTION)]
    if not any((given.entity, given.field) == (Entity.EXECUTION, "state") for given in filters):
        filters.append(_ACTIVE)
    if request.id.name:
        filters.append(Filter(Entity.EXECUTION, Function.EQ, "execution_name", (request.id.name,)))
    tags = [given for given in filters if given.entity == Entity.EXECUTION_TAG]
    conditions = conditions_of([given for given in filters if given not in tags], COLUMNS)
    return replace(conditions, others=tuple(tag_conditions(tags)))


def _index_query(request: ResourceListRequest, conditions: Conditions[StoredExecution]) -> IndexQuery:
    """Choose the index that should have the fewest rows."""
    project, domain = request.id.project, request.id.domain
    name = conditions.exact_text(Entity.EXECUTION, "execution_name")
    if name:
        return IndexQuery(None, (name_key(project, domain, name),), _STATE_ITEM)
    created = conditions.key_range(Entity.EXECUTION, "created_at")
    listings = [repository.listing_key(project, domain, shard) for shard in range(LISTING_SHARDS)]
    for index, entity, field in _INDEXES:
        value = conditions.exact_text(entity, field)
        if value:
            return IndexQuery(index, tuple(repository.index_key(listing, value) for listing in listings), created)
    phases = [
        phase for phase, _ in WorkflowExecution.Phase.items() if conditions.allow(Entity.EXECUTION, "phase", phase)
    ]
    if len(phases) <= _PHASES_AT_ONCE:
        keys = tuple(repository.index_key(listing, phase) for phase in phases for listing in listings)
        return IndexQuery("phase", keys, created)
    return IndexQuery("created", tuple(listings), created)


def _from_index_row(row: ExecutionState) -> StoredExecution:
    return StoredExecution(row, _NOT_READ)


def _load(rows: Sequence[ExecutionState]) -> list[StoredExecution | None]:
    stored = repository.read_all([row.execution for row in rows])
    return [stored.get(row.execution) for row in rows]


def _weight_of(stored: StoredExecution) -> int:
    return parsed_weight_of(stored.state) + parsed_weight_of(stored.specification) + messages.offloaded_weight(stored)
