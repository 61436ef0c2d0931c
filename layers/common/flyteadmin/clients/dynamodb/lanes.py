"""Rows of a table or an index in order, from behind a row on: one partition, or several merged."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from typing import Any

from pynamodb.attributes import Attribute
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from flyteadmin.clients.dynamodb.keys import RawItem
from flyteadmin.clients.dynamodb.reads import Page, query
from flyteadmin.listing.access import Access
from flyteadmin.listing.conditions import Span
from flyteadmin.listing.requests import Wanted
from flyteadmin.listing.tokens import Cursor, Place, refused

_MOST_AT_ONCE = 1000
_MAX_PARTITION_KEY_BYTES = 2048
_MAX_SORT_KEY_BYTES = 1024
_ROW_BYTES = 4096
_THREADS = 8


class Spent(Exception):
    """There may be more rows, but so many as were allowed have been read."""


@dataclass
class Allowance:
    """How many rows may still be read, of all partitions together; a large one counts for each 4 KB that it has."""

    rows: int

    def spend(self, rows: Iterable[Model]) -> None:
        """Count rows that were read."""
        self.rows -= sum(1 + weight(row) // _ROW_BYTES for row in rows)


def weight(row: Model) -> int:
    """The bytes of a row's texts and blobs."""
    return sum(len(value) for value in row.attribute_values.values() if isinstance(value, str | bytes))


