"""Resolves the inputs of an execution: the caller's, the launch plan's defaults and its fixed ones; pure.

Source: flyteadmin validation/execution_validator.go CheckAndFetchInputsForExecution.
"""

from flyteidl.core.interface_pb2 import ParameterMap
from flyteidl.core.literals_pb2 import Literal, LiteralMap

from flyteadmin.compiler.validators.typing import are_types_castable
from flyteadmin.compiler.validators.utils import literal_type_for_literal
from flyteadmin.errors import InvalidArgument


def resolve(user: LiteralMap, expected: ParameterMap, fixed: LiteralMap) -> LiteralMap:
    """Merge the user's values, the defaults of those that are missing, and the fixed inputs (CRE-15…19).

    Raises:
        InvalidArgument: an unknown, missing or wrongly typed input, or one that is fixed; the message names it.
    """
    resolved = LiteralMap()
    for name in sorted(user.literals):
        if name not in expected.parameters:
            names = ", ".join(sorted(expected.parameters)) or "none"
            raise InvalidArgument(f"invalid input {name}: the launch plan expects {names}")
        _check_type(name, user.literals[name], expected)
        resolved.literals[name].CopyFrom(user.literals[name])
    for name in sorted(set(expected.parameters) - set(user.literals)):
        if expected.parameters[name].required:
            raise InvalidArgument(f"expected_inputs {name} missing")
        resolved.literals[name].CopyFrom(expected.parameters[name].default)
    for name in sorted(fixed.literals):
        if name in resolved.literals:
            raise InvalidArgument(f"fixed_inputs {name} cannot be overridden")
        resolved.literals[name].CopyFrom(fixed.literals[name])
    return resolved


def _check_type(name: str, literal: Literal, expected: ParameterMap) -> None:
    literal_type = literal_type_for_literal(literal)
    if literal_type is None:
        raise InvalidArgument(f"failed to validate literal type for {name}: its type can't be told from its value")
    expected_type = expected.parameters[name].var.type
    if not are_types_castable(literal_type, expected_type):
        raise InvalidArgument(
            f"invalid {name} input wrong type. Expected {_one_line(expected_type)}, but got {_one_line(literal_type)}"
        )


def _one_line(message: object) -> str:
    return " ".join(str(message).split())[:1000]


def validate(inputs: LiteralMap) -> None:
    """Check that each input has a name and a value (CRE-11); every date was checked before (CRE-12, bounds.py).

    Raises:
        InvalidArgument: naming the input.
    """
    for name in sorted(inputs.literals):
        literal = inputs.literals[name]
        if not name:
            raise InvalidArgument("missing key in inputs")
        if literal.WhichOneof("value") is None:
            raise InvalidArgument(f"missing valid literal in inputs {name}")
