"""Reads of one item, of many, or of a partition in order; those of a table are consistent."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from flyteadmin.clients.aws import client
from flyteadmin.clients.dynamodb.calls import ATTEMPTS, back_off, with_retries
from flyteadmin.clients.dynamodb.keys import AnyKey, Key, RawItem, partition_of, placeholders, table_name
from flyteadmin.errors import Unavailable

_BATCH_READ = 100
_THREADS = 8


@dataclass(frozen=True)
class Page[M: Model]:
    """Items in order, and the key at which the next page starts (None at the end)."""

    items: tuple[M, ...]
    next_key: RawItem | None


@dataclass
class Found:
    """The rows that a batch read found, by key."""

    rows: dict[AnyKey, Model] = field(default_factory=dict)

    def get[M: Model](self, key: Key[M]) -> M | None:
        """Return the row at a key, None if it was not found."""
        row = self.rows.get(key)
        return row if isinstance(row, key.model) else None


def get[M: Model](key: Key[M]) -> M | None:
    """Read one item; a consistent read."""
    read = client("dynamodb").get_item
    raw = with_retries(read, TableName=key.table, Key=key.raw(), ConsistentRead=True).get("Item")
    return key.model.from_raw_data(raw) if raw else None


def batch_get(keys: Iterable[AnyKey]) -> Found:
    """Read items of any tables; consistent, 100 keys a request, several requests at once.

    Raises:
        Unavailable: the database still throttled after several rounds.
    """
    groups = list(batched(dict.fromkeys(keys), _BATCH_READ))
    found = Found()
    if len(groups) < 2:
        for group in groups:
            _batch_get_into(found, group)
        return found
    with ThreadPoolExecutor(min(len(groups), _THREADS)) as threads:
        list(threads.map(lambda group: _batch_get_into(found, group), groups))
    return found


def _batch_get_into(found: Found, keys: Sequence[AnyKey]) -> None:
    request: dict[str, Any] = {key.table: {"Keys": [], "ConsistentRead": True} for key in keys}
    key_names = {key.table: tuple(key.raw()) for key in keys}
    addressed: dict[tuple[str, ...], AnyKey] = {}
    for key in keys:
        request[key.table]["Keys"].append(key.raw())
        addressed[(key.table, key.partition, *((key.sort,) if key.sort is not None else ()))] = key
    for attempt in range(ATTEMPTS):
        answer = with_retries(client("dynamodb").batch_get_item, RequestItems=request)
        for table, items in answer.get("Responses", {}).items():
            for item in items:
                key = addressed[(table, *(item[name]["S"] for name in key_names[table]))]
                found.rows[key] = key.model.from_raw_data(item)
        request = dict(answer.get("UnprocessedKeys", {}))
        if not request:
            return
        back_off(attempt)
    raise Unavailable("the database is throttling, try again")


def query[M: Model](
    model: type[M],
    partition: str,
    *,
    index: str | None = None,
    sort: Condition | None = None,
    ascending: bool = True,
    limit: int | None = None,
    start: RawItem | None = None,
) -> Page[M]:
    """Read one page of a partition, or of the part that `sort` selects; consistent on a table, not on an index."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    hash_attribute = partition_of(model._indexes[index] if index else model)
    condition = hash_attribute == partition
    if sort is not None:
        condition &= sort
    parameters: dict[str, Any] = {
        "TableName": table_name(model),
        "KeyConditionExpression": condition.serialize(names, values),
        "ScanIndexForward": ascending,
    }
    optional = {"IndexName": index, "Limit": limit, "ExclusiveStartKey": start}
    parameters |= {name: value for name, value in optional.items() if value is not None}
    if index is None:
        parameters["ConsistentRead"] = True
    parameters |= placeholders(names, values)
    answer = with_retries(client("dynamodb").query, **parameters)
    items = tuple(model.from_raw_data(raw) for raw in answer["Items"])
    return Page(items, answer.get("LastEvaluatedKey"))


def query_all[M: Model](
    model: type[M], partition: str, sort: Condition | None = None, *, index: str | None = None
) -> list[M]:
    """Read a whole partition, or the part that `sort` selects."""
    return list(query_each(model, partition, sort, index=index))


def query_each[M: Model](
    model: type[M], partition: str, sort: Condition | None = None, *, index: str | None = None
) -> Iterator[M]:
    """Yield the items of a partition, or of the part that `sort` selects; pages are read on demand."""
    start: RawItem | None = None
    while True:
        page = query(model, partition, index=index, sort=sort, start=start)
        yield from page.items
        if page.next_key is None:
            return
        start = page.next_key
