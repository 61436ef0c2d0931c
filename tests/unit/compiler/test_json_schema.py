"""Dataclasses are compared by their JSON schemas as upstream's library does; the verdicts are that library's own."""

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from pydantic import JsonValue

from flyteadmin.compiler.validators.json_schema import is_super_type

Schema = dict[str, JsonValue]
DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def an_object(**properties: JsonValue) -> Schema:
    return {"type": "object", "properties": properties}


def a(kind: str, **limits: JsonValue) -> Schema:
    return {"type": kind, **limits}


def casts(source: Schema, target: Schema) -> bool:
    return is_super_type(ParseDict(source, Struct()), ParseDict(target, Struct()))


TREE: Schema = {
    "$ref": "#/definitions/Tree",
    "definitions": {"Tree": an_object(child={"$ref": "#/definitions/Tree"}, value=a("integer"))},
}


@pytest.mark.parametrize(
    ("source", "target", "castable"),
    [
        ({}, {}, True),
        ({}, a("object"), False),
        (a("object"), {}, True),
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
        ({"not": a("null")}, {}, True),
        (TREE, TREE, True),
        ({**TREE, "$schema": DRAFT_7}, an_object(value=a("integer")), True),
        ({**an_object(), "$schema": "https://json-schema.org/draft/2020-12/schema"}, an_object(), False),
        ({"$ref": "#/definitions/Gone"}, {}, False),
        ({"$ref": "elsewhere.json"}, {}, False),
        (an_object(a="no schema"), an_object(a=a("string")), False),
        ({"type": 1}, {}, False),
        ({"properties": []}, {}, False),
    ],
)
def test_schema_stands_for_another(source: Schema, target: Schema, *, castable: bool) -> None:
    assert casts(source, target) is castable
