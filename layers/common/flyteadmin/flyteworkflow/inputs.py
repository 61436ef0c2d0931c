"""Checks an execution's inputs against the workflow's interface (`transformers/k8s/inputs.go`)."""

from flyteidl.core.interface_pb2 import TypedInterface
from flyteidl.core.literals_pb2 import Literal, LiteralMap
from flyteidl.core.types_pb2 import LiteralType

from flyteadmin.compiler import errors as e
from flyteadmin.compiler.validators.typing import are_types_castable
from flyteadmin.compiler.validators.utils import literal_type_error, literal_type_for_literal
from flyteadmin.pretty_print import literal_type_to_str


def validate_inputs(
    node_id: str, interface: TypedInterface | None, inputs: LiteralMap, errors: e.ErrorCollector
) -> None:
    """Every input of the workflow is given, known and of a type that casts."""
    if interface is None or not interface.HasField("inputs"):
        errors.collect(e.value_required(node_id, "interface" if interface is None else "interface.InputsRef"))
        return
    variables = interface.inputs.variables
    missing = set(variables)
    for name, literal in inputs.literals.items():
        error = _input_error(node_id, name, literal, variables[name].type if name in variables else None)
        if error is None:
            missing.discard(name)
        else:
            errors.collect(error)
    errors.collect(*(e.parameter_not_bound(node_id, name) for name in missing))


def _input_error(node_id: str, name: str, literal: Literal, expected: LiteralType | None) -> e.CompileError | None:
    if expected is None:
        return e.variable_name_not_found(node_id, "", name)
    kind = literal_type_for_literal(literal)
    if kind is None:
        return e.invalid_literal_type(node_id, name, literal_type_error(kind))
    if are_types_castable(kind, expected):
        return None
    return e.mismatching_types(node_id, name, literal_type_to_str(expected), literal_type_to_str(kind))
