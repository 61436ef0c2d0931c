"""Render tables and their indexes from PynamoDB's models.

A model's Meta says what its attributes can't: `stream_view_type` of the table's stream, and `time_to_live`, the
attribute by which items expire.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

from pynamodb.attributes import Attribute
from pynamodb.indexes import Index
from pynamodb.models import Model

from deploy.template.cloudformation import InvalidSource, Resource, Value, pascal_case, sub

PACKAGE = "layers/common/flyteadmin"
DECLARING = ("models.py", "leases.py")
"""The modules that declare models."""

_KEPT: Mapping[str, Value] = {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Retain"}
_SAFE: Mapping[str, Value] = {
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    "SSESpecification": {"SSEEnabled": True},
    "DeletionProtectionEnabled": {"Fn::If": ["IsProduction", True, False]},
}


@dataclass(frozen=True)
class Table:
    """A table and the models of its rows, which have the same key; `file` declares them."""

    name: str
    file: str
    models: Sequence[type[Model]]

    @property
    def indexes(self) -> Mapping[str, Index[Any]]:
        """The indexes of all its models by name, in the order of their declaration."""
        found = (it for model in self.models for it in vars(model).values() if isinstance(it, Index))
        return {str(index.Meta.index_name): index for index in found}

    def meta(self, field: str) -> str | None:
        """Return a field of Meta that one of the models sets."""
        return next((str(value) for model in self.models if (value := getattr(model.Meta, field, None))), None)


def logical_id(name: str) -> str:
    """Return the id of a table: "NodeExecutionsTable" of "node_executions"."""
    return f"{pascal_case(name)}Table"


def tables(root: Path) -> Sequence[Table]:
    """Find the tables of all models, sorted by name.

    Raises:
        InvalidSource: two models of a table differ in its key, or are declared in two files.
    """
    paths = sorted(path for path in (root / PACKAGE).glob("*/*.py") if path.name in DECLARING)
    found = [(model.Meta.table_name, str(path.relative_to(root)), model) for path in paths for model in _models(path)]
    found.sort(key=lambda each: each[:2])
    return [_table(name, list(group)) for name, group in groupby(found, key=lambda each: each[0])]


def table_resource(table: Table) -> Resource:
    """Render a table."""
    keys = [_keys(table.models[0]), *(_keys(type(index)) for index in table.indexes.values())]
    types = {it.attr_name: it.attr_type for schema in keys for it in schema}
    properties: dict[str, Value] = {
        "TableName": sub(f"${{AWS::StackName}}-{table.name}"),
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()],
        "KeySchema": _key_schema(table.models[0]),
    }
    if table.indexes:
        properties["GlobalSecondaryIndexes"] = [_index(name, index) for name, index in table.indexes.items()]
    if stream := table.meta("stream_view_type"):
        properties["StreamSpecification"] = {"StreamViewType": stream}
    if expires := table.meta("time_to_live"):
        properties["TimeToLiveSpecification"] = {"AttributeName": expires, "Enabled": True}
    return Resource(logical_id(table.name), "AWS::DynamoDB::Table", {**properties, **_SAFE}, _KEPT, table.file)


def _models(path: Path) -> Iterator[type[Model]]:
    module = import_module(f"flyteadmin.{path.parent.name}.{path.stem}")
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Model) and value.__module__ == module.__name__:
            yield value


def _table(name: str, found: Sequence[tuple[str, str, type[Model]]]) -> Table:
    models = [model for *_, model in found]
    files = {file for _, file, _ in found}
    if len({str(_key_schema(model)) for model in models}) > 1 or len(files) > 1:
        raise InvalidSource(
            f"table {name}: the models in {', '.join(sorted(files))} differ in its key, or in their file"
        )
    table = Table(name, files.pop(), models)
    if (expires := table.meta("time_to_live")) and not any(hasattr(model, expires) for model in models):
        raise InvalidSource(f"{table.file}: no row of {name} has the attribute {expires}, by which it is to expire")
    return table


def _keys(source: type[Model] | type[Index[Any]]) -> list[Attribute[Any]]:
    """Return the attributes of the key: the partition key, then the sort key if there is one."""
    attributes = [each for each in vars(source).values() if isinstance(each, Attribute)]
    keys = [each for each in attributes if each.is_hash_key or each.is_range_key]
    return sorted(keys, key=lambda each: each.is_range_key)


def _key_schema(source: type[Model] | type[Index[Any]]) -> list[Value]:
    return [
        {"AttributeName": each.attr_name, "KeyType": "HASH" if each.is_hash_key else "RANGE"} for each in _keys(source)
    ]


def _index(name: str, index: Index[Any]) -> Value:
    projection = index.Meta.projection
    projected: dict[str, Value] = {"ProjectionType": str(projection.projection_type)}
    if projection.non_key_attributes:
        projected["NonKeyAttributes"] = list(projection.non_key_attributes)
    return {"IndexName": name, "KeySchema": _key_schema(type(index)), "Projection": projected}
