"""The types of literals: what a value is, whatever it is declared as (`validators/utils.go`)."""

from collections.abc import Iterable

from flyteidl.core import types_pb2
from flyteidl.core.literals_pb2 import Literal, Primitive, Scalar
from flyteidl.core.types_pb2 import LiteralType, SimpleType

from flyteadmin.pretty_print import to_text

MESSAGEPACK = "msgpack"

_PRIMITIVES: dict[str | None, SimpleType] = {
    "integer": types_pb2.INTEGER,
    "float_value": types_pb2.FLOAT,
    "string_value": types_pb2.STRING,
    "boolean": types_pb2.BOOLEAN,
    "datetime": types_pb2.DATETIME,
    "duration": types_pb2.DURATION,
}
_SIMPLE_SCALARS: dict[str | None, SimpleType] = {
    "none_type": types_pb2.NONE,
    "error": types_pb2.ERROR,
    "generic": types_pb2.STRUCT,
}


def literal_type_for_literal(literal: Literal) -> LiteralType | None:
    """Return the type of a value, nothing if it has none; of an offloaded value the type that was inferred for it."""
    value = literal.WhichOneof("value")
    if value == "scalar":
        return literal_type_for_scalar(literal.scalar)
    if value == "collection":
        return LiteralType(collection_type=_common_type(literal.collection.literals))
    if value == "map":
        return LiteralType(map_value_type=_common_type(literal.map.literals.values()))
    if value == "offloaded_metadata" and literal.offloaded_metadata.HasField("inferred_type"):
        return literal.offloaded_metadata.inferred_type
    return None


def literal_type_for_scalar(scalar: Scalar) -> LiteralType | None:
    """Return the type of a scalar; one whose metadata holds no type gives an empty type, which casts to nothing."""
    value = scalar.WhichOneof("value")
    if value == "primitive":
        return literal_type_for_primitive(scalar.primitive)
    if value in _SIMPLE_SCALARS:
        return LiteralType(simple=_SIMPLE_SCALARS[value])
    if value == "binary":
        return LiteralType(simple=types_pb2.STRUCT if scalar.binary.tag == MESSAGEPACK else types_pb2.BINARY)
    if value == "union":
        return LiteralType(union_type=types_pb2.UnionType(variants=[scalar.union.type]))
    return _typed_scalar(scalar, value)


def literal_type_for_primitive(primitive: Primitive) -> LiteralType:
    """Return the simple type of a primitive; NONE for one without a value."""
    return LiteralType(simple=_PRIMITIVES.get(primitive.WhichOneof("value"), types_pb2.NONE))


def literal_type_error(literal_type: LiteralType | None) -> str:
    """Why a type can't be used, in upstream's words, or nothing (`ValidateLiteralType`)."""
    if literal_type is not None:
        return ""
    return (
        "got unknown literal type: [<nil>].\n"
        "Suggested solution: Please update all your Flyte deployment images to the latest version and try again"
    )


def _typed_scalar(scalar: Scalar, value: str | None) -> LiteralType | None:
    if value == "blob":
        if not scalar.blob.HasField("metadata"):
            return None
        metadata = scalar.blob.metadata
        return LiteralType(blob=metadata.type) if metadata.HasField("type") else LiteralType()
    if value == "schema":
        return LiteralType(schema=scalar.schema.type) if scalar.schema.HasField("type") else LiteralType()
    if value == "structured_dataset":
        dataset = scalar.structured_dataset.metadata
        if not dataset.HasField("structured_dataset_type"):
            return LiteralType()
        return LiteralType(structured_dataset_type=dataset.structured_dataset_type)
    return None


def _common_type(literals: Iterable[Literal]) -> LiteralType:
    """Return the one type of the elements, or the union of their types; empty lists count only where nothing else is.

    An element without a type has the empty one, which casts to nothing.
    """
    kinds: dict[bytes, LiteralType] = {}
    of_empty_lists: LiteralType | None = None
    for literal in literals:
        kind = literal_type_for_literal(literal) or LiteralType()
        if literal.WhichOneof("value") == "collection" and not literal.collection.literals:
            of_empty_lists = kind
        else:
            kinds.setdefault(kind.SerializeToString(deterministic=True), kind)
    if not kinds:
        return of_empty_lists or LiteralType(simple=types_pb2.NONE)
    if len(kinds) == 1:
        return next(iter(kinds.values()))
    return _union(sorted(kinds.values(), key=to_text))


def _union(kinds: Iterable[LiteralType]) -> LiteralType:
    variants: list[LiteralType] = []
    nested = False
    for kind in kinds:
        inner = kind.collection_type
        if inner.WhichOneof("type") == "union_type":
            nested = True
            variants.extend(inner.union_type.variants)
        else:
            variants.append(kind)
    union = LiteralType(union_type=types_pb2.UnionType(variants=variants))
    return LiteralType(collection_type=union) if nested else union
