"""Rows of a table or an index in key order, from a cursor on: of one partition, or of several merged.

Executions are spread over several partitions of an index (write shards). A list reads them side by side and merges them
by their sort keys.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from typing import Any

from pynamodb.attributes import Attribute
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from flyteadmin.bounds import parsed_weight
from flyteadmin.clients.dynamodb.keys import RawItem
from flyteadmin.clients.dynamodb.reads import Page, query
from flyteadmin.listing.conditions import KeyRange
from flyteadmin.listing.index_query import IndexQuery
from flyteadmin.listing.requests import PageRequest
from flyteadmin.listing.tokens import Cursor, SortValue, invalid_token

_MOST_AT_ONCE = 1000
_MAX_PARTITION_KEY_BYTES = 2048
_MAX_SORT_KEY_BYTES = 1024
_ROW_BYTES = 4096
_THREADS = 8


class BudgetExhausted(Exception):
    """The read budget is used up; more rows may exist."""


@dataclass
class ReadBudget:
    """The number of rows that may still be read, over all partitions; a large row counts once per 4 KB."""

    rows: int

    def spend(self, rows: Iterable[Model]) -> None:
        """Count rows that were read."""
        self.rows -= sum(1 + row_bytes(row) // _ROW_BYTES for row in rows)


def row_bytes(row: Model) -> int:
    """Return the number of bytes in a row's texts and blobs."""
    return sum(len(value) for value in row.attribute_values.values() if isinstance(value, str | bytes))


def parsed_weight_of(row: Model) -> int:
    """Return what a row's texts and blobs take in memory once they are parsed (`bounds.parsed_weight`)."""
    values = [value for value in row.attribute_values.values() if isinstance(value, str | bytes)]
    return sum(parsed_weight(value) if isinstance(value, bytes) else len(value) for value in values)


