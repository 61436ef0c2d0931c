"""The cast rules, as laws over all types and as upstream's own cases."""

import pytest
from flyteidl.core import types_pb2
from flyteidl.core.literals_pb2 import Literal
from flyteidl.core.types_pb2 import (
    BlobType,
    LiteralType,
    SchemaType,
    StructuredDatasetType,
    TypeAnnotation,
    TypeStructure,
)
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from hypothesis import given, settings
from hypothesis import strategies as st

from flyteadmin.compiler.validators.typing import are_types_castable
from flyteadmin.compiler.validators.utils import literal_type_error, literal_type_for_literal
from tests.unit.compiler.builders import (
    BOOLEAN,
    FLOAT,
    INTEGER,
    NONE,
    STRING,
    STRUCT,
    enum,
    list_of,
    map_of,
    simple,
    union,
)

Column = SchemaType.SchemaColumn


def blob(name: str = "", *, multipart: bool = False) -> LiteralType:
    kind = BlobType.MULTIPART if multipart else BlobType.SINGLE
    return LiteralType(blob=BlobType(format=name, dimensionality=kind))


def schema(**columns: int) -> LiteralType:
    made = [Column(name=name, type=kind) for name, kind in columns.items()]  # type: ignore[arg-type]  # an enum
    return LiteralType(schema=SchemaType(columns=made))


def twice(name: str, *kinds: int) -> LiteralType:
    """Return a schema that has a column more than once."""
    return LiteralType(schema=SchemaType(columns=[Column(name=name, type=kind) for kind in kinds]))  # type: ignore[arg-type]


def dataset(name: str = "", /, **columns: LiteralType) -> LiteralType:
    made = [StructuredDatasetType.DatasetColumn(name=n, literal_type=kind) for n, kind in columns.items()]
    return LiteralType(structured_dataset_type=StructuredDatasetType(format=name, columns=made))


def tagged(kind: LiteralType, tag: str) -> LiteralType:
    copy = LiteralType()
    copy.CopyFrom(kind)
    copy.structure.CopyFrom(TypeStructure(tag=tag))
    return copy


def struct(**properties: str) -> LiteralType:
    document = {"type": "object", "properties": {name: {"type": kind} for name, kind in properties.items()}}
    return LiteralType(simple=types_pb2.STRUCT, metadata=ParseDict(document, Struct()))


SIMPLE = st.sampled_from([kind for kind in types_pb2.SimpleType.values() if kind != types_pb2.NONE]).map(
    lambda kind: LiteralType(simple=types_pb2.SimpleType.Name(kind))
)
LEAVES = st.one_of(
    SIMPLE,
    st.sampled_from(["", "csv", "png"]).map(blob),
    st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True).map(lambda values: enum(*values)),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(["string", "number", "boolean"])).map(
        lambda properties: struct(**properties)
    ),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(Column.SchemaColumnType.values())).map(
        lambda columns: schema(**columns)
    ),
    st.dictionaries(st.sampled_from("abc"), SIMPLE).map(lambda columns: dataset("parquet", **columns)),
)
NESTED = st.recursive(LEAVES, lambda inner: st.one_of(inner.map(list_of), inner.map(map_of)), max_leaves=4)
DISTINCT = [BOOLEAN, FLOAT, INTEGER, simple(types_pb2.DATETIME), blob("csv"), list_of(INTEGER), map_of(FLOAT)]
UNIONS = st.lists(st.sampled_from(DISTINCT), min_size=1, max_size=5, unique_by=str).map(lambda kinds: union(*kinds))


@given(st.one_of(NESTED, UNIONS, st.just(NONE)))
def test_every_type_casts_to_itself(kind: LiteralType) -> None:
    assert are_types_castable(kind, kind)


@given(UNIONS, st.sampled_from(DISTINCT))
def test_a_type_casts_to_the_union_that_has_it_and_to_no_other(kinds: LiteralType, kind: LiteralType) -> None:
    assert are_types_castable(kind, kinds) == (kind in list(kinds.union_type.variants))


@given(UNIONS, UNIONS)
def test_a_union_casts_to_those_that_have_all_its_variants(ours: LiteralType, theirs: LiteralType) -> None:
    subset = all(kind in list(theirs.union_type.variants) for kind in ours.union_type.variants)

    assert are_types_castable(ours, theirs) == subset


@given(st.sampled_from(DISTINCT), st.sampled_from(DISTINCT))
def test_a_union_of_one_is_that_one(one: LiteralType, other: LiteralType) -> None:
    assert are_types_castable(union(one), other) == are_types_castable(one, other)


