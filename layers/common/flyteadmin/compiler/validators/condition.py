"""The conditions of a branch node: what they compare exists and has one type (`validators/condition.go`)."""

from collections.abc import Iterator

from flyteidl.core.condition_pb2 import BooleanExpression, ComparisonExpression, Operand
from flyteidl.core.types_pb2 import LiteralType

from flyteadmin.compiler import errors as e
from flyteadmin.compiler.builders import NodeBuilder
from flyteadmin.compiler.validators.utils import literal_type_for_primitive
from flyteadmin.compiler.validators.vars import validate_input_var
from flyteadmin.pretty_print import literal_type_to_str


def validate_boolean_expression(node: NodeBuilder, expression: BooleanExpression, errors: e.ErrorCollector) -> None:
    """Check a condition with all that it joins; an expression that holds nothing is an error."""
    pending = [expression]
    while pending:
        part = pending.pop()
        kind = part.WhichOneof("expr")
        if kind == "comparison":
            _validate_comparison(node, part.comparison, errors)
        elif kind == "conjunction":
            for side in ("left_expression", "right_expression"):
                if part.conjunction.HasField(side):
                    pending.append(getattr(part.conjunction, side))
                else:
                    errors.collect(e.branch_node_has_no_condition(node.id))
        else:
            errors.collect(e.value_required(node.id, "Expr"))


def compared_variables(expression: BooleanExpression) -> Iterator[str]:
    """Name the variable of each operand that is one, as often as it is compared."""
    pending = [expression]
    while pending:
        part = pending.pop()
        if part.WhichOneof("expr") == "comparison":
            operands = (part.comparison.left_value, part.comparison.right_value)
            yield from (operand.var for operand in operands if operand.WhichOneof("val") == "var")
        elif part.WhichOneof("expr") == "conjunction":
            pending += [part.conjunction.left_expression, part.conjunction.right_expression]


def _validate_comparison(node: NodeBuilder, comparison: ComparisonExpression, errors: e.ErrorCollector) -> None:
    mark = errors.mark()
    right = _operand_type(
        node, "RightValue", comparison.right_value if comparison.HasField("right_value") else None, errors
    )
    left = _operand_type(
        node, "LeftValue", comparison.left_value if comparison.HasField("left_value") else None, errors
    )
    if errors.clean_since(mark) and right is not None and left is not None and right != left:
        shown = literal_type_to_str(right), literal_type_to_str(left)
        errors.collect(e.mismatching_types(node.id, "RightValue", *shown))


def _operand_type(
    node: NodeBuilder, name: str, operand: Operand | None, errors: e.ErrorCollector
) -> LiteralType | None:
    if operand is None:
        errors.collect(e.value_required(node.id, name))
        return None
    if operand.WhichOneof("val") == "primitive":
        return literal_type_for_primitive(operand.primitive)
    if operand.WhichOneof("val") == "scalar":
        errors.collect(e.comparison_not_supported(node.id, name, operand.scalar))
        return None
    if not operand.var:
        errors.collect(e.value_required(node.id, f"{name}.Val"))
        return None
    if node.interface is None:
        errors.collect(e.value_required(node.id, operand.var))
        return None
    variable = validate_input_var(node, operand.var, errors)
    return variable.type if variable is not None and variable.HasField("type") else None