def rows_in_order[M: Model](
    model: type[M], index_query: IndexQuery, page_request: PageRequest, needed: int, budget: ReadBudget
) -> Iterator[tuple[Cursor, M]]:
    """Yield the rows of all partitions in order, each with its cursor, from behind the requested start.

    `needed` is the expected number of rows; further rows are read on demand. The iterator raises BudgetExhausted where
    the budget ends.

    Raises:
        InvalidArgument: the start is outside of the partitions or the key range.
        Unavailable: the database is not available right now.
    """
    partitions = _partitions(model, index_query, page_request)
    if not partitions:
        return iter(())
    wanted_each = needed if len(partitions) == 1 else 10 + 2 * needed // len(partitions)
    at_once = max(1, min(wanted_each, needed, _MOST_AT_ONCE, budget.rows // len(partitions)))
    pages = _first_pages(partitions, at_once)
    for page in pages:
        budget.spend(page.items)
    sign = 1 if page_request.order.ascending else -1
    rows = [partition.rows(page, at_once, budget) for partition, page in zip(partitions, pages, strict=True)]
    if len(rows) == 1:
        return rows[0]
    return merge(*rows, key=lambda entry: (sign * int(entry[0].sort_value), entry[0].partition))


@dataclass(frozen=True)
class _Partition[M: Model]:
    """One partition, read from behind a row."""

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

    def rows(self, page: Page[M], at_once: int, budget: ReadBudget) -> Iterator[tuple[Cursor, M]]:
        while True:
            yield from self._shown(page.items)
            if page.next_key is None:
                return
            if budget.rows <= 0:
                raise BudgetExhausted
            at_once = min(at_once * 4, _MOST_AT_ONCE, budget.rows)
            page = self.page(at_once, page.next_key)
            budget.spend(page.items)

    def _shown(self, items: Sequence[M]) -> Iterator[tuple[Cursor, M]]:
        attribute, keys = _sort_attribute(self.model, self.index), _key_attributes(self.model)
        names = {attr.attr_name: name for name, attr in self.model.get_attributes().items()}
        for row in items:
            values = row.attribute_values
            sort_value = values[names[attribute.attr_name]]
            cursor = Cursor.model_construct(
                partition=self.number,
                sort_value=sort_value if isinstance(sort_value, str) else int(sort_value),
                key=tuple(values[names[key.attr_name]] for key in keys),
            )
            yield cursor, row


def _first_pages[M: Model](partitions: Sequence[_Partition[M]], at_once: int) -> list[Page[M]]:
    if len(partitions) == 1:
        return [partitions[0].page(at_once)]
    with ThreadPoolExecutor(min(len(partitions), _THREADS)) as threads:
        return list(threads.map(lambda partition: partition.page(at_once), partitions))


def _partitions[M: Model](model: type[M], index_query: IndexQuery, page_request: PageRequest) -> list[_Partition[M]]:
    after, ascending = page_request.start.after, page_request.order.ascending
    key_range = KeyRange(_storable(index_query.key_range.low), _storable(index_query.key_range.high))
    if after is not None and not _is_within(model, index_query, key_range, after):
        raise invalid_token(page_request.rpc)
    partitions = []
    for number, partition in enumerate(index_query.partitions):
        if len(partition.encode()) > _MAX_PARTITION_KEY_BYTES:
            continue  # no row can have such a key, and DynamoDB refuses the query
        left = key_range if after is None else _behind(key_range, after, number, ascending=ascending)
        if not _is_empty(left):
            condition = _condition(_sort_attribute(model, index_query.index), left)
            start = (
                _start_key(model, index_query.index, partition, after) if after and after.partition == number else None
            )
            partitions.append(_Partition(number, model, index_query.index, partition, condition, ascending, start))
    return partitions


def _storable(bound: SortValue | None) -> SortValue | None:
    """Drop a bound that is longer than any sort key: DynamoDB refuses it, so the conditions decide alone."""
    return None if isinstance(bound, str) and len(bound.encode()) > _MAX_SORT_KEY_BYTES else bound


def _is_within(model: type[Model], index_query: IndexQuery, key_range: KeyRange, cursor: Cursor) -> bool:
    """Return whether a cursor can belong to this list; DynamoDB refuses one outside of the key range."""
    is_number = _sort_attribute(model, index_query.index).attr_type == "N"
    if (
        cursor.sort_value == ""
        or isinstance(cursor.sort_value, int) != is_number
        or len(cursor.key) != len(_key_attributes(model))
    ):
        return False
    at_cursor = KeyRange(_latest(key_range.low, cursor.sort_value), _earliest(key_range.high, cursor.sort_value))
    return cursor.partition < len(index_query.partitions) and at_cursor == KeyRange(
        cursor.sort_value, cursor.sort_value
    )


def _behind(key_range: KeyRange, after: Cursor, number: int, *, ascending: bool) -> KeyRange:
    """Return the key range that another partition still has behind a row.

    Rows with the same sort value are ordered by the numbers of their partitions.
    """
    if number == after.partition or not isinstance(after.sort_value, int):
        return key_range
    sort_value = after.sort_value if number > after.partition else after.sort_value + (1 if ascending else -1)
    if ascending:
        return KeyRange(_latest(key_range.low, sort_value), key_range.high)
    return KeyRange(key_range.low, _earliest(key_range.high, sort_value))


def _latest(low: SortValue | None, sort_value: SortValue) -> SortValue:
    return sort_value if low is None else max(low, sort_value)


def _earliest(high: SortValue | None, sort_value: SortValue) -> SortValue:
    return sort_value if high is None else min(high, sort_value)


def _is_empty(key_range: KeyRange) -> bool:
    return (
        key_range.low is not None
        and key_range.high is not None
        and _latest(key_range.low, key_range.high) != key_range.high
    )


def _condition(attribute: Attribute[Any], key_range: KeyRange) -> Condition | None:
    if key_range.low is not None and key_range.high is not None:
        return attribute.between(key_range.low, key_range.high)
    if key_range.low is not None:
        return attribute >= key_range.low
    return attribute <= key_range.high if key_range.high is not None else None


def _start_key(model: type[Model], index: str | None, partition: str, after: Cursor) -> RawItem:
    """Return the key behind which a query resumes; its row may be deleted."""
    names = [attribute.attr_name for attribute in _key_attributes(model)]
    key: RawItem = {name: {"S": value} for name, value in zip(names, after.key, strict=True)}
    sort = _sort_attribute(model, index)
    key[sort.attr_name] = {sort.attr_type: str(after.sort_value)}  # type: ignore[misc]  # "S" or "N"
    key[_partition_attribute(model, index).attr_name] = {"S": partition}
    return key


def _partition_attribute(model: type[Model], index: str | None) -> Attribute[Any]:
    return next(attribute for attribute in _attributes(model, index) if attribute.is_hash_key)


def _sort_attribute(model: type[Model], index: str | None) -> Attribute[Any]:
    return next(attribute for attribute in _attributes(model, index) if attribute.is_range_key)


def _key_attributes(model: type[Model]) -> list[Attribute[Any]]:
    """Return the attributes of the table's key, the partition key first."""
    return sorted(
        (attribute for attribute in _attributes(model, None) if attribute.is_hash_key or attribute.is_range_key),
        key=attrgetter("is_range_key"),
    )


def _attributes(model: type[Model], index: str | None) -> Collection[Attribute[Any]]:
    if index is None:
        return model.get_attributes().values()
    attributes: dict[str, Attribute[Any]] = model._indexes[index].Meta.attributes
    return attributes.values()
