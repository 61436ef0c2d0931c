"""Lists of versions: the columns that tasks, workflows and launch plans share, and the index that answers; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from flyteidl.admin.common_pb2 import ResourceListRequest

from flyteadmin.errors import InvalidArgument
from flyteadmin.identifiers import name_key, version_key
from flyteadmin.listing.columns import UPSTREAM_COLUMNS, Entity
from flyteadmin.listing.common_columns import name_columns
from flyteadmin.listing.conditions import Column, Columns, Conditions, KeyRange, Kind, conditions_of
from flyteadmin.listing.filters import parse_filters
from flyteadmin.listing.index_query import IndexQuery
from flyteadmin.listing.requests import Order, PageRequest, order_of, requested_page
from flyteadmin.named_entities.validation import validate_list

NEWEST_FIRST = Order("created_at", ascending=False)

SORTED_BY = {
    "created_at": "created_at",
    "id": "created_at",
    "updated_at": "created_at",
    "name": "name",
    "version": "version",
}
"""Our column by upstream's: ids ascend with the time of creation, and a version never changes."""


class Version(Protocol):
    """A row of a task, workflow or launch plan; `name` is "project:domain:name"."""

    name: str
    version: str
    created_at: float


@dataclass(frozen=True)
class VersionQuery[R]:
    """The versions that a list shows: of one name, or of a project and domain (""); `listing` is "project:domain"."""

    entity: Entity
    listing: str
    name: str
    conditions: Conditions[R]
    page_request: PageRequest


def columns[V: Version](entity: Entity) -> dict[tuple[Entity, str], Column[V]]:
    """Return the columns that versions of every kind have; what never changes was updated when it was created."""
    return {
        **name_columns(entity, lambda row: row.name),
        (entity, "version"): Column(Kind.TEXT, lambda row: row.version),
        (entity, "created_at"): Column(Kind.TIME, lambda row: int(row.created_at)),
        (entity, "updated_at"): Column(Kind.TIME, lambda row: int(row.created_at)),
    }


def version_query[R](
    request: ResourceListRequest,
    rpc: str,
    entity: Entity,
    known: Columns[R],
    sorted_by: Mapping[str, str] = SORTED_BY,
) -> VersionQuery[R]:
    """Read the request of a list of versions; the newest first by default (LST-13, LST-14, LST-16, KD-36).

    Raises:
        InvalidArgument: a field is missing, or a filter, the sort key or the token is not one.
    """
    validate_list(request)
    scope = request.id
    conditions = conditions_of(parse_filters(request.filters, entity), known)
    sort = request.sort_by if request.HasField("sort_by") else None
    order = order_of(sort, UPSTREAM_COLUMNS[entity], sorted_by, NEWEST_FIRST)
    name = scope.name or conditions.exact_text(entity, "name")
    if order.column == "version" and not name:
        raise InvalidArgument("invalid sort key 'version': versions are sorted by version within one name only")
    return VersionQuery(
        entity=entity,
        listing=name_key(scope.project, scope.domain, "").removesuffix(":"),
        name=name_key(scope.project, scope.domain, name) if name else "",
        conditions=conditions,
        page_request=requested_page(request.limit, request.token, order, rpc),
    )


def index_query[R](query: VersionQuery[R]) -> IndexQuery:
    """Choose the index that answers: the narrowest that has the order."""
    version = query.conditions.exact_text(query.entity, "version")
    created = query.conditions.key_range(query.entity, "created_at")
    if query.name and (version or query.page_request.order.column == "version"):
        return IndexQuery(None, (query.name,), query.conditions.key_range(query.entity, "version"))
    if query.name:
        return IndexQuery("created", (query.name,), created)
    if query.page_request.order.column == "name":
        return IndexQuery("names", (query.listing,), name_range(query))
    if version:
        return IndexQuery("version", (version_key(query.listing, version),), created)
    return IndexQuery("listing", (query.listing,), created)


def name_range[R](query: VersionQuery[R]) -> KeyRange:
    """Return the range of names that the list asks for, as rows hold them."""
    key_range = query.conditions.key_range(query.entity, "name")
    low, high = (f"{query.listing}:{bound}" if bound is not None else None for bound in (key_range.low, key_range.high))
    return KeyRange(low, high)
