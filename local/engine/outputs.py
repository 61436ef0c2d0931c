"""What a task is made to give, since its code is not run: its inputs passed on, or values of the declared types."""

from flyteidl.core.literals_pb2 import (
    Binary,
    Blob,
    BlobMetadata,
    Literal,
    LiteralCollection,
    LiteralMap,
    Primitive,
    Scalar,
    Schema,
    StructuredDataset,
    StructuredDatasetMetadata,
    Union,
    Void,
)
from flyteidl.core.tasks_pb2 import TaskTemplate
from flyteidl.core.types_pb2 import Error, LiteralType, SimpleType
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from local.engine.attributes import MESSAGEPACK

FAIL_VARIABLE = "FLYTE_STAND_IN_FAIL"
"""A task that has it in its container's environment, its config or its custom part fails with its value."""

_SIMPLE = {
    SimpleType.NONE: Scalar(none_type=Void()),
    SimpleType.INTEGER: Scalar(primitive=Primitive(integer=0)),
    SimpleType.FLOAT: Scalar(primitive=Primitive(float_value=0.0)),
    SimpleType.STRING: Scalar(primitive=Primitive(string_value="")),
    SimpleType.BOOLEAN: Scalar(primitive=Primitive(boolean=False)),
    SimpleType.DATETIME: Scalar(primitive=Primitive(datetime=Timestamp())),
    SimpleType.DURATION: Scalar(primitive=Primitive(duration=Duration())),
    SimpleType.BINARY: Scalar(binary=Binary(tag=MESSAGEPACK, value=b"\x80")),
    SimpleType.ERROR: Scalar(error=Error()),
    SimpleType.STRUCT: Scalar(generic=Struct()),
}


def failure_of(template: TaskTemplate) -> str | None:
    """The message that the task is told to fail with, if it is."""
    container = template.container
    for pair in (*container.env, *container.config):
        if pair.key == FAIL_VARIABLE:
            return pair.value
    if FAIL_VARIABLE in template.config:
        return template.config[FAIL_VARIABLE]
    field = template.custom.fields.get(FAIL_VARIABLE)
    return field.string_value if field else None


def pretended(template: TaskTemplate, inputs: LiteralMap, raw_prefix: str) -> LiteralMap:
    """The task's outputs: the input of the same name and type, else one of the same type, else a zero value.

    Each input is passed on once; files, datasets and schemas of a zero value are named below `raw_prefix`.
    """
    declared = template.interface.outputs.variables
    given = {name: inputs.literals[name] for name in sorted(inputs.literals)}
    types = {name: variable.type for name, variable in template.interface.inputs.variables.items()}
    by_name = {name: name for name in declared if name in given and types.get(name) == declared[name].type}
    left = [name for name in given if name not in by_name]
    literals = {}
    for name in sorted(declared):
        source = by_name.get(name) or next((one for one in left if types.get(one) == declared[name].type), None)
        if source in left:
            left.remove(source)
        literals[name] = given[source] if source else zero(declared[name].type, f"{raw_prefix}/{name}")
    return LiteralMap(literals=literals)


def zero(literal_type: LiteralType, uri: str) -> Literal:
    """An empty value of a type."""
    match literal_type.WhichOneof("type"):
        case "collection_type":
            return Literal(collection=LiteralCollection())
        case "map_value_type":
            return Literal(map=LiteralMap())
        case "union_type" if literal_type.union_type.variants:
            return _zero_union(literal_type, uri)
        case _:
            return Literal(scalar=_zero_scalar(literal_type, uri))


def _zero_union(literal_type: LiteralType, uri: str) -> Literal:
    variants = literal_type.union_type.variants
    chosen = next((one for one in variants if one.simple == SimpleType.NONE and one.HasField("simple")), variants[0])
    return Literal(scalar=Scalar(union=Union(value=zero(chosen, uri), type=chosen)))


def _zero_scalar(literal_type: LiteralType, uri: str) -> Scalar:
    match literal_type.WhichOneof("type"):
        case "simple":
            return _SIMPLE[literal_type.simple]
        case "blob":
            return Scalar(blob=Blob(metadata=BlobMetadata(type=literal_type.blob), uri=uri))
        case "schema":
            return Scalar(schema=Schema(uri=uri, type=literal_type.schema))
        case "structured_dataset_type":
            metadata = StructuredDatasetMetadata(structured_dataset_type=literal_type.structured_dataset_type)
            return Scalar(structured_dataset=StructuredDataset(uri=uri, metadata=metadata))
        case "enum_type" if literal_type.enum_type.values:
            return Scalar(primitive=Primitive(string_value=literal_type.enum_type.values[0]))
        case _:
            return Scalar(none_type=Void())
