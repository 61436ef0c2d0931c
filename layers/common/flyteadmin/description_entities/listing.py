"""Lists of descriptions: those of one name."""

from flyteidl.admin.description_entity_pb2 import DescriptionEntityList, DescriptionEntityListRequest
from flyteidl.core.identifier_pb2 import ResourceType

from flyteadmin.clients.dynamodb.pages import page_source, read_page
from flyteadmin.description_entities import messages, repository
from flyteadmin.description_entities.models import DescriptionEntityRow
from flyteadmin.errors import InvalidArgument, missing
from flyteadmin.identifiers import name_key
from flyteadmin.listing.columns import DESCRIPTION_ENTITY_COLUMNS, Entity
from flyteadmin.listing.common_columns import name_columns
from flyteadmin.listing.conditions import Column, Columns, Kind, conditions_of
from flyteadmin.listing.filters import parse_filters
from flyteadmin.listing.index_query import IndexQuery
from flyteadmin.listing.requests import order_of, requested_page, validate_limit
from flyteadmin.listing.tokens import token_of
from flyteadmin.named_entities.listing import ENTITIES
from flyteadmin.named_entities.validation import validate_kind, validate_scope
from flyteadmin.named_entities.versions import NEWEST_FIRST

_SORTED_BY = {"created_at": "created_at", "id": "created_at", "updated_at": "created_at", "version": "version"}


def _columns(entity: Entity) -> Columns[DescriptionEntityRow]:
    """Return the columns for filters, which are those of the described entity, as at upstream."""
    return {
        **name_columns(entity, lambda row: row.name.partition(":")[2]),  # behind the kind
        (entity, "version"): Column(Kind.TEXT, lambda row: row.version),
        (entity, "created_at"): Column(Kind.TIME, lambda row: int(row.created_at)),
        (entity, "updated_at"): Column(Kind.TIME, lambda row: int(row.created_at)),
    }


def list_description_entities(request: DescriptionEntityListRequest) -> DescriptionEntityList:
    """ListDescriptionEntities: the descriptions of the versions of a name, the newest first.

    Raises:
        InvalidArgument: a field is missing, or a filter, the sort key or the token is not one.
    """
    kind = request.resource_type
    validate_kind(kind)
    if kind not in ENTITIES:
        raise InvalidArgument(f"Cannot list descriptions for resource type: {ResourceType.Name(kind)}")
    if not request.HasField("id"):
        raise missing("id")
    validate_scope(request.id.project, request.id.domain, request.id.name)
    if not request.id.name:
        raise missing("name")
    validate_limit(request.limit)
    entity = ENTITIES[kind]
    conditions = conditions_of(parse_filters(request.filters, entity), _columns(entity))
    sort = request.sort_by if request.HasField("sort_by") else None
    order = order_of(sort, DESCRIPTION_ENTITY_COLUMNS, _SORTED_BY, NEWEST_FIRST)
    name = f"{ResourceType.Name(kind)}:{name_key(request.id.project, request.id.domain, request.id.name)}"
    index = "created" if order.column == "created_at" else None
    index_query = IndexQuery(index, (name,), conditions.key_range(entity, order.column))
    page = read_page(
        page_source(DescriptionEntityRow, index_query, conditions, blob=repository.blob),
        requested_page(request.limit, request.token, order, "ListDescriptionEntities"),
    )
    return DescriptionEntityList(
        descriptionEntities=[messages.description_entity(row) for row in page.rows], token=token_of(page.next_start)
    )
