"""Lists of versions: what may be asked of tasks, workflows and launch plans alike, and which index answers; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from flyteidl.admin.common_pb2 import ResourceListRequest

from flyteadmin.errors import InvalidArgument
from flyteadmin.identifiers import name_key
from flyteadmin.listing.access import Access
from flyteadmin.listing.columns import COLUMNS, Entity
from flyteadmin.listing.common_columns import name_columns
from flyteadmin.listing.conditions import Column, Columns, Conditions, Kind, Span, conditions
from flyteadmin.listing.filters import parse_filters
from flyteadmin.listing.requests import Order, Wanted, order_of, wanted
from flyteadmin.named_entities.repository import version_key
from flyteadmin.named_entities.validation import validate_list

NEWEST_FIRST = Order("created_at", ascending=False)

SORTED_BY = {
    "created_at": "created_at",
    "id": "created_at",
    "updated_at": "created_at",
    "name": "name",
    "version": "version",
}
"""By upstream's column the one that orders here: ids are given in the order of creation, versions never change."""


class Version(Protocol):
    """A row of a task, workflow or launch plan; `name` is "project:domain:name"."""

    name: str
    version: str
    created_at: float


@dataclass(frozen=True)
class Asked[R]:
    """Which versions a list shows: of one name, or of a project and domain (""); `listing` is "project:domain"."""

    entity: Entity
    listing: str
    name: str
    conditions: Conditions[R]
    page: Wanted


def columns[V: Version](entity: Entity) -> dict[tuple[Entity, str], Column[V]]:
    """The columns that versions of every kind have; what never changes was updated when it was created."""
    return {
        **name_columns(entity, lambda row: row.name),
        (entity, "version"): Column(Kind.TEXT, lambda row: row.version),
        (entity, "created_at"): Column(Kind.TIME, lambda row: int(row.created_at)),
        (entity, "updated_at"): Column(Kind.TIME, lambda row: int(row.created_at)),
    }


def asked[R](
    request: ResourceListRequest,
    rpc: str,
    entity: Entity,
    known: Columns[R],
    sorted_by: Mapping[str, str] = SORTED_BY,
) -> Asked[R]:
    """What a list of versions asks for; the newest first unless it says otherwise (LST-13, LST-14, LST-16, KD-36).

    Raises:
        InvalidArgument: a field is missing, or a filter, the sort key or the token is not one.
    """
    validate_list(request)
    scope = request.id
    asks = conditions(parse_filters(request.filters, entity), known)
    sort = request.sort_by if request.HasField("sort_by") else None
    order = order_of(sort, COLUMNS[entity], sorted_by, NEWEST_FIRST)
    name = scope.name or asks.text(entity, "name")
    if order.column == "version" and not name:
        raise InvalidArgument("invalid sort key 'version': versions are sorted by version within one name only")
    return Asked(
        entity=entity,
        listing=name_key(scope.project, scope.domain, "").removesuffix(":"),
        name=name_key(scope.project, scope.domain, name) if name else "",
        conditions=asks,
        page=wanted(request.limit, request.token, order, rpc),
    )


def access[R](asks: Asked[R]) -> Access:
    """Which index answers: the narrowest that has the order."""
    version = asks.conditions.text(asks.entity, "version")
    created = asks.conditions.span(asks.entity, "created_at")
    if asks.name and (version or asks.page.order.column == "version"):
        return Access(None, (asks.name,), asks.conditions.span(asks.entity, "version"))
    if asks.name:
        return Access("created", (asks.name,), created)
    if asks.page.order.column == "name":
        return Access("names", (asks.listing,), name_span(asks))
    if version:
        return Access("version", (version_key(asks.listing, version),), created)
    return Access("listing", (asks.listing,), created)


def name_span[R](asks: Asked[R]) -> Span:
    """Which names are asked for, as rows hold them."""
    span = asks.conditions.span(asks.entity, "name")
    low, high = (f"{asks.listing}:{bound}" if bound is not None else None for bound in (span.low, span.high))
    return Span(low, high)
