"""Texts that clients see or sort by are written as Go's protobuf library writes them."""

import pytest
from flyteidl.core import types_pb2
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.literals_pb2 import Literal
from flyteidl.core.types_pb2 import LiteralType, TypeStructure
from flyteidl.core.workflow_pb2 import ArrayNode
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value

from flyteadmin.pretty_print import literal_type_to_str, to_text
from tests.unit.compiler.builders import INTEGER, STRING, enum, list_of, map_of, task_id, union


def a_struct(**fields: str) -> Struct:
    struct = Struct()
    struct.update(fields)
    return struct


def binary(value: bytes) -> Literal:
    literal = Literal()
    literal.scalar.binary.value = value
    return literal


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (task_id(), 'resource_type:TASK project:"p" domain:"d" name:"task" version:"v"'),
        (Identifier(), ""),
        (Identifier(resource_type=99), "resource_type:99"),  # type: ignore[arg-type]  # from a later version
        (LiteralType(simple=types_pb2.NONE), "simple:NONE"),
        (list_of(map_of(INTEGER)), "collection_type:{map_value_type:{simple:INTEGER}}"),
        (union(INTEGER, STRING), "union_type:{variants:{simple:INTEGER} variants:{simple:STRING}}"),
        (enum("a", 'b"\n'), 'enum_type:{values:"a" values:"b\\"\\n"}'),
        (
            LiteralType(simple=types_pb2.STRUCT, metadata=a_struct(b="1", a="é")),
            'simple:STRUCT metadata:{fields:{key:"a" value:{string_value:"é"}}'
            ' fields:{key:"b" value:{string_value:"1"}}}',
        ),
        (Value(bool_value=True), "bool_value:true"),
        (Value(null_value=0), "null_value:NULL_VALUE"),  # type: ignore[arg-type]  # its only value
        (Value(number_value=1.0), "number_value:1"),
        (Value(number_value=123456.5), "number_value:123456.5"),
        (Value(number_value=1e6), "number_value:1e+06"),
        (Value(number_value=-1.5e-7), "number_value:-1.5e-07"),
        (Value(number_value=float("inf")), "number_value:inf"),
        (Value(number_value=float("-inf")), "number_value:-inf"),
        (Value(number_value=float("nan")), "number_value:nan"),
        (Value(string_value="\x00\x7f\x85"), 'string_value:"\\x00\\x7f\\u0085"'),
        (binary(b"a\xff\n"), 'scalar:{binary:{value:"a\\xff\\n"}}'),
        (ArrayNode(min_success_ratio=0.8), "min_success_ratio:0.8"),
    ],
)
def test_message_is_written_on_one_line(message: Message, text: str) -> None:
    assert to_text(message) == text


def test_a_struct_shows_the_types_of_its_fields_only() -> None:
    inner = LiteralType(simple=types_pb2.STRUCT, structure=TypeStructure(dataclass_type={"y": STRING}))
    outer = LiteralType(simple=types_pb2.STRUCT, structure=TypeStructure(dataclass_type={"x": INTEGER, "a": inner}))

    assert literal_type_to_str(outer) == (
        "simple: STRUCT structure{dataclass_type:{key:a value:{simple: STRUCT structure{dataclass_type:{key:y"
        " value:{simple:STRING}}}, dataclass_type:{key:x value:{simple:INTEGER}}"
    )
    assert literal_type_to_str(None) == "None"
