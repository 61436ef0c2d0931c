"""Attribute paths of a promise, such as `o0.items[2]["name"]` (propeller's nodes/attr_path_resolver.go)."""

from collections.abc import Sequence

import msgpack  # type: ignore[import-untyped]  # ships no types
from flyteidl.core.literals_pb2 import Binary, Literal, LiteralCollection, Primitive, Scalar
from flyteidl.core.types_pb2 import PromiseAttribute
from google.protobuf import json_format, struct_pb2
from pydantic import JsonValue

from local.engine.faults import BindingFault

MESSAGEPACK = "msgpack"


def resolve_path(literal: Literal, path: Sequence[PromiseAttribute]) -> Literal:
    """Return the value at a path: through maps and collections first, then inside a dataclass.

    Raises:
        BindingFault: a key or an index is not there, or the dataclass is in a format that can't be read.
    """
    rest = list(path)
    while rest and literal.WhichOneof("value") in {"map", "collection"}:
        literal = _inside(literal, rest.pop(0))
    if not rest:
        return literal
    match literal.scalar.WhichOneof("value"):
        case "generic":
            return _generic(_at(json_format.MessageToDict(literal.scalar.generic), rest))
        case "binary" if literal.scalar.binary.tag == MESSAGEPACK:
            return _binary(_at(msgpack.unpackb(literal.scalar.binary.value, strict_map_key=False), rest))
        case "binary":
            raise BindingFault(f"Unsupported format '{literal.scalar.binary.tag}' found for literal value.")
        case _:
            return literal


def _inside(literal: Literal, attribute: PromiseAttribute) -> Literal:
    if literal.WhichOneof("value") == "map":
        if attribute.string_value not in literal.map.literals:
            raise BindingFault(f"key [{attribute.string_value}] does not exist in literal")
        return literal.map.literals[attribute.string_value]
    literals = literal.collection.literals
    if not 0 <= attribute.int_value < len(literals):
        raise BindingFault(f"index [{attribute.int_value}] is out of range of {len(literals)} literals")
    return literals[attribute.int_value]


def _at(value: JsonValue, path: Sequence[PromiseAttribute]) -> JsonValue:
    for attribute in path:
        match value, attribute.WhichOneof("value"):
            case dict(), "string_value" if attribute.string_value in value:
                value = value[attribute.string_value]
            case list(), "int_value" if 0 <= attribute.int_value < len(value):
                value = value[attribute.int_value]
            case _:
                raise BindingFault(f"[{attribute.string_value or attribute.int_value}] does not exist in literal")
    return value


def _generic(value: JsonValue) -> Literal:
    if isinstance(value, dict):
        return Literal(scalar=Scalar(generic=json_format.ParseDict(value, struct_pb2.Struct())))
    if isinstance(value, list):
        return Literal(collection=LiteralCollection(literals=[_generic(item) for item in value]))
    return Literal(scalar=Scalar(primitive=_primitive(value)))


def _binary(value: JsonValue) -> Literal:
    if isinstance(value, list):
        return Literal(collection=LiteralCollection(literals=[_packed(item) for item in value]))
    if isinstance(value, dict) or value is None:
        return _packed(value)
    return Literal(scalar=Scalar(primitive=_primitive(value)))


def _packed(value: JsonValue) -> Literal:
    return Literal(scalar=Scalar(binary=Binary(value=msgpack.packb(value), tag=MESSAGEPACK)))


def _primitive(value: JsonValue) -> Primitive:
    match value:
        case bool():
            return Primitive(boolean=value)
        case int():
            return Primitive(integer=value)
        case float():
            return Primitive(float_value=value)
        case str():
            return Primitive(string_value=value)
        case _:
            raise BindingFault("Failed to resolve interface to literal scalar")
