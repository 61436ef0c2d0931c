"""DynamoDB on the tuned client: PynamoDB models in and out, every write with its condition.

PynamoDB declares the tables, serialises items and renders expressions; the requests go out here, because PynamoDB
drops the old item that comes with a failed condition, and because the tuned client costs less CPU.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import batched
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError
from pynamodb.attributes import Attribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action, Update
from pynamodb.indexes import Index
from pynamodb.models import Model

from flyteadmin.clients.aws import client, error_code, faults
from flyteadmin.errors import Unavailable
from flyteadmin.facts import Facts
from flyteadmin.settings import environment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    type RawItem = dict[str, AttributeValueTypeDef]
else:
    type RawItem = dict[str, dict[str, object]]

_WHAT = "the database"
_ATTEMPTS = 6
_BATCH_READ = 100
_BATCH_WRITE = 25
_THREADS = 8


class ConditionFailed(Exception):
    """A condition did not hold; `old` is the item as it stands, None where there is none."""

    def __init__(self, old: RawItem | None) -> None:
        """Keep the old item."""
        super().__init__("condition failed")
        self.old = old


class TransactionFailed(Exception):
    """At least one condition of a transaction did not hold.

    `failed` has the positions of those operations, `old` the items that they met (None where there is none).
    """

    def __init__(self, failed: tuple[int, ...], old: dict[int, RawItem | None]) -> None:
        """Keep the positions and the items."""
        super().__init__(f"conditions failed: {failed}")
        self.failed = failed
        self.old = old


@dataclass(frozen=True)
class Key:
    """One item's address; `sort` only where the table has a sort key."""

    model: type[Model]
    partition: str
    sort: str | None = None

    @property
    def table(self) -> str:
        """The table's name in this deployment."""
        return table_name(self.model)

    def raw(self) -> RawItem:
        """The key as the wire has it."""
        raw: RawItem = {_partition_name(self.model): {"S": self.partition}}
        if self.sort is not None:
            raw[_sort_name(self.model)] = {"S": self.sort}
        return raw


@dataclass(frozen=True)
class Put:
    """Store a whole item, under a condition if one is given."""

    item: Model
    condition: Condition | None = None


@dataclass(frozen=True)
class Change:
    """Update one item by actions, under a condition if one is given."""

    key: Key
    actions: Sequence[Action]
    condition: Condition | None = None


@dataclass(frozen=True)
class Remove:
    """Delete one item, under a condition if one is given."""

    key: Key
    condition: Condition | None = None


type Operation = Put | Change | Remove


@dataclass(frozen=True)
class Page[M: Model]:
    """Items in order, and where the next page starts (None at the end)."""

    items: tuple[M, ...]
    next_key: RawItem | None


@dataclass
class Found:
    """What a batch read found, by key."""

    rows: dict[Key, Model] = field(default_factory=dict)

    def get[M: Model](self, model: type[M], key: Key) -> M | None:
        """The row at a key, None if there is none."""
        row = self.rows.get(key)
        return row if isinstance(row, model) else None


def table_name(model: type[Model]) -> str:
    """The table of a model in this deployment: the stack's prefix and the model's own name."""
    return f"{environment().table_prefix}{model.Meta.table_name}"


def get[M: Model](model: type[M], key: Key) -> M | None:
    """Read one item, consistently."""
    with faults(_WHAT):
        raw = client("dynamodb").get_item(TableName=key.table, Key=key.raw(), ConsistentRead=True).get("Item")
    return model.from_raw_data(raw) if raw else None


