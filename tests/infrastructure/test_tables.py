"""The template's tables are those that the models describe: keys, indexes, projections, time to live."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import pytest
from pynamodb.attributes import Attribute
from pynamodb.indexes import Index
from pynamodb.models import Model

from tests.infrastructure.template import ROOT, STACK, load

EXPIRING = {"execution_events"}
STREAMS = {
    "attributes": "KEYS_ONLY",
    "executions": "NEW_AND_OLD_IMAGES",
    "execution_events": "NEW_IMAGE",
    "leases": "OLD_IMAGE",
    "projects": "KEYS_ONLY",
}
PACKAGE = ROOT / "layers" / "common" / "flyteadmin"


def models() -> Iterator[type[Model]]:
    for path in sorted([*PACKAGE.glob("*/models.py"), *PACKAGE.glob("*/leases.py")]):
        module = import_module(".".join(("flyteadmin", path.parent.name, path.stem)))
        yield from (
            each
            for each in vars(module).values()
            if isinstance(each, type) and issubclass(each, Model) and each.__module__ == module.__name__
        )


TABLES = {
    properties["TableName"].removeprefix(f"{STACK}-"): properties
    for _, properties in load({"Stage": "production"}).resources("AWS::DynamoDB::Table")
}
MODELS = list(models())
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
each_table = pytest.mark.parametrize("table", sorted(TABLES))


def keys_of(source: type[Model] | type[Index[Any]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the key of a model or an index: {attribute: type} of the partition key, and of the sort key."""
    attributes = [each for each in vars(source).values() if isinstance(each, Attribute)]
    return (
        {each.attr_name: each.attr_type for each in attributes if each.is_hash_key},
        {each.attr_name: each.attr_type for each in attributes if each.is_range_key},
    )


def keys_in(table: Mapping[str, Any], schema: list[dict[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the same of a key schema in the template."""
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    by_kind: dict[str, dict[str, str]] = {"HASH": {}, "RANGE": {}}
    for key in schema:
        by_kind[key["KeyType"]][key["AttributeName"]] = types[key["AttributeName"]]
    return by_kind["HASH"], by_kind["RANGE"]


def indexes_of(model: type[Model]) -> dict[str, object]:
    return {
        name: (
            keys_of(type(index)),
            index.Meta.projection.projection_type,
            sorted(index.Meta.projection.non_key_attributes or ()),
        )
        for name, index in model._indexes.items()
    }


def indexes_in(table: Mapping[str, Any]) -> dict[str, object]:
    return {
        index["IndexName"]: (
            keys_in(table, index["KeySchema"]),
            index["Projection"]["ProjectionType"],
            sorted(index["Projection"].get("NonKeyAttributes", ())),
        )
        for index in table.get("GlobalSecondaryIndexes", ())
    }


def test_each_model_has_a_table_and_each_table_a_model() -> None:
    assert {model.Meta.table_name for model in MODELS} == set(TABLES)


@each_model
def test_a_tables_keys_are_its_models(model: type[Model]) -> None:
    table = TABLES[model.Meta.table_name]
    assert keys_in(table, table["KeySchema"]) == keys_of(model)


@each_model
def test_an_index_of_a_model_is_in_the_template(model: type[Model]) -> None:
    in_template = indexes_in(TABLES[model.Meta.table_name])
    assert {name: in_template.get(name) for name in model._indexes} == indexes_of(model)


@each_table
def test_an_index_of_the_template_is_in_a_model(table: str) -> None:
    in_models = {name for model in MODELS if model.Meta.table_name == table for name in model._indexes}
    assert set(indexes_in(TABLES[table])) == in_models


@each_model
def test_a_projected_attribute_is_one_of_the_models(model: type[Model]) -> None:
    stored = {attribute.attr_name for attribute in model.get_attributes().values()}
    for index in model._indexes.values():
        assert set(index.Meta.projection.non_key_attributes or ()) <= stored


@each_table
def test_attribute_definitions_are_exactly_the_keys(table: str) -> None:
    properties = TABLES[table]
    schemas = [properties["KeySchema"], *(i["KeySchema"] for i in properties.get("GlobalSecondaryIndexes", ()))]
    defined = [each["AttributeName"] for each in properties["AttributeDefinitions"]]
    assert sorted(defined) == sorted({key["AttributeName"] for schema in schemas for key in schema})


@each_table
def test_state_is_kept_safe(table: str) -> None:
    properties = TABLES[table]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["DeletionProtectionEnabled"] is True


def test_the_local_stage_can_be_deleted_with_its_state() -> None:
    for _, table in load({"Stage": "local"}).resources("AWS::DynamoDB::Table"):
        assert table["DeletionProtectionEnabled"] is False


@each_table
def test_what_expires_and_what_streams(table: str) -> None:
    properties = TABLES[table]
    time_to_live = {"AttributeName": "ttl", "Enabled": True} if table in EXPIRING else None
    stream = {"StreamViewType": STREAMS[table]} if table in STREAMS else None
    assert properties.get("TimeToLiveSpecification") == time_to_live
    assert properties.get("StreamSpecification") == stream
