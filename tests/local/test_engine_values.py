"""The stand-in engine's values: bindings, attribute paths and conditions."""

import msgpack  # type: ignore[import-untyped]  # ships no types
import pytest
from flyteidl.core.condition_pb2 import BooleanExpression, ComparisonExpression, ConjunctionExpression, Operand
from flyteidl.core.literals_pb2 import (
    Binary,
    Binding,
    BindingData,
    BindingDataCollection,
    BindingDataMap,
    Literal,
    LiteralCollection,
    LiteralMap,
    Primitive,
    Scalar,
)
from flyteidl.core.types_pb2 import (
    Error,
    OutputReference,
    PromiseAttribute,
)
from flyteidl.core.workflow_pb2 import Alias
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from flyteadmin.flyteworkflow.crd import BranchNodeSpec, IfBlock, NodeSpec
from local.engine.attributes import resolve_path
from local.engine.bindings import resolve
from local.engine.branches import MALFORMED, USER_PROVIDED, decide
from local.engine.faults import BindingFault, BranchFault
from tests.local.engine_builders import integer, promise

COMPARISON = ComparisonExpression


def text(value: str) -> Literal:
    return Literal(scalar=Scalar(primitive=Primitive(string_value=value)))


def path(*keys: str | int) -> list[PromiseAttribute]:
    return [
        PromiseAttribute(string_value=key) if isinstance(key, str) else PromiseAttribute(int_value=key) for key in keys
    ]


class TestBindings:
    def test_scalars_collections_and_maps_are_built_of_promises(self) -> None:
        one, other = BindingData(scalar=integer(1).scalar), BindingData(promise=OutputReference(node_id="n0", var="o0"))
        bindings = [
            Binding(var="scalar", binding=one),
            Binding(var="list", binding=BindingData(collection=BindingDataCollection(bindings=[one, other]))),
            Binding(var="dict", binding=BindingData(map=BindingDataMap(bindings={"k": other}))),
        ]
        found = resolve(bindings, {"n0": LiteralMap(literals={"o0": text("a")})}, {}).literals
        assert found["scalar"] == integer(1)
        assert found["list"] == Literal(collection=LiteralCollection(literals=[integer(1), text("a")]))
        assert found["dict"].map.literals["k"] == text("a")

    def test_an_output_is_found_under_its_alias(self) -> None:
        node = NodeSpec(id="n0", output_alias=[Alias(var="o0", alias="result")])
        outputs = {"n0": LiteralMap(literals={"o0": integer(1)})}
        assert resolve([promise("x", "n0", "result")], outputs, {"n0": node}).literals["x"] == integer(1)

    @pytest.mark.parametrize("node", ["n0", "n9"])
    def test_a_missing_output_is_named(self, node: str) -> None:
        with pytest.raises(BindingFault, match=rf"Failed to find \[{node}\]\.\[o7\]"):
            resolve([promise("x", node, "o7")], {"n0": LiteralMap()}, {})


class TestAttributePaths:
    def test_through_maps_and_collections(self) -> None:
        inner = Literal(collection=LiteralCollection(literals=[integer(1), integer(2)]))
        outer = Literal(map=LiteralMap(literals={"k": inner}))
        assert resolve_path(outer, path("k", 1)) == integer(2)
        assert resolve_path(outer, path()) == outer

    @pytest.mark.parametrize("packing", ["generic", "binary"])
    def test_into_a_dataclass(self, packing: str) -> None:
        content = {"name": "a", "flag": True, "items": [{"n": 0.5}], "inner": {"k": "v"}}
        if packing == "generic":
            literal = Literal(scalar=Scalar(generic=json_format.ParseDict(content, Struct())))
        else:
            literal = Literal(scalar=Scalar(binary=Binary(value=msgpack.packb(content), tag="msgpack")))
        assert resolve_path(literal, path("name")) == text("a")
        assert resolve_path(literal, path("flag")).scalar.primitive.boolean is True
        assert resolve_path(literal, path("items", 0, "n")).scalar.primitive.float_value == 0.5
        assert len(resolve_path(literal, path("items")).collection.literals) == 1
        assert resolve_path(literal, path("inner")).scalar.WhichOneof("value") == packing

    def test_an_integer_of_a_packed_dataclass_stays_one(self) -> None:
        literal = Literal(scalar=Scalar(binary=Binary(value=msgpack.packb({"n": 3}), tag="msgpack")))
        assert resolve_path(literal, path("n")) == integer(3)

    @pytest.mark.parametrize(
        ("literal", "keys"),
        [
            (Literal(map=LiteralMap()), path("k")),
            (Literal(collection=LiteralCollection()), path(0)),
            (Literal(scalar=Scalar(generic=Struct())), path("k")),
            (Literal(scalar=Scalar(binary=Binary(value=b"?", tag="pickle"))), path("k")),
        ],
    )
    def test_what_is_not_there_is_a_fault(self, literal: Literal, keys: list[PromiseAttribute]) -> None:
        with pytest.raises(BindingFault):
            resolve_path(literal, keys)