def batch_get(keys: Iterable[Key]) -> Found:
    """Read any items of any tables, consistently; 100 keys a request, several requests at once.

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


def _batch_get_into(found: Found, keys: Sequence[Key]) -> None:
    request: dict[str, Any] = {key.table: {"Keys": [], "ConsistentRead": True} for key in keys}
    key_names = {key.table: tuple(key.raw()) for key in keys}
    addressed: dict[tuple[str, ...], Key] = {}
    for key in keys:
        request[key.table]["Keys"].append(key.raw())
        addressed[(key.table, key.partition, *((key.sort,) if key.sort is not None else ()))] = key
    for attempt in range(_ATTEMPTS):
        with faults(_WHAT):
            answer = client("dynamodb").batch_get_item(RequestItems=request)
        for table, items in answer.get("Responses", {}).items():
            for item in items:
                key = addressed[(table, *(item[name]["S"] for name in key_names[table]))]
                found.rows[key] = key.model.from_raw_data(item)
        request = dict(answer.get("UnprocessedKeys", {}))
        if not request:
            return
        back_off(attempt)
    raise Unavailable("the database is throttling, try again")


def batch_put(items: Sequence[Model]) -> None:
    """Store items without condition, 25 a request; of items with one key the last wins.

    Raises:
        Unavailable: the database still throttled after several rounds; some items may be stored.
    """
    distinct = list({key_of(item): item for item in items}.values())
    for start in range(0, len(distinct), _BATCH_WRITE):
        request: dict[str, Any] = {}
        for item in distinct[start : start + _BATCH_WRITE]:
            request.setdefault(table_name(type(item)), []).append({"PutRequest": {"Item": item.serialize()}})
        _write_until_done(request)


def _write_until_done(request: dict[str, Any]) -> None:
    for attempt in range(_ATTEMPTS):
        with faults(_WHAT):
            request = dict(client("dynamodb").batch_write_item(RequestItems=request).get("UnprocessedItems", {}))
        if not request:
            return
        back_off(attempt)
    raise Unavailable("the database is throttling, try again")


def write(operation: Operation) -> None:
    """Do one conditional write; one that meets a transaction is tried again with jitter.

    Raises:
        ConditionFailed: with the item that stood in the way.
        Unavailable: still meeting one after several rounds.
    """
    kind, parameters = _rendered(operation)
    dynamodb = client("dynamodb")
    calls: dict[str, Callable[..., object]] = {
        "Put": dynamodb.put_item,
        "Update": dynamodb.update_item,
        "Delete": dynamodb.delete_item,
    }
    for attempt in range(_ATTEMPTS):
        with faults(_WHAT):
            try:
                calls[kind](**parameters)
            except ClientError as error:
                if error_code(error) == "ConditionalCheckFailedException":
                    old: RawItem | None = error.response.get("Item")  # type: ignore[assignment]  # stubs don't know it
                    raise ConditionFailed(old) from None
                if error_code(error) != "TransactionConflictException":
                    raise
            else:
                return
        back_off(attempt)
    raise Unavailable("the database is busy with the same row, try again")


def transact(operations: Sequence[Operation], token: str | None = None) -> None:
    """Do all writes or none; a conflict with another transaction is tried again with jitter.

    Raises:
        TransactionFailed: a condition did not hold.
        Unavailable: still conflicting or throttled after several rounds.
    """
    items = [{kind: parameters} for kind, parameters in map(_rendered, operations)]
    request: dict[str, Any] = {"TransactItems": items}
    if token is not None:
        request["ClientRequestToken"] = token
    for attempt in range(_ATTEMPTS):
        with faults(_WHAT):
            try:
                client("dynamodb").transact_write_items(**request)
            except ClientError as error:
                if error_code(error) != "TransactionCanceledException":
                    raise
                _raise_unless_passing(error)
            else:
                return
        back_off(attempt)
    raise Unavailable("the database is busy with the same rows, try again")


def _raise_unless_passing(error: ClientError) -> None:
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
    failed = tuple(n for n, reason in enumerate(reasons) if reason.get("Code") == "ConditionalCheckFailed")
    if failed:
        raise TransactionFailed(failed, {n: reasons[n].get("Item") for n in failed}) from None
    passing = {"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
    if any(reason.get("Code") not in passing for reason in reasons):
        raise error


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
    """Read one page of a partition, or the part that `sort` names; on the table consistently."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    hash_attribute = _partition(model._indexes[index] if index else model)
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
    parameters |= _placeholders(names, values)
    with faults(_WHAT):
        answer = client("dynamodb").query(**parameters)
    items = tuple(model.from_raw_data(raw) for raw in answer["Items"])
    return Page(items, answer.get("LastEvaluatedKey"))


