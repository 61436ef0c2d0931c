"""Dataclasses are compared by their JSON schemas as upstream's library does; the verdicts are that library's own."""

import pytest
from flyteidl.core.types_pb2 import STRUCT, LiteralType
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from pydantic import JsonValue

from flyteadmin.compiler.validators.typing import are_types_castable

Schema = dict[str, JsonValue]
DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def an_object(**properties: JsonValue) -> Schema:
    return {"type": "object", "properties": properties}


def a(kind: str, **limits: JsonValue) -> Schema:
    return {"type": kind, **limits}


def casts(source: Schema, target: Schema) -> bool:
    return are_types_castable(a_dataclass(source), a_dataclass(target))


def a_dataclass(schema: Schema) -> LiteralType:
    return LiteralType(simple=STRUCT, metadata=ParseDict(schema, Struct()))


TREE: Schema = {
    "$ref": "#/definitions/Tree",
    "definitions": {"Tree": an_object(child={"$ref": "#/definitions/Tree"}, value=a("integer"))},
}


@pytest.mark.parametrize(
    ("source", "target", "castable"),
    [
        ({}, {}, True),
        ({}, a("object"), False),
        (a("object"), {}, False),
        (an_object(a=a("string"), b=a("number")), an_object(a=a("string")), True),
        (an_object(a=a("string")), an_object(a=a("string"), b=a("number")), False),
        (an_object(a=a("string")), an_object(a=a("integer")), False),
        ({**an_object(a=a("string")), "required": ["a"]}, an_object(a=a("string")), True),
        (an_object(a=a("string")), {**an_object(a=a("string")), "required": ["a"]}, False),
        (an_object(), {**an_object(), "additionalProperties": False}, True),
        (an_object(a={"type": ["string", "null"]}), an_object(a={"type": ["null", "string"]}), True),
        (an_object(a={"type": ["string", "null"]}), an_object(a=a("string")), False),
        (an_object(a=a("string", enum=["x"])), an_object(a=a("string", enum=["x", "y"])), True),
        (an_object(a=a("string", enum=["x", "y"])), an_object(a=a("string", enum=["x"])), False),
        (an_object(a=a("string", format="date")), an_object(a=a("string")), False),
        (an_object(a=a("string", pattern="a+")), an_object(a=a("string", pattern="b+")), False),
        (an_object(a=a("string", minLength=1)), an_object(a=a("string", minLength=2)), False),
        (an_object(a=a("string", maxLength=3)), an_object(a=a("string", maxLength=5)), True),
        (an_object(a=a("string")), an_object(a=a("string", maxLength=5)), False),
        (an_object(a=a("number", minimum=1)), an_object(a=a("number", minimum=0)), True),
        (an_object(a=a("number")), an_object(a=a("number", maximum=3)), False),
        (an_object(a=a("number", maximum=4)), an_object(a=a("number", maximum=3)), False),
        (an_object(a=a("number", exclusiveMinimum=4)), an_object(a=a("number")), True),
        (an_object(a=a("number", multipleOf=4)), an_object(a=a("number", multipleOf=2)), True),
        (an_object(a=a("number", multipleOf=3)), an_object(a=a("number", multipleOf=2)), False),
        (an_object(a=a("number", multipleOf=1.5)), an_object(a=a("number", multipleOf=1.5)), True),
        (an_object(a=a("array", items=a("string"))), an_object(a=a("array", items=a("string"))), True),
        (an_object(a=a("array", items=a("string"))), an_object(a=a("array", items=a("number"))), False),
        (an_object(a=a("array")), an_object(a=a("array", items=a("number"))), False),
        (an_object(a=a("array", items=a("string"))), an_object(a=a("array")), True),
        (an_object(a=a("array", items=[a("string")])), an_object(a=a("array", items=[a("string")])), True),
        (an_object(a=a("array", items=[a("string")])), an_object(a=a("array", items=[a("string")] * 2)), False),
        (an_object(a=a("array", items=[a("string")])), an_object(a=a("array", items=a("string"))), False),
        (an_object(a=a("array")), an_object(a=a("array", uniqueItems=True)), False),
        (an_object(a=a("array", minItems=1)), an_object(a=a("array", minItems=2)), False),
        (an_object(a={"anyOf": [a("string"), a("null")]}), an_object(a={"anyOf": [a("null"), a("string")]}), True),
        (an_object(a={"anyOf": [a("string")]}), an_object(a=a("string")), False),
        (an_object(a={"anyOf": [a("string"), a("number")]}), an_object(a={"anyOf": [a("string")]}), False),
        (an_object(a={"const": 1}), an_object(a={"const": 1}), True),
        (an_object(a={"const": 1}), an_object(a={"const": 2}), False),
        (an_object(), an_object(a=True), False),
        (an_object(a=True), an_object(a=True), True),
        ({"if": a("object"), "then": a("object")}, {}, False),
        ({"if": a("object"), "then": a("object")}, {"if": a("object"), "then": a("object")}, True),
        ({"if": a("object"), "then": a("object")}, {"if": a("object"), "then": a("string")}, False),
        ({"not": a("null")}, {"title": "anything"}, True),
        (an_object(a={"const": 1}), an_object(a={"const": True}), False),
        (TREE, TREE, True),
        ({**TREE, "$schema": DRAFT_7}, an_object(value=a("integer")), True),
        ({**an_object(), "$schema": "https://json-schema.org/draft/2020-12/schema"}, an_object(), False),
        ({"$ref": "#/definitions/Gone"}, {}, False),
        ({"$ref": "elsewhere.json"}, {}, False),
        (an_object(a="no schema"), an_object(a=a("string")), False),
        ({"type": 1}, {}, False),
        ({"properties": []}, {}, False),
        ({"type": "object", "required": [{}]}, {"type": "object"}, False),
        ({"type": "object", "required": ["a", "a"]}, {"type": "object"}, False),
        ({**an_object(), "$schema": {}}, {**an_object(), "title": "t"}, False),
    ],
)
def test_schema_stands_for_another(source: Schema, target: Schema, *, castable: bool) -> None:
    assert casts(source, target) is castable


