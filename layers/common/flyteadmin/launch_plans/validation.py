"""Validates launch plans, in upstream's order and wording; pure.

Source: flyteadmin validation/launch_plan_validator.go, validation.go, notifications_validator.go.
"""

from flyteidl.admin.launch_plan_pb2 import LaunchPlanSpec
from flyteidl.core.interface_pb2 import Parameter, ParameterMap, Variable, VariableMap
from flyteidl.core.literals_pb2 import Literal, LiteralMap
from flyteidl.core.types_pb2 import LiteralType

from flyteadmin.compiler.validators.typing import are_types_castable
from flyteadmin.compiler.validators.utils import literal_type_error, literal_type_for_literal
from flyteadmin.errors import InvalidArgument
from flyteadmin.launch_plans.schedules import validate_schedule
from flyteadmin.pretty_print import to_text
from flyteadmin.validation import validate_labels, validate_notifications


def validate_launch_plan(spec: LaunchPlanSpec, workflow_inputs: VariableMap) -> ParameterMap:
    """Check a spec against its workflow's inputs, and return the inputs that executions may set (REG-11…14).

    Raises:
        InvalidArgument: naming the first field that is wrong.
    """
    validate_labels(spec.labels.values)
    validate_literals(spec.fixed_inputs, "fixed_inputs")
    _validate_parameters(spec.default_inputs, "default_inputs")
    expected = expected_inputs(workflow_inputs, spec.fixed_inputs, spec.default_inputs)
    validate_schedule(spec.entity_metadata.schedule, expected)
    validate_notifications(spec.entity_metadata.notifications)
    if spec.entity_metadata.HasField("launch_conditions"):
        conditions = to_text(spec.entity_metadata.launch_conditions)[:1000]
        raise InvalidArgument(f"Launch condition must be empty, found {conditions}")
    return expected


def validate_literals(inputs: LiteralMap, field: str) -> None:
    """Check that each literal has a name and a value; every date was checked before (KD-45, bounds.py).

    Raises:
        InvalidArgument: naming the literal.
    """
    for name in sorted(inputs.literals):
        if not name:
            raise InvalidArgument(f"missing key in {field}")
        literal = inputs.literals[name]
        if literal.WhichOneof("value") is None:
            raise InvalidArgument(f"missing valid literal in {field} {name}")


def _validate_parameters(parameters: ParameterMap, field: str) -> None:
    for name in sorted(parameters.parameters):
        if parameters.parameters[name].WhichOneof("behavior") == "artifact_query":
            raise InvalidArgument(f"artifact mode not enabled but query found {field} {name}")
    for name in sorted(parameters.parameters):
        _validate_parameter(name, parameters.parameters[name], field)


def _validate_parameter(name: str, parameter: Parameter, field: str) -> None:
    if not name:
        raise InvalidArgument(f"missing key in {field}")
    if not parameter.var.HasField("type"):
        raise InvalidArgument(
            f"The Variable component of the Parameter {name} in {field} either is missing, or has a missing Type"
        )
    if parameter.WhichOneof("behavior") == "default":
        _validate_default(name, parameter, field)
    elif not parameter.required:
        raise InvalidArgument(
            f"Invalid variable {name} in {field} - variable has neither default, nor is required. One must be specified"
        )


def _validate_default(name: str, parameter: Parameter, field: str) -> None:
    given = _type_of(name, parameter.default)
    if not are_types_castable(given, parameter.var.type):
        raise InvalidArgument(
            f"Type mismatch for Parameter {name} in {field} has type {_shown(parameter.var.type)},"
            f" expected {_shown(given)}"
        )


def _type_of(name: str, literal: Literal) -> LiteralType:
    given = literal_type_for_literal(literal)
    if given is None:
        raise InvalidArgument(f"Failed to validate literal type for [{name}] with err: {literal_type_error(given)}")
    return given


def expected_inputs(workflow_inputs: VariableMap, fixed: LiteralMap, defaults: ParameterMap) -> ParameterMap:
    """Return the launch plan's defaults, and the workflow's inputs that are neither fixed nor have one (REG-12).

    Raises:
        InvalidArgument: a default or fixed input is none of the workflow's, or of a type that can't be cast (REG-11).
    """
    variables = workflow_inputs.variables
    if not variables:
        _expect_none("default", len(defaults.parameters))
        _expect_none("fixed", len(fixed.literals))
    for name in sorted(defaults.parameters):
        wanted = _declared("default_input", name, workflow_inputs)
        _check_type("default_input", name, defaults.parameters[name].var.type, wanted)
    for name in sorted(fixed.literals):
        wanted = _declared("fixed_input", name, workflow_inputs)
        _check_type("fixed_input", name, _type_of(name, fixed.literals[name]), wanted)
    expected = ParameterMap()
    for name in sorted(variables):
        if name in defaults.parameters:
            expected.parameters[name].CopyFrom(defaults.parameters[name])
        elif name not in fixed.literals:
            variable = Variable(type=variables[name].type, description=variables[name].description)
            expected.parameters[name].CopyFrom(Parameter(var=variable, required=True))
    return expected


def _expect_none(what: str, number: int) -> None:
    if number:
        raise InvalidArgument(f"invalid launch plan {what} inputs, expected none but found {number}")


def _declared(what: str, name: str, workflow_inputs: VariableMap) -> LiteralType:
    if name not in workflow_inputs.variables:
        raise InvalidArgument(f"unexpected {what} {name}")
    return workflow_inputs.variables[name].type


def _check_type(what: str, name: str, given: LiteralType, wanted: LiteralType) -> None:
    """Compare types; upstream swaps "expected" and "got" for defaults, this does not."""
    if not are_types_castable(given, wanted):
        raise InvalidArgument(
            f"invalid {what} wrong type {name}, expected {_shown(wanted)}, got {_shown(given)} instead"
        )


def _shown(kind: LiteralType) -> str:
    return to_text(kind)[:1000]
