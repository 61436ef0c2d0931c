"""Decides branches (propeller's nodes/branch/evaluator.go and comparator.go)."""

from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from flyteidl.core.condition_pb2 import BooleanExpression, ComparisonExpression, ConjunctionExpression, Operand
from flyteidl.core.literals_pb2 import LiteralMap, Primitive

from flyteadmin.flyteworkflow.crd import BranchNodeSpec
from local.engine.faults import BranchFault

MALFORMED = "MalformedBranchUserError"
USER_PROVIDED = "UserProvidedError"
_COMPARE: dict[ComparisonExpression.Operator, Callable[[Any, Any], bool]] = {  # of two values of one kind
    ComparisonExpression.EQ: eq,
    ComparisonExpression.NEQ: ne,
    ComparisonExpression.GT: gt,
    ComparisonExpression.GTE: ge,
    ComparisonExpression.LT: lt,
    ComparisonExpression.LTE: le,
}
_EQUALITY = {ComparisonExpression.EQ, ComparisonExpression.NEQ}


def decide(branch: BranchNodeSpec, inputs: LiteralMap) -> str:
    """Return the id of the node to run.

    Raises:
        BranchFault: no case holds, or a condition can't be evaluated.
    """
    for case in (branch.if_, *branch.else_if):
        if case.then and _holds(case.condition, inputs):
            return case.then
    if branch.else_:
        return branch.else_
    if branch.else_fail:
        raise BranchFault(USER_PROVIDED, branch.else_fail.message)
    raise BranchFault(MALFORMED, "No branch satisfied")


def children(branch: BranchNodeSpec) -> list[str]:
    """Return the ids of every node that the branch may run."""
    return [child for child in (branch.if_.then, *(case.then for case in branch.else_if), branch.else_) if child]


def _holds(expression: BooleanExpression, inputs: LiteralMap) -> bool:
    match expression.WhichOneof("expr"):
        case "comparison":
            return _compare(expression.comparison, inputs)
        case "conjunction":
            left = _holds(expression.conjunction.left_expression, inputs)
            right = _holds(expression.conjunction.right_expression, inputs)
            is_or = expression.conjunction.operator == ConjunctionExpression.OR
            return left or right if is_or else left and right
        case _:
            raise BranchFault(MALFORMED, "No Comparison or Conjunction found in Branch node expression.")


def _compare(comparison: ComparisonExpression, inputs: LiteralMap) -> bool:
    left, right = _operand(comparison.left_value, inputs), _operand(comparison.right_value, inputs)
    kind = left.WhichOneof("value")
    if kind != right.WhichOneof("value"):
        raise BranchFault(
            MALFORMED, f"Comparison between different primitives types. lVal[{kind}]:rVal[{right.WhichOneof('value')}]"
        )
    if kind == "boolean" and comparison.operator not in _EQUALITY:
        operator = ComparisonExpression.Operator.Name(comparison.operator)
        raise BranchFault(MALFORMED, f"[{operator}] not defined for boolean operands.")
    return _COMPARE[comparison.operator](_value(left), _value(right))


def _operand(operand: Operand, inputs: LiteralMap) -> Primitive:
    if operand.WhichOneof("val") == "primitive":
        return operand.primitive
    if operand.var not in inputs.literals:
        raise BranchFault(MALFORMED, f"Failed to find Value for Variable [{operand.var}]")
    scalar = inputs.literals[operand.var].scalar
    if scalar.WhichOneof("value") != "primitive":
        raise BranchFault(MALFORMED, f"Only primitives can be compared. Variable [{operand.var}] is non primitive.")
    return scalar.primitive


def _value(primitive: Primitive) -> int | float | bool | str | None:
    match primitive.WhichOneof("value"):
        case "integer":
            return primitive.integer
        case "float_value":
            return primitive.float_value
        case "string_value":
            return primitive.string_value
        case "boolean":
            return primitive.boolean
        case "datetime":
            return primitive.datetime.seconds
        case "duration":
            return primitive.duration.seconds
        case _:
            raise BranchFault(MALFORMED, "A primitive without a value can't be compared.")