def in_order[M: Model](
    model: type[M], access: Access, asked: Wanted, needed: int, allowance: Allowance
) -> Iterator[tuple[Cursor, M]]:
    """The rows of all partitions in order, from behind the start on; more are read as they are asked for.

    `needed` is how many will be, as far as is known. The iterator raises Spent behind the last row that may be read.

    Raises:
        InvalidArgument: the start stands outside of what is read.
        Unavailable: the database is not available right now.
    """
    lanes = _lanes(model, access, asked)
    if not lanes:
        return iter(())
    wanted_each = needed if len(lanes) == 1 else 10 + 2 * needed // len(lanes)
    at_once = max(1, min(wanted_each, needed, _MOST_AT_ONCE, allowance.rows // len(lanes)))
    pages = _first_pages(lanes, at_once)
    for page in pages:
        allowance.spend(page.items)
    sign = 1 if asked.order.ascending else -1
    rows = [lane.rows(page, at_once, allowance) for lane, page in zip(lanes, pages, strict=True)]
    return rows[0] if len(rows) == 1 else merge(*rows, key=lambda entry: (sign * int(entry[0].place), entry[0].lane))


@dataclass(frozen=True)
class _Lane[M: Model]:
    """One partition, from behind a row on."""

    number: int
    model: type[M]
    index: str | None
    partition: str
    condition: Condition | None
    ascending: bool
    start: RawItem | None

    def page(self, at_once: int, start: RawItem | None = None) -> Page[M]:
        return query(
            self.model,
            self.partition,
            index=self.index,
            sort=self.condition,
            ascending=self.ascending,
            limit=at_once,
            start=start or self.start,
        )

    def rows(self, page: Page[M], at_once: int, allowance: Allowance) -> Iterator[tuple[Cursor, M]]:
        while True:
            yield from self._shown(page.items)
            if page.next_key is None:
                return
            if allowance.rows <= 0:
                raise Spent
            at_once = min(at_once * 4, _MOST_AT_ONCE, allowance.rows)
            page = self.page(at_once, page.next_key)
            allowance.spend(page.items)

    def _shown(self, items: Sequence[M]) -> Iterator[tuple[Cursor, M]]:
        attribute, keys = _sort_attribute(self.model, self.index), _key_attributes(self.model)
        names = {attr.attr_name: name for name, attr in self.model.get_attributes().items()}
        for row in items:
            values = row.attribute_values
            place = values[names[attribute.attr_name]]
            cursor = Cursor.model_construct(
                lane=self.number,
                place=place if isinstance(place, str) else int(place),
                key=tuple(values[names[key.attr_name]] for key in keys),
            )
            yield cursor, row


def _first_pages[M: Model](lanes: Sequence[_Lane[M]], at_once: int) -> list[Page[M]]:
    if len(lanes) == 1:
        return [lanes[0].page(at_once)]
    with ThreadPoolExecutor(min(len(lanes), _THREADS)) as threads:
        return list(threads.map(lambda lane: lane.page(at_once), lanes))


def _lanes[M: Model](model: type[M], access: Access, asked: Wanted) -> list[_Lane[M]]:
    after, ascending = asked.start.after, asked.order.ascending
    span = Span(_storable(access.span.low), _storable(access.span.high))
    if after is not None and not _is_within(model, access, span, after):
        raise refused(asked.rpc)
    lanes = []
    for number, partition in enumerate(access.partitions):
        if len(partition.encode()) > _MAX_PARTITION_KEY_BYTES:
            continue  # nothing can lie there, and the database refuses to look
        left = span if after is None else _behind(span, after, number, ascending=ascending)
        if not _is_empty(left):
            condition = _condition(_sort_attribute(model, access.index), left)
            start = _start_key(model, access.index, partition, after) if after and after.lane == number else None
            lanes.append(_Lane(number, model, access.index, partition, condition, ascending, start))
    return lanes


def _storable(bound: Place | None) -> Place | None:
    """A bound that the database takes: one that is longer than any sort key is left to the conditions."""
    return None if isinstance(bound, str) and len(bound.encode()) > _MAX_SORT_KEY_BYTES else bound


def _is_within(model: type[Model], access: Access, span: Span, cursor: Cursor) -> bool:
    """Whether a cursor can be of this list: the database refuses one outside of the span, or of other types."""
    is_number = _sort_attribute(model, access.index).attr_type == "N"
    if (
        cursor.place == ""
        or isinstance(cursor.place, int) != is_number
        or len(cursor.key) != len(_key_attributes(model))
    ):
        return False
    at_cursor = Span(_latest(span.low, cursor.place), _earliest(span.high, cursor.place))
    return cursor.lane < len(access.partitions) and at_cursor == Span(cursor.place, cursor.place)


def _behind(span: Span, after: Cursor, number: int, *, ascending: bool) -> Span:
    """What another partition still has behind a row; rows of one place stand in the order of their partitions."""
    if number == after.lane or not isinstance(after.place, int):
        return span
    place = after.place if number > after.lane else after.place + (1 if ascending else -1)
    if ascending:
        return Span(_latest(span.low, place), span.high)
    return Span(span.low, _earliest(span.high, place))


def _latest(low: Place | None, place: Place) -> Place:
    return place if low is None else max(low, place)


def _earliest(high: Place | None, place: Place) -> Place:
    return place if high is None else min(high, place)


def _is_empty(span: Span) -> bool:
    return span.low is not None and span.high is not None and _latest(span.low, span.high) != span.high


def _condition(attribute: Attribute[Any], span: Span) -> Condition | None:
    if span.low is not None and span.high is not None:
        return attribute.between(span.low, span.high)
    if span.low is not None:
        return attribute >= span.low
    return attribute <= span.high if span.high is not None else None


def _start_key(model: type[Model], index: str | None, partition: str, after: Cursor) -> RawItem:
    """The key that a query resumes behind; it need not exist any more."""
    names = [attribute.attr_name for attribute in _key_attributes(model)]
    key: RawItem = {name: {"S": value} for name, value in zip(names, after.key, strict=True)}
    sort = _sort_attribute(model, index)
    key[sort.attr_name] = {sort.attr_type: str(after.place)}  # type: ignore[misc]  # "S" or "N"
    key[_partition_attribute(model, index).attr_name] = {"S": partition}
    return key


def _partition_attribute(model: type[Model], index: str | None) -> Attribute[Any]:
    return next(each for each in _attributes(model, index) if each.is_hash_key)


def _sort_attribute(model: type[Model], index: str | None) -> Attribute[Any]:
    return next(each for each in _attributes(model, index) if each.is_range_key)


def _key_attributes(model: type[Model]) -> list[Attribute[Any]]:
    """The attributes of the table's key."""
    return sorted(
        (each for each in _attributes(model, None) if each.is_hash_key or each.is_range_key),
        key=attrgetter("is_range_key"),
    )


def _attributes(model: type[Model], index: str | None) -> Collection[Attribute[Any]]:
    if index is None:
        return model.get_attributes().values()
    attributes: dict[str, Attribute[Any]] = model._indexes[index].Meta.attributes
    return attributes.values()
