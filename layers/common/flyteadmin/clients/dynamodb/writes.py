"""Conditional writes of one item, transactions, and batches of unconditional puts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any, Literal

from botocore.exceptions import ClientError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.expressions.update import Update as UpdateExpression
from pynamodb.models import Model

from flyteadmin.clients.aws import client, error_code
from flyteadmin.clients.deadline import OutOfTime
from flyteadmin.clients.dynamodb.calls import ATTEMPTS, back_off, with_retries
from flyteadmin.clients.dynamodb.keys import AnyKey, RawItem, key_of, placeholders, table_name
from flyteadmin.errors import Unavailable
from flyteadmin.facts import Facts

_BATCH_WRITE = 25


class ConditionFailed(Exception):
    """The condition of a write failed; `old` is the stored item, None if there is none."""

    def __init__(self, old: RawItem | None) -> None:
        """Keep the old item."""
        super().__init__("condition failed")
        self.old = old


class TransactionFailed(Exception):
    """At least one condition of a transaction failed.

    `failed` are the positions of those operations; `old` are the stored items, None where there is none.
    """

    def __init__(self, failed: tuple[int, ...], old: dict[int, RawItem | None]) -> None:
        """Keep the positions and the items."""
        super().__init__(f"conditions failed: {failed}")
        self.failed = failed
        self.old = old


@dataclass(frozen=True)
class Put:
    """Store a whole item, on a condition if one is given."""

    item: Model
    condition: Condition | None = None


@dataclass(frozen=True)
class Update:
    """Update an item by actions, on a condition if one is given."""

    key: AnyKey
    actions: Sequence[Action]
    condition: Condition | None = None


@dataclass(frozen=True)
class Delete:
    """Delete an item, on a condition if one is given."""

    key: AnyKey
    condition: Condition | None = None


type Operation = Put | Update | Delete


def batch_put(items: Sequence[Model]) -> frozenset[AnyKey]:
    """Store items without a condition, 25 in a request; of items with the same key the last one wins.

    Returns the keys that are not stored, because DynamoDB still throttled their partitions after several rounds.

    Raises:
        Unavailable: DynamoDB accepted nothing of a request; items of other requests may be stored.
    """
    distinct = {key_of(item): item for item in items}
    left: set[AnyKey] = set()
    for keys in batched(distinct, _BATCH_WRITE):
        request: dict[str, Any] = {}
        for key in keys:
            request.setdefault(key.table, []).append({"PutRequest": {"Item": distinct[key].serialize()}})
        unwritten = _write_batch(request)
        left.update(key for key in keys if any(_is_at(key, put) for put in unwritten.get(key.table, ())))
    return frozenset(left)


def _write_batch(request: dict[str, Any]) -> dict[str, Any]:
    """Write a batch and return the requests that are left."""
    for attempt in range(ATTEMPTS):
        try:
            answer = with_retries(client("dynamodb").batch_write_item, RequestItems=request)
        except Unavailable as error:
            if attempt == 0 or isinstance(error, OutOfTime):
                raise
            return request  # a batch of throttled partitions only is refused as a whole
        request = dict(answer.get("UnprocessedItems", {}))
        if not request:
            return {}
        back_off(attempt)
    return request


def _is_at(key: AnyKey, put: dict[str, Any]) -> bool:
    item: dict[str, Any] = put["PutRequest"]["Item"]
    return all(item[name] == value for name, value in key.raw().items())


def write(operation: Operation) -> None:
    """Do one conditional write; retry it, with jitter, while a transaction holds the item.

    Raises:
        ConditionFailed: with the stored item.
        Unavailable: a transaction still held the item after several rounds.
    """
    kind, parameters = _rendered(operation)
    dynamodb = client("dynamodb")
    calls: dict[str, Callable[..., object]] = {
        "Put": dynamodb.put_item,
        "Update": dynamodb.update_item,
        "Delete": dynamodb.delete_item,
    }
    for attempt in range(ATTEMPTS):
        if with_retries(_try_write, calls[kind], parameters):
            return
        back_off(attempt)
    raise Unavailable("the database is busy with the same row, try again")


def _try_write(call: Callable[..., object], parameters: dict[str, Any]) -> bool:
    """Do a write and return whether it succeeded; False if a transaction holds the item."""
    try:
        call(**parameters)
    except ClientError as error:
        if error_code(error) == "ConditionalCheckFailedException":
            old: RawItem | None = error.response.get("Item")  # type: ignore[assignment]  # stubs don't know it
            raise ConditionFailed(old) from None
        if error_code(error) != "TransactionConflictException":
            raise
        return False
    return True


def transact(operations: Sequence[Operation], token: str | None = None) -> None:
    """Do all writes or none; retry, with jitter, while another transaction holds an item.

    Raises:
        TransactionFailed: a condition failed.
        Unavailable: another transaction or throttling stopped it after several rounds.
    """
    items = [{kind: parameters} for kind, parameters in map(_rendered, operations)]
    request: dict[str, Any] = {"TransactItems": items}
    if token is not None:
        request["ClientRequestToken"] = token
    for attempt in range(ATTEMPTS):
        if with_retries(_try_transact, request):
            return
        back_off(attempt)
    raise Unavailable("the database is busy with the same rows, try again")


def _try_transact(request: dict[str, Any]) -> bool:
    """Do a transaction and return whether it succeeded; False on a conflict or throttling."""
    try:
        client("dynamodb").transact_write_items(**request)
    except ClientError as error:
        if error_code(error) != "TransactionCanceledException":
            raise
        _raise_unless_passing(error)
        return False
    return True


def _raise_unless_passing(error: ClientError) -> None:
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
    failed = tuple(n for n, reason in enumerate(reasons) if reason.get("Code") == "ConditionalCheckFailed")
    if failed:
        raise TransactionFailed(failed, {n: reasons[n].get("Item") for n in failed}) from None
    passing = {"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
    if any(reason.get("Code") not in passing for reason in reasons):
        raise error


def fact_actions(model: type[Model], facts: Facts, *, rebuilt: bool = False) -> list[Action]:
    """Return the update actions that apply facts to a row; each write increments the row's version.

    On the fast path a fact that is set once keeps the stored value, and transitions are appended. A rebuild knows all
    events, so it replaces both; an attribute that the log does not mention stays as stored.
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


def _rendered(operation: Operation) -> tuple[Literal["Put", "Update", "Delete"], dict[str, Any]]:
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    kind: Literal["Put", "Update", "Delete"]
    parameters: dict[str, Any]
    match operation:
        case Put(item):
            kind, parameters = "Put", {"TableName": table_name(type(item)), "Item": item.serialize()}
        case Update(key, actions):
            expression = UpdateExpression(*actions).serialize(names, values)
            kind = "Update"
            parameters = {"TableName": key.table, "Key": key.raw(), "UpdateExpression": expression}
        case Delete(key):
            kind, parameters = "Delete", {"TableName": key.table, "Key": key.raw()}
    if operation.condition is not None:
        parameters["ConditionExpression"] = operation.condition.serialize(names, values)
        parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return kind, parameters | placeholders(names, values)