def query_all[M: Model](
    model: type[M], partition: str, sort: Condition | None = None, *, index: str | None = None
) -> list[M]:
    """Read a whole partition, or the part that `sort` names, page by page; on the table consistently."""
    return list(query_each(model, partition, sort, index=index))


def query_each[M: Model](
    model: type[M], partition: str, sort: Condition | None = None, *, index: str | None = None
) -> Iterator[M]:
    """The same, a page at a time as the caller goes on."""
    start: RawItem | None = None
    while True:
        page = query(model, partition, index=index, sort=sort, start=start)
        yield from page.items
        if page.next_key is None:
            return
        start = page.next_key


def fact_actions(model: type[Model], facts: Facts, *, rebuilt: bool = False) -> list[Action]:
    """Facts as update actions; the version moves with every write.

    On the fast path facts set once yield to those in the row and transitions are appended; a rebuild knows them all
    and replaces both, while what the log no longer holds stays as stored.
    """
    attributes: dict[str, Any] = dict(model.get_attributes())
    actions: list[Action] = [attributes["version"].set((attributes["version"] | 0) + 1)]
    for name, value in facts.once.items():
        if name not in facts.latest:
            actions.append(attributes[name].set(value if rebuilt else attributes[name] | value))
    for name, value in facts.latest.items():
        actions.append(attributes[name].remove() if value is None else attributes[name].set(value))
    if facts.sequence:
        actions.append(attributes["sequence"].set(facts.sequence))
    if facts.transitions and rebuilt:
        actions.append(attributes["transitions"].set(list(facts.transitions)))
    elif facts.transitions:
        appended = (attributes["transitions"] | []).append(list(facts.transitions))
        actions.append(attributes["transitions"].set(appended))
    return actions


def key_of(item: Model) -> Key:
    """The address of an item."""
    model = type(item)
    attributes = item.attribute_values
    sort = _sort_name(model)
    python = {attribute.attr_name: name for name, attribute in model.get_attributes().items()}
    return Key(model, attributes[python[_partition_name(model)]], attributes[python[sort]] if sort else None)


def back_off(attempt: int) -> None:
    """Sleep a random while, up to 50 ms doubled with each attempt, at most 1 s."""
    time.sleep(random.uniform(0, min(1.0, 0.05 * 2**attempt)))  # noqa: S311  # jitter, not a secret


def _rendered(operation: Operation) -> tuple[Literal["Put", "Update", "Delete"], dict[str, Any]]:
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    kind: Literal["Put", "Update", "Delete"]
    parameters: dict[str, Any]
    match operation:
        case Put(item):
            kind, parameters = "Put", {"TableName": table_name(type(item)), "Item": item.serialize()}
        case Change(key, actions):
            expression = Update(*actions).serialize(names, values)
            kind = "Update"
            parameters = {"TableName": key.table, "Key": key.raw(), "UpdateExpression": expression}
        case Remove(key):
            kind, parameters = "Delete", {"TableName": key.table, "Key": key.raw()}
    if operation.condition is not None:
        parameters["ConditionExpression"] = operation.condition.serialize(names, values)
        parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return kind, parameters | _placeholders(names, values)


def _placeholders(names: dict[str, str], values: dict[str, Any]) -> dict[str, Any]:
    placeholders: dict[str, Any] = {}
    if names:
        placeholders["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in names.items()}
    if values:
        placeholders["ExpressionAttributeValues"] = values
    return placeholders


def _partition(source: type[Model] | Index[Any]) -> Attribute[str]:
    attribute: Attribute[str] = source._hash_key_attribute()  # type: ignore[no-untyped-call]
    return attribute


def _partition_name(model: type[Model]) -> str:
    return _partition(model).attr_name


def _sort_name(model: type[Model]) -> str:
    attribute: Attribute[str] | None = model._range_key_attribute()  # type: ignore[no-untyped-call]
    return attribute.attr_name if attribute is not None else ""