@given(st.sampled_from(DISTINCT), st.integers(1, 45), st.integers(1, 45))
def test_unions_within_unions_are_not_tried_in_two_to_the_power_of_their_depth_ways(
    kind: LiteralType, ours: int, theirs: int
) -> None:
    assert are_types_castable(nested(kind, ours), nested(kind, ours))
    assert not are_types_castable(nested(kind, ours), nested(STRING, theirs))


def nested(kind: LiteralType, depth: int) -> LiteralType:
    """Return a type in that many unions of one."""
    return nested(union(kind), depth - 1) if depth else kind


@given(st.sampled_from(DISTINCT))
def test_a_union_of_several_casts_to_no_single_type(kind: LiteralType) -> None:
    assert not are_types_castable(union(kind, STRING, NONE), kind)


@given(st.sampled_from(DISTINCT))
def test_an_optional_takes_its_type_and_none(kind: LiteralType) -> None:
    optional = union(kind, NONE)

    assert are_types_castable(kind, optional)
    assert are_types_castable(NONE, optional)
    assert not are_types_castable(NONE, kind)
    assert not are_types_castable(STRING, optional)


@given(NESTED, NESTED)
@settings(max_examples=300)
def test_lists_and_maps_cast_as_their_elements(one: LiteralType, other: LiteralType) -> None:
    castable = are_types_castable(one, other)

    assert are_types_castable(list_of(one), list_of(other)) == castable
    assert are_types_castable(map_of(one), map_of(other)) == castable
    assert not are_types_castable(list_of(one), map_of(other))


@given(NESTED)
def test_empty_lists_and_maps_fit_every_list_and_map(kind: LiteralType) -> None:
    assert are_types_castable(list_of(NONE), list_of(kind))
    assert are_types_castable(map_of(NONE), map_of(kind))


@given(NESTED, st.text(max_size=5))
def test_annotations_and_metadata_of_simple_types_make_no_difference(kind: LiteralType, note: str) -> None:
    noted = LiteralType()
    noted.CopyFrom(kind)
    noted.annotation.CopyFrom(TypeAnnotation(annotations=ParseDict({"note": note}, Struct())))
    if kind.simple != types_pb2.STRUCT:
        noted.metadata.update({"note": note})

    assert are_types_castable(noted, kind)
    assert are_types_castable(kind, noted)


@given(
    st.dictionaries(st.sampled_from("abcde"), st.sampled_from(["string", "number"]), max_size=5),
    st.sets(st.sampled_from("abcde")),
)
def test_a_struct_casts_to_those_that_ask_for_less(properties: dict[str, str], kept: set[str]) -> None:
    fewer = {name: kind for name, kind in properties.items() if name in kept}

    assert are_types_castable(struct(**properties), struct(**fewer))
    assert are_types_castable(struct(**fewer), struct(**properties)) == (fewer == properties)


@pytest.mark.conformance("CRE-17")
@pytest.mark.parametrize(
    ("upstream", "downstream", "castable"),
    [
        (INTEGER, FLOAT, False),
        (STRING, enum("a"), True),
        (enum("a"), STRING, True),
        (enum("a"), enum("a", "b"), False),
        (enum("a"), INTEGER, False),
        (STRUCT, struct(a="string"), True),
        (struct(a="string"), STRUCT, True),
        (struct(a="string"), struct(a="number"), False),
        (struct(a="string"), STRING, False),
        (tagged(INTEGER, "int"), INTEGER, False),
        (INTEGER, tagged(INTEGER, "int"), True),
        (tagged(INTEGER, "a"), tagged(INTEGER, "b"), False),
        (blob(), blob("csv"), True),
        (blob("csv"), blob(), True),
        (blob("csv"), blob("png"), False),
        (blob("csv"), blob("csv", multipart=True), True),
        (INTEGER, blob("csv"), False),
        (schema(), schema(a=Column.INTEGER), True),
        (schema(a=Column.INTEGER, b=Column.STRING), schema(a=Column.INTEGER), True),
        (schema(a=Column.INTEGER), schema(a=Column.INTEGER, b=Column.STRING), False),
        (schema(a=Column.INTEGER), schema(a=Column.FLOAT), False),
        (schema(a=Column.INTEGER), dataset("parquet", a=INTEGER), True),
        (schema(a=Column.INTEGER), dataset("csv", a=INTEGER), False),
        (schema(a=Column.INTEGER), dataset("", a=FLOAT), False),
        (schema(), dataset("", a=FLOAT), True),
        (dataset("Parquet", a=INTEGER), schema(a=Column.INTEGER), True),
        (dataset("csv", a=INTEGER), schema(a=Column.INTEGER), False),
        (dataset("", a=INTEGER), schema(b=Column.INTEGER), False),
        (dataset(), schema(b=Column.INTEGER), True),
        (schema(a=Column.STRING), twice("a", Column.STRING, Column.INTEGER), False),
        (STRING, schema(), False),
        (dataset("csv"), dataset("CSV"), True),
        (dataset("csv"), dataset("parquet"), False),
        (dataset("csv"), dataset(), True),
        (dataset("", a=INTEGER, b=list_of(STRING)), dataset("", b=list_of(STRING)), True),
        (dataset("", a=INTEGER), dataset("", a=STRING), False),
        (dataset("", a=INTEGER), dataset("", b=INTEGER), False),
        (NONE, dataset("csv", a=INTEGER), True),
        (STRING, dataset(), False),
        (NONE, NONE, True),
        (INTEGER, NONE, False),
        (union(NONE), NONE, True),
        (INTEGER, union(INTEGER, tagged(INTEGER, "other")), False),
        (list_of(INTEGER), list_of(union(INTEGER, NONE)), True),
        (list_of(union(INTEGER)), list_of(INTEGER), False),
        (LiteralType(), LiteralType(), True),
        (LiteralType(), INTEGER, False),
    ],
)
def test_cast(upstream: LiteralType, downstream: LiteralType, castable: bool) -> None:
    assert are_types_castable(upstream, downstream) is castable


