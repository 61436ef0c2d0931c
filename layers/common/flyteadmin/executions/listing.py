"""Lists of executions: what is asked of them, and which index answers."""

from collections.abc import Sequence

from flyteidl.admin.common_pb2 import ResourceListRequest
from flyteidl.admin.execution_pb2 import EXECUTION_ACTIVE, ExecutionList

from flyteadmin.clients.pages import Reading, read_page, weight
from flyteadmin.errors import missing
from flyteadmin.executions import messages, repository
from flyteadmin.executions.columns import COLUMNS
from flyteadmin.executions.models import LISTING_SHARDS, ExecutionSpecification, ExecutionState
from flyteadmin.executions.repository import StoredExecution
from flyteadmin.listing.access import Access
from flyteadmin.listing.columns import COLUMNS as UPSTREAMS
from flyteadmin.listing.columns import Entity
from flyteadmin.listing.conditions import Conditions, conditions
from flyteadmin.listing.filters import Filter, Function, parse_filters
from flyteadmin.listing.requests import Order, order_of, wanted
from flyteadmin.listing.tokens import token_of

_SORTED_BY = dict.fromkeys(("created_at", "execution_created_at", "id"), "created_at")
_NEWEST_FIRST = Order("created_at", ascending=False)
_ACTIVE = Filter(Entity.EXECUTION, Function.EQ, "state", (str(EXECUTION_ACTIVE),))
_NOT_READ = ExecutionSpecification()


def list_executions(request: ResourceListRequest) -> ExecutionList:
    """ListExecutions: the newest that are not archived, unless the request says otherwise (LST-17…19).

    Raises:
        InvalidArgument: a field is missing, or a filter, the sort key or the token is not one.
    """
    if not request.HasField("id"):
        raise missing("id")
    for field in ("project", "domain"):
        if not getattr(request.id, field):
            raise missing(field)
    asks = _conditions(request)
    sort = request.sort_by if request.HasField("sort_by") else None
    order = order_of(sort, UPSTREAMS[Entity.EXECUTION], _SORTED_BY, _NEWEST_FIRST)
    asked = wanted(request.limit, request.token, order, "ListExecutions")
    reading = Reading(ExecutionState, _access(request, asks), asks, _seen, _load, _weigh)
    page = read_page(reading, asked)
    return ExecutionList(executions=[messages.listed(each) for each in page.rows], token=token_of(page.following))


def _conditions(request: ResourceListRequest) -> Conditions[StoredExecution]:
    """What is asked; executions that are not archived unless a filter is about that (LST-18)."""
    filters = [*parse_filters(request.filters, Entity.EXECUTION)]
    if not any((each.entity, each.field) == (Entity.EXECUTION, "state") for each in filters):
        filters.append(_ACTIVE)
    if request.id.name:
        filters.append(Filter(Entity.EXECUTION, Function.EQ, "execution_name", (request.id.name,)))
    return conditions(filters, COLUMNS)


def _access(request: ResourceListRequest, asks: Conditions[StoredExecution]) -> Access:
    """Which index answers: the narrowest."""
    project, domain = request.id.project, request.id.domain
    created = asks.span(Entity.EXECUTION, "created_at")
    shards = tuple(repository.listing_key(project, domain, shard) for shard in range(LISTING_SHARDS))
    return Access("created", shards, created)


def _seen(row: ExecutionState) -> StoredExecution:
    return StoredExecution(row, _NOT_READ)


def _load(rows: Sequence[ExecutionState]) -> list[StoredExecution | None]:
    stored = repository.read_all([row.execution for row in rows])
    return [stored.get(row.execution) for row in rows]


def _weigh(stored: StoredExecution) -> int:
    return weight(stored.state) + weight(stored.specification)