def comparison(left: Primitive, operator: COMPARISON.Operator, right: Primitive) -> BooleanExpression:
    return BooleanExpression(
        comparison=COMPARISON(
            operator=operator, left_value=Operand(primitive=left), right_value=Operand(primitive=right)
        )
    )


def holds(condition: BooleanExpression, inputs: LiteralMap | None = None) -> bool:
    branch = BranchNodeSpec(if_=IfBlock(condition=condition, then="yes"), else_="no")
    return decide(branch, inputs or LiteralMap()) == "yes"


ONE, TWO = Primitive(integer=1), Primitive(integer=2)
TRUE = Primitive(boolean=True)


class TestBranches:
    @pytest.mark.parametrize(
        ("left", "operator", "right", "expected"),
        [
            (ONE, COMPARISON.EQ, ONE, True),
            (ONE, COMPARISON.NEQ, ONE, False),
            (TWO, COMPARISON.GT, ONE, True),
            (ONE, COMPARISON.GTE, ONE, True),
            (TWO, COMPARISON.LT, ONE, False),
            (ONE, COMPARISON.LTE, TWO, True),
            (TRUE, COMPARISON.EQ, TRUE, True),
            (Primitive(string_value="a"), COMPARISON.LT, Primitive(string_value="b"), True),
            (Primitive(datetime=Timestamp(seconds=1)), COMPARISON.EQ, Primitive(datetime=Timestamp(seconds=1)), True),
        ],
    )
    def test_primitives_compare(
        self, left: Primitive, operator: COMPARISON.Operator, right: Primitive, expected: bool
    ) -> None:
        assert holds(comparison(left, operator, right)) is expected

    @pytest.mark.parametrize(
        ("operator", "expected"), [(ConjunctionExpression.AND, False), (ConjunctionExpression.OR, True)]
    )
    def test_conditions_join(self, operator: ConjunctionExpression.LogicalOperator, expected: bool) -> None:
        joined = ConjunctionExpression(
            operator=operator,
            left_expression=comparison(ONE, COMPARISON.EQ, ONE),
            right_expression=comparison(ONE, COMPARISON.EQ, TWO),
        )
        assert holds(BooleanExpression(conjunction=joined)) is expected

    @pytest.mark.parametrize(
        "condition",
        [
            comparison(ONE, COMPARISON.EQ, TRUE),
            comparison(TRUE, COMPARISON.GT, TRUE),
            BooleanExpression(),
            BooleanExpression(
                comparison=COMPARISON(left_value=Operand(var="missing"), right_value=Operand(primitive=ONE))
            ),
        ],
    )
    def test_a_condition_without_meaning_is_the_users_fault(self, condition: BooleanExpression) -> None:
        with pytest.raises(BranchFault) as fault:
            holds(condition)
        assert fault.value.code == MALFORMED

    def test_a_branch_may_be_told_to_fail(self) -> None:
        never = IfBlock(condition=comparison(ONE, COMPARISON.EQ, TWO), then="yes")
        with pytest.raises(BranchFault, match="only ones") as fault:
            decide(BranchNodeSpec(if_=never, else_fail=Error(message="only ones")), LiteralMap())
        assert fault.value.code == USER_PROVIDED
        with pytest.raises(BranchFault, match="No branch satisfied"):
            decide(BranchNodeSpec(if_=never), LiteralMap())

    def test_the_first_case_that_holds_is_taken(self) -> None:
        always, never = comparison(ONE, COMPARISON.EQ, ONE), comparison(ONE, COMPARISON.EQ, TWO)
        branch = BranchNodeSpec(
            if_=IfBlock(condition=never, then="a"),
            else_if=[IfBlock(condition=always, then="b"), IfBlock(condition=always, then="c")],
        )
        assert decide(branch, LiteralMap()) == "b"
