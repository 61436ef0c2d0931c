"""Limit, order and start of a list request (LST-13, LST-14, LST-16); pure."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from flyteidl.admin.common_pb2 import Sort

from flyteadmin.errors import InvalidArgument, invalid
from flyteadmin.listing.conditions import Column, Kind
from flyteadmin.listing.tokens import Cursor, SortValue, Start, invalid_token, start_from

MAX_PAGE = 10_000
"""The most rows of a page, whatever the limit; the console uses this limit to get everything."""

_LAST_TEXT = "\U0010ffff"
_LAST_NUMBER = 10**21


@dataclass(frozen=True)
class Order:
    """A column and a direction."""

    column: str
    ascending: bool

    def __str__(self) -> str:
        """Return the order as tokens contain it."""
        return self.column if self.ascending else f"-{self.column}"


@dataclass(frozen=True)
class PageRequest:
    """A request for at most `limit` rows in an order, from a start; `rpc` is for error messages."""

    rpc: str
    order: Order
    start: Start
    limit: int


def order_of(sort: Sort | None, columns: AbstractSet[str], sorted_by: Mapping[str, str], default: Order) -> Order:
    """Return the order that a request asks for.

    `columns` are upstream's; `sorted_by` maps those that this list can be sorted by to the columns of our rows.

    Raises:
        InvalidArgument: the key is not a column of the entity, or this list can't be sorted by it, or the direction is
            unknown.
    """
    if sort is None:
        return default
    if sort.key not in columns:
        raise InvalidArgument(f"invalid sort key '{sort.key[:100]}'")
    if sort.key not in sorted_by:
        known = ", ".join(sorted(sorted_by))
        raise InvalidArgument(f"invalid sort key '{sort.key}': this list is sorted by {known} only")
    if sort.direction not in {Sort.DESCENDING, Sort.ASCENDING}:
        raise InvalidArgument(f"invalid sort order specified: {sort.direction}, expected DESCENDING or ASCENDING")
    return Order(sorted_by[sort.key], ascending=sort.direction == Sort.ASCENDING)


def requested_page(limit: int, token: str, order: Order, rpc: str) -> PageRequest:
    """Return the page that a request asks for.

    Raises:
        InvalidArgument: the limit is 0, or the token is not of this list.
    """
    validate_limit(limit)
    return PageRequest(rpc, order, start_from(token, rpc, str(order)), min(limit, MAX_PAGE))


def validate_limit(limit: int) -> None:
    """Check that a list request has a limit (LST-16).

    Raises:
        InvalidArgument: the limit is 0.
    """
    if limit == 0:
        raise invalid("limit", "expected a number above 0")


def page_of[R](
    rows: Sequence[R], page_request: PageRequest, column: Column[R], key: Callable[[R], str]
) -> tuple[list[R], Start | None]:
    """Cut a page out of a list that was read whole, and return it with the start of the next page.

    Rows with an absent value in the column come last, as in SQL.

    Raises:
        InvalidArgument: the token is of another list.
    """
    absent: SortValue = _LAST_TEXT if column.kind == Kind.TEXT else _LAST_NUMBER

    def sort_key(row: R) -> tuple[SortValue, str]:
        value = column.value_of(row)
        return (value if value is not None else absent), key(row)

    ascending, after = page_request.order.ascending, page_request.start.after
    in_order = sorted(rows, key=sort_key, reverse=not ascending)
    if after is not None and type(after.sort_value) is not type(absent):
        raise invalid_token(page_request.rpc)
    if after is not None:
        last_seen = (after.sort_value, after.key[0])
        in_order = [row for row in in_order if (sort_key(row) > last_seen if ascending else sort_key(row) < last_seen)]
    page = in_order[page_request.start.skip : page_request.start.skip + page_request.limit]
    if len(in_order) <= page_request.start.skip + page_request.limit:
        return page, None
    value, name = sort_key(page[-1])
    return page, Start(after=Cursor(sort_value=value, key=(name,)), order=str(page_request.order))
