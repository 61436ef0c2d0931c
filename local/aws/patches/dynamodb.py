"""DynamoDB tables: what a read shows and costs, what an update may say, and when transactions collide."""

import json
import math
import os
import threading
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from ministack.services import dynamodb

from local.aws.patches.wrapping import around, around_resource

_READ_UNIT_BYTES = 4096
_page = threading.local()


def time_to_live() -> None:
    """CloudFormation's `TimeToLiveSpecification` is ignored. AWS turns it on."""

    def create(original: Any, logical_id: str, properties: Any, stack: str) -> Any:
        name, attributes = original(logical_id, properties, stack)
        _set_time_to_live(name, properties.get("TimeToLiveSpecification"))
        return name, attributes

    def update(original: Any, physical_id: str, old: Any, new: Any, *rest: Any, **named: Any) -> Any:
        name, attributes = original(physical_id, old, new, *rest, **named)
        _set_time_to_live(name, new.get("TimeToLiveSpecification"))
        return name, attributes

    around_resource("AWS::DynamoDB::Table", "create", create)
    around_resource("AWS::DynamoDB::Table", "update", update)


def _set_time_to_live(table: str, specification: Mapping[str, Any] | None) -> None:
    if specification and str(specification.get("Enabled")).lower() == "true":
        setting = {"TimeToLiveStatus": "ENABLED", "AttributeName": specification["AttributeName"]}
        dynamodb._ttl_settings[table] = setting
    else:
        dynamodb._ttl_settings.pop(table, None)


def index_projection() -> None:
    """A filter over an index sees attributes that the index doesn't project. On AWS it sees the projection only."""

    def paginate(original: Any, items: Any, limit: Any, table: Any, index: str | None = None) -> Any:
        page, more = original(items, limit, table, index)
        return [dynamodb._apply_index_projection(item, table, index) for item in page] if index else page, more

    around(dynamodb, "_paginate_evaluated_items", paginate)


def read_units() -> None:
    """A query or scan costs one read, however much it reads. AWS counts 4 KB blocks of what it examined."""

    def paginate(original: Any, items: Any, limit: Any, table: Any, index: str | None = None) -> Any:
        page, more = original(items, limit, table, index)
        seen = (dynamodb._apply_index_projection(item, table, index) for item in page)
        _page.examined_bytes = sum(map(dynamodb._item_size_bytes, seen))
        return page, more

    def add(original: Any, result: Any, data: Any, *rest: Any, **named: Any) -> None:
        original(result, data, *rest, **named)
        examined, _page.examined_bytes = getattr(_page, "examined_bytes", 0), 0
        if "ConsumedCapacity" in result:
            blocks = max(1, math.ceil(examined / _READ_UNIT_BYTES))
            result["ConsumedCapacity"] = _multiplied(result["ConsumedCapacity"], blocks)

    around(dynamodb, "_paginate_evaluated_items", paginate)
    around(dynamodb, "_add_consumed_capacity", add)


def _multiplied(capacity: Any, by: int) -> Any:
    if isinstance(capacity, dict):
        return {name: _multiplied(value, by) for name, value in capacity.items()}
    return capacity if isinstance(capacity, str) else capacity * by


def batch_read_units() -> None:
    """`BatchGetItem` tells no consumed capacity. AWS counts 4 KB blocks of each item, one for a missing item."""

    def get(original: Any, data: Any) -> Any:
        status, headers, body = original(data)
        if status != HTTPStatus.OK or data.get("ReturnConsumedCapacity", "NONE") == "NONE":
            return status, headers, body
        consumed = [_batch_units(name, wanted) for name, wanted in data["RequestItems"].items()]
        return status, headers, json.dumps({**json.loads(body), "ConsumedCapacity": consumed}).encode()

    around(dynamodb, "_batch_get_item", get)


def _batch_units(name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    table = dynamodb._tables[dynamodb._normalize_table_name(name)]
    keys = (dynamodb._resolve_table_key_values(table, key, allow_extra=False) for key in wanted["Keys"])
    items = (table["items"].get(partition, {}).get(sort) or {} for partition, sort, _error in keys)
    blocks = sum(max(1, math.ceil(dynamodb._item_size_bytes(item) / _READ_UNIT_BYTES)) for item in items)
    return {"TableName": name, "CapacityUnits": blocks * (1.0 if wanted.get("ConsistentRead") else 0.5)}


def overlapping_paths() -> None:
    """An update may name one path twice, or a path and its parent. AWS refuses with a ValidationException."""

    def apply(original: Any, *arguments: Any) -> Any:
        item, expression, values, names, *callers_paths = arguments
        paths = _DistinctPaths()
        try:
            changed, _ = original(item, expression, values, names, paths)
        finally:
            for kept in callers_paths:
                kept.update(paths)
        return changed, paths

    around(dynamodb, "_apply_update_expression", apply)


class _DistinctPaths(set[tuple[str | int, ...]]):
    def add(self, path: tuple[str | int, ...]) -> None:
        for other in self:
            shared = min(len(path), len(other))
            if path[:shared] == other[:shared]:
                raise ValueError(
                    "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one "
                    f"of these paths; path one: {_rendered(other)}, path two: {_rendered(path)}"
                )
        super().add(path)


def _rendered(path: Iterable[str | int]) -> str:
    return f"[{', '.join(f'[{part}]' if isinstance(part, int) else part for part in path)}]"


def transaction_conflicts() -> None:
    """Transactions never collide. On AWS a second one on the same item is cancelled with `TransactionConflict`.

    Off unless `TRANSACTION_CONFLICT_MS` says for how long a transaction holds its items: most tests want none.
    """
    window = float(os.environ.get("TRANSACTION_CONFLICT_MS", "0")) / 1000
    if not window:
        return
    held_until: dict[str, float] = {}

    def write(original: Any, data: Any) -> Any:
        keys = [_item_name(entry) for action in data.get("TransactItems", []) for entry in action.values()]
        now = time.monotonic()
        codes = ["TransactionConflict" if held_until.get(key, 0) > now else "None" for key in keys]
        if "TransactionConflict" in codes:
            return _cancelled(codes)
        answer = original(data)
        held_until.update(dict.fromkeys(keys, time.monotonic() + window))
        return answer

    around(dynamodb, "_transact_write_items", write)


def _item_name(entry: Mapping[str, Any]) -> str:
    table = dynamodb._tables.get(entry.get("TableName"), {})
    attributes = entry.get("Key") or entry.get("Item") or {}
    return json.dumps([table.get("TableArn"), *(attributes.get(table.get(name)) for name in ("pk_name", "sk_name"))])


def _cancelled(codes: list[str]) -> tuple[int, dict[str, str], bytes]:
    name = "TransactionCanceledException"
    reasons = [
        {"Code": c, "Message": "Transaction is ongoing for the item"} if c != "None" else {"Code": c} for c in codes
    ]
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{', '.join(codes)}]"
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "Message": message, "CancellationReasons": reasons}
    return 400, {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": name}, json.dumps(body).encode()
