"""Addresses of items: table names by model, keys by item."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pynamodb.attributes import Attribute
from pynamodb.indexes import Index
from pynamodb.models import Model

from flyteadmin.settings import environment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    type RawItem = dict[str, AttributeValueTypeDef]
else:
    type RawItem = dict[str, dict[str, object]]


@dataclass(frozen=True)
class Key[M: Model]:
    """The address of an item, and the model that reads it; `sort` is None where the table has no sort key."""

    model: type[M]
    partition: str
    sort: str | None = None

    @property
    def table(self) -> str:
        """Return the table's name in this deployment."""
        return table_name(self.model)

    def raw(self) -> RawItem:
        """Return the key in DynamoDB's own form."""
        raw: RawItem = {partition_name(self.model): {"S": self.partition}}
        if self.sort is not None:
            raw[sort_name(self.model)] = {"S": self.sort}
        return raw


type AnyKey = Key[Model]
"""The address of an item of any table."""


def table_name(model: type[Model]) -> str:
    """Return the name of a model's table in this deployment: the stack's prefix and the model's name."""
    return f"{environment().table_prefix}{model.Meta.table_name}"


def key_of[M: Model](item: M) -> Key[M]:
    """Return the address of an item."""
    model = type(item)
    attributes = item.attribute_values
    sort = sort_name(model)
    python = {attribute.attr_name: name for name, attribute in model.get_attributes().items()}
    return Key(model, attributes[python[partition_name(model)]], attributes[python[sort]] if sort else None)


def partition_of(source: type[Model] | Index[Any]) -> Attribute[str]:
    """Return the partition key's attribute of a table or an index."""
    attribute: Attribute[str] = source._hash_key_attribute()  # type: ignore[no-untyped-call]
    return attribute


def partition_name(model: type[Model]) -> str:
    """Return the name of a table's partition key."""
    return partition_of(model).attr_name


def sort_name(model: type[Model]) -> str:
    """Return the name of a table's sort key, "" where it has none."""
    attribute: Attribute[str] | None = model._range_key_attribute()  # type: ignore[no-untyped-call]
    return attribute.attr_name if attribute is not None else ""


def placeholders(names: dict[str, str], values: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters for the placeholders in a request's expressions; DynamoDB refuses empty ones."""
    parameters: dict[str, Any] = {}
    if names:
        parameters["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in names.items()}
    if values:
        parameters["ExpressionAttributeValues"] = values
    return parameters