def scalar(**value: object) -> Literal:
    return ParseDict({"scalar": value}, Literal())


def literals(*values: Literal) -> Literal:
    literal = Literal()
    literal.collection.SetInParent()
    literal.collection.literals.extend(values)
    return literal


def mapped(**values: Literal) -> Literal:
    literal = Literal()
    literal.map.SetInParent()
    for name, value in values.items():
        literal.map.literals[name].CopyFrom(value)
    return literal


ONE = scalar(primitive={"integer": "1"})
TEXT = scalar(primitive={"stringValue": "a"})


@pytest.mark.parametrize(
    ("literal", "kind"),
    [
        (ONE, INTEGER),
        (scalar(primitive={"floatValue": 1}), FLOAT),
        (TEXT, STRING),
        (scalar(primitive={"boolean": True}), BOOLEAN),
        (scalar(primitive={"datetime": "2024-01-01T00:00:00Z"}), simple(types_pb2.DATETIME)),
        (scalar(primitive={"duration": "1s"}), simple(types_pb2.DURATION)),
        (scalar(primitive={}), NONE),
        (scalar(noneType={}), NONE),
        (scalar(error={}), simple(types_pb2.ERROR)),
        (scalar(generic={}), STRUCT),
        (scalar(binary={"tag": "msgpack"}), STRUCT),
        (scalar(binary={"tag": "other"}), simple(types_pb2.BINARY)),
        (scalar(blob={"metadata": {"type": {"format": "csv"}}}), blob("csv")),
        (scalar(blob={"metadata": {}}), LiteralType()),
        (scalar(blob={}), None),
        (scalar(schema={"type": {}}), schema()),
        (scalar(schema={}), LiteralType()),
        (scalar(structuredDataset={"metadata": {"structuredDatasetType": {"format": "csv"}}}), dataset("csv")),
        (scalar(structuredDataset={}), LiteralType()),
        (scalar(union={"type": {"simple": "INTEGER"}}), union(INTEGER)),
        (scalar(), None),
        (Literal(), None),
        (literals(), list_of(NONE)),
        (literals(Literal()), list_of(LiteralType())),
        (literals(ONE, ONE), list_of(INTEGER)),
        (literals(TEXT, ONE), list_of(union(INTEGER, STRING))),
        (literals(literals(), literals(ONE)), list_of(list_of(INTEGER))),
        (literals(literals(), literals()), list_of(list_of(NONE))),
        (
            literals(literals(ONE, TEXT), literals(ONE), ONE),
            list_of(list_of(union(list_of(INTEGER), INTEGER, STRING, INTEGER))),
        ),
        (mapped(a=ONE, b=ONE), map_of(INTEGER)),
        (mapped(a=ONE, b=TEXT), map_of(union(INTEGER, STRING))),
        (mapped(), map_of(NONE)),
        (Literal(offloaded_metadata={"inferred_type": INTEGER}), INTEGER),
        (Literal(offloaded_metadata={}), None),
    ],
)
def test_type_of_a_literal(literal: Literal, kind: LiteralType | None) -> None:
    assert literal_type_for_literal(literal) == kind


@pytest.mark.conformance("CRE-18")
def test_an_unknown_type_asks_for_newer_images() -> None:
    assert literal_type_error(None).startswith("got unknown literal type: [<nil>].\nSuggested solution: ")
    assert literal_type_error(INTEGER) == ""