def a_chain(length: int, last: str) -> Schema:
    """Definitions of which each has a property of the next."""
    links: Schema = {f"D{n}": an_object(a={"$ref": f"#/definitions/D{n + 1}"}) for n in range(length)}
    return {"$ref": "#/definitions/D0", "definitions": {**links, f"D{length}": a(last)}}


def a_tree(depth: int, last: str) -> Schema:
    """Definitions of which each has the next twice: small to write, 2^depth to walk."""
    links: Schema = {f"D{n}": {"anyOf": [{"$ref": f"#/definitions/D{n + 1}"}] * 2} for n in range(depth)}
    return {"$ref": "#/definitions/D0", "definitions": {**links, f"D{depth}": a(last)}}


def test_definitions_that_branch_are_compared_once() -> None:
    assert casts(a_tree(60, "string"), {**a_tree(60, "string"), "title": "t"})
    assert not casts(a_tree(60, "string"), a_tree(60, "number"))


@pytest.mark.parametrize(("length", "castable"), [(90, True), (5_000, False)])
def test_definitions_nested_too_deep_cast_to_their_own_type_only(length: int, *, castable: bool) -> None:
    assert casts(a_chain(length, "string"), {**a_chain(length, "string"), "title": "t"}) is castable
    assert casts(a_chain(length, "string"), a_chain(length, "string"))


def test_lists_of_alternatives_that_take_too_long_to_compare_cast_to_their_own_type_only() -> None:
    many: Schema = {"anyOf": [an_object(**{f"a{n}": a("string")}) for n in range(200)]}
    others: Schema = {"anyOf": [an_object(**{f"b{n}": a("string")}) for n in range(200)]}

    assert not casts(many, {"anyOf": [*many["anyOf"], *others["anyOf"]]})  # type: ignore[misc]  # both are lists
    assert casts(many, many)
