"""Lists names for the API."""

from flyteidl.admin.common_pb2 import (
    NamedEntityIdentifier,
    NamedEntityIdentifierList,
    NamedEntityIdentifierListRequest,
    NamedEntityList,
    NamedEntityListRequest,
    NamedEntityState,
)
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, WORKFLOW, Identifier, ResourceType

from flyteadmin.clients.dynamodb.pages import ListPage, page_source, read_page
from flyteadmin.errors import InvalidArgument
from flyteadmin.identifiers import key_parts
from flyteadmin.listing.columns import UPSTREAM_COLUMNS, Entity
from flyteadmin.listing.conditions import Column, Columns, Conditions, Kind, conditions_of
from flyteadmin.listing.filters import parse_filters
from flyteadmin.listing.index_query import IndexQuery
from flyteadmin.listing.requests import Order, PageRequest, order_of, requested_page
from flyteadmin.listing.tokens import token_of
from flyteadmin.named_entities import messages, repository
from flyteadmin.named_entities.models import NamedEntityRow
from flyteadmin.named_entities.validation import validate_kind, validate_list

ENTITIES = {TASK: Entity.TASK, WORKFLOW: Entity.WORKFLOW, LAUNCH_PLAN: Entity.LAUNCH_PLAN}

_BY_NAME = Order("name", ascending=True)
_SORTED_BY = {"name": "name"}
_GENERATED = "not_like(name,.flytegen%)"


def _columns() -> Columns[NamedEntityRow]:
    """Return the columns under both of upstream's entities: that of the name, and that of its description and state."""
    columns = {
        "project": Column[NamedEntityRow](Kind.TEXT, lambda row: key_parts(row.scope)[1]),
        "domain": Column[NamedEntityRow](Kind.TEXT, lambda row: key_parts(row.scope)[2]),
        "name": Column[NamedEntityRow](Kind.TEXT, lambda row: row.name),
        "description": Column[NamedEntityRow](Kind.TEXT, lambda row: row.description),
        "state": Column[NamedEntityRow](Kind.INTEGER, lambda row: int(row.state)),
    }
    both = (Entity.NAMED_ENTITY, Entity.NAMED_ENTITY_METADATA)
    return {(entity, field): column for entity in both for field, column in columns.items()}


_COLUMNS = _columns()


def list_named_entities(request: NamedEntityListRequest) -> NamedEntityList:
    """ListNamedEntities: names with description and state, in order; without a filter, not those of single tasks.

    Raises:
        InvalidArgument: a field is missing, or a filter, the sort key or the token is not one.
    """
    kind = request.resource_type
    validate_kind(kind)
    validate_list(request)
    if kind not in ENTITIES:
        raise InvalidArgument(f"Cannot list entity names for resource type: {ResourceType.Name(kind)}")
    conditions = conditions_of(parse_filters(request.filters or _GENERATED, Entity.NAMED_ENTITY), _COLUMNS)
    sort = request.sort_by if request.HasField("sort_by") else None
    order = order_of(sort, UPSTREAM_COLUMNS[Entity.NAMED_ENTITY], _SORTED_BY, _BY_NAME)
    page = _page(kind, request, conditions, requested_page(request.limit, request.token, order, "ListNamedEntities"))
    scope = Identifier(resource_type=kind, project=request.project, domain=request.domain)
    entities = [messages.named_entity(scope, row) for row in page.rows]
    return NamedEntityList(entities=entities, token=token_of(page.next_start))


def list_task_ids(request: NamedEntityIdentifierListRequest) -> NamedEntityIdentifierList:
    """ListTaskIds: each name once, in order (LST-28); filters are not read.

    Raises:
        InvalidArgument: a field is missing, or the sort key or the token is not one.
    """
    return _names(request, TASK, "ListTaskIds")


def list_workflow_ids(request: NamedEntityIdentifierListRequest) -> NamedEntityIdentifierList:
    """ListWorkflowIds, as `list_task_ids`."""
    return _names(request, WORKFLOW, "ListWorkflowIds")


def list_launch_plan_ids(request: NamedEntityIdentifierListRequest) -> NamedEntityIdentifierList:
    """ListLaunchPlanIds, as `list_task_ids`; a limit of 0 is refused in other words."""
    if request.limit == 0:
        raise InvalidArgument("missing and/or invalid parameters: limit")
    return _names(request, LAUNCH_PLAN, "ListLaunchPlanIds")


def _names(request: NamedEntityIdentifierListRequest, kind: ResourceType, rpc: str) -> NamedEntityIdentifierList:
    validate_list(request)
    sort = request.sort_by if request.HasField("sort_by") else None
    order = order_of(sort, UPSTREAM_COLUMNS[ENTITIES[kind]], _SORTED_BY, _BY_NAME)
    page = _page(kind, request, Conditions(), requested_page(request.limit, request.token, order, rpc))
    names = (NamedEntityIdentifier(project=request.project, domain=request.domain, name=row.name) for row in page.rows)
    return NamedEntityIdentifierList(entities=names, token=token_of(page.next_start))


def _page(
    kind: ResourceType,
    request: NamedEntityListRequest | NamedEntityIdentifierListRequest,
    conditions: Conditions[NamedEntityRow],
    page_request: PageRequest,
) -> ListPage[NamedEntityRow]:
    scope = repository.scope_key(kind, request.project, request.domain)
    names = conditions.key_range(Entity.NAMED_ENTITY, "name")
    states = [
        state for state in NamedEntityState.values() if conditions.allow(Entity.NAMED_ENTITY_METADATA, "state", state)
    ]
    index_query = IndexQuery(None, (scope,), names)
    if len(states) == 1:
        index_query = IndexQuery("state", (repository.state_key(scope, states[0]),), names)
    return read_page(page_source(NamedEntityRow, index_query, conditions, has_whole_rows=True), page_request)
