"""Launch plans are refused for inputs that their workflow lacks, incomplete notifications, unsupported fields."""

import pytest
from flyteidl.admin.common_pb2 import (
    EmailNotification,
    Labels,
    Notification,
)
from flyteidl.admin.launch_plan_pb2 import LaunchPlanMetadata, LaunchPlanSpec
from flyteidl.core.artifact_id_pb2 import ArtifactQuery
from flyteidl.core.interface_pb2 import Parameter, ParameterMap, Variable
from flyteidl.core.literals_pb2 import Literal, LiteralMap
from flyteidl.core.types_pb2 import INTEGER, STRING, LiteralType, SimpleType
from google.protobuf.any_pb2 import Any as Packed
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.errors import InvalidArgument
from flyteadmin.launch_plans.validation import expected_inputs, validate_launch_plan
from tests.entities import integer, text, variables

WORKFLOW_INPUTS = variables(x=INTEGER, y=INTEGER, z=STRING)


def with_default(value: Literal, kind: SimpleType = INTEGER) -> Parameter:
    return Parameter(var=Variable(type=LiteralType(simple=kind)), default=value)


def spec(
    defaults: dict[str, Parameter] | None = None, fixed: dict[str, Literal] | None = None, **fields: object
) -> LaunchPlanSpec:
    made = LaunchPlanSpec(**fields)  # type: ignore[arg-type]  # whatever the test is about
    made.default_inputs.CopyFrom(ParameterMap(parameters=defaults or {}))
    made.fixed_inputs.CopyFrom(LiteralMap(literals=fixed or {}))
    return made


def message_of(made: LaunchPlanSpec) -> str:
    with pytest.raises(InvalidArgument) as refused:
        validate_launch_plan(made, WORKFLOW_INPUTS)
    return refused.value.message


@pytest.mark.conformance("REG-12")
def test_the_expected_inputs_are_the_defaults_and_what_is_neither_fixed_nor_defaulted() -> None:
    expected = validate_launch_plan(spec({"x": with_default(integer(1))}, {"y": integer(2)}), WORKFLOW_INPUTS)
    assert dict(expected.parameters) == {
        "x": with_default(integer(1)),
        "z": Parameter(var=Variable(type=LiteralType(simple=STRING)), required=True),
    }


@pytest.mark.conformance("REG-11")
@pytest.mark.parametrize(
    ("made", "message"),
    [
        (spec({"other": with_default(integer(1))}), "unexpected default_input other"),
        (spec(fixed={"other": integer(1)}), "unexpected fixed_input other"),
        (spec({"x": with_default(text("a"), STRING)}), "invalid default_input wrong type x"),
        (spec(fixed={"x": text("a")}), "invalid fixed_input wrong type x"),
        (spec({"x": with_default(text("a"))}), "Type mismatch for Parameter x in default_inputs"),
    ],
)
def test_inputs_must_be_the_workflows_and_castable(made: LaunchPlanSpec, message: str) -> None:
    assert message_of(made).startswith(message)


@pytest.mark.conformance("REG-11")
@pytest.mark.parametrize(
    ("made", "what"), [(spec({"x": with_default(integer(1))}), "default"), (spec(fixed={"x": integer(1)}), "fixed")]
)
def test_a_workflow_without_inputs_takes_none(made: LaunchPlanSpec, what: str) -> None:
    with pytest.raises(InvalidArgument, match=f"invalid launch plan {what} inputs, expected none but found 1"):
        validate_launch_plan(made, variables())


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (spec({"": with_default(integer(1))}), "missing key in default_inputs"),
        (spec(fixed={"": integer(1)}), "missing key in fixed_inputs"),
        (spec(fixed={"x": Literal()}), "missing valid literal in fixed_inputs x"),
        (spec({"x": Parameter(required=True)}), "The Variable component of the Parameter x in default_inputs"),
        (
            spec({"x": Parameter(var=Variable(type=LiteralType(simple=INTEGER)))}),
            "Invalid variable x in default_inputs - variable has neither default, nor is required",
        ),
    ],
)
def test_a_malformed_input_is_named(made: LaunchPlanSpec, message: str) -> None:
    assert message_of(made).startswith(message)


@pytest.mark.conformance("REG-14")
def test_launch_conditions_and_artifact_queries_are_refused() -> None:
    conditions = LaunchPlanMetadata(launch_conditions=Packed(type_url="type.example/condition"))
    assert message_of(spec(entity_metadata=conditions)).startswith("Launch condition must be empty")
    query = Parameter(var=Variable(type=LiteralType(simple=INTEGER)), artifact_query=ArtifactQuery(uri="a"))
    assert message_of(spec({"x": query})) == "artifact mode not enabled but query found default_inputs x"


@pytest.mark.conformance("REG-14")
def test_labels_and_notifications_follow_their_rules() -> None:
    labels = Labels(values={f"key{number}": "" for number in range(17)})
    assert message_of(spec(labels=labels)) == "labels map cannot exceed 16 entries"
    nobody = LaunchPlanMetadata(notifications=[Notification(email=EmailNotification())])
    assert message_of(spec(entity_metadata=nobody)) == "missing recipients"


NAMES = st.sets(st.sampled_from("abcdef"))


@given(inputs=NAMES, defaulted=NAMES, fixed=NAMES)
def test_fixed_defaulted_and_required_inputs_make_up_the_workflows(
    inputs: set[str], defaulted: set[str], fixed: set[str]
) -> None:
    defaulted, fixed = defaulted & inputs, fixed & inputs
    expected = expected_inputs(
        variables(**dict.fromkeys(inputs, INTEGER)),
        LiteralMap(literals=dict.fromkeys(fixed, integer(1))),
        ParameterMap(parameters=dict.fromkeys(defaulted, with_default(integer(2)))),
    )
    assert set(expected.parameters) == defaulted | (inputs - fixed)
    assert {name for name, parameter in expected.parameters.items() if parameter.required} == inputs - fixed - defaulted
