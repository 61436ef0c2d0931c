"""Cron expressions as robfig/cron's standard parser takes them, and what a schedule needs of its launch plan."""

import pytest
from flyteidl.admin.schedule_pb2 import CronSchedule, FixedRate, Schedule
from flyteidl.core.interface_pb2 import Parameter, ParameterMap, Variable
from flyteidl.core.types_pb2 import DATETIME, INTEGER, LiteralType, SimpleType
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.errors import InvalidArgument
from flyteadmin.launch_plans.schedules import cron_error, validate_schedule
from tests.entities import integer


def required(kind: SimpleType) -> Parameter:
    return Parameter(var=Variable(type=LiteralType(simple=kind)), required=True)


def cron(expression: str, kickoff: str = "") -> Schedule:
    return Schedule(cron_schedule=CronSchedule(schedule=expression), kickoff_time_input_arg=kickoff)


def message_of(schedule: Schedule, **parameters: Parameter) -> str:
    with pytest.raises(InvalidArgument) as refused:
        validate_schedule(schedule, ParameterMap(parameters=parameters))
    return refused.value.message


@pytest.mark.conformance("REG-13")
@pytest.mark.parametrize(
    "expression",
    [
        "* * * * *",
        "*/10 * * * *",
        "0 0 1 1 0",
        "59 23 31 12 6",
        "5/15 8-18 ? JAN-mar Mon,WED,fri",
        "1,2,3-5/2 * * * *",
        "@hourly",
        "@every 1h30m",
        "TZ=Europe/Vienna 0 6 * * *",
        "CRON_TZ=UTC @daily",
    ],
)
def test_standard_expressions_are_taken(expression: str) -> None:
    assert cron_error(expression) == ""
    validate_schedule(cron(expression), ParameterMap())


@pytest.mark.conformance("REG-13")
@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("* * * *", "expected exactly 5 fields, found 4"),
        ("0 * * * * *", "expected exactly 5 fields, found 6"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("*/2/3 * * * *", "too many slashes: */2/3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("*/x * * * *", "failed to parse int from x: */x"),
        ("a * * * *", "failed to parse int from a in the minute"),
        ("@fortnightly", "unrecognized descriptor: @fortnightly"),
        ("@every soon", "unrecognized descriptor: @every soon"),
        ("TZ=Nowhere/Town * * * * *", "provided bad location Nowhere/Town"),
    ],
)
def test_others_are_refused_with_the_reason(expression: str, why: str) -> None:
    assert message_of(cron(expression)).startswith(f"Invalid cron expression: {why}")


@given(st.text(alphabet="*/-,?0123456789 @TZ=monjan", max_size=30))
def test_any_text_is_taken_or_refused(expression: str) -> None:
    assert isinstance(cron_error(expression), str)


@pytest.mark.conformance("REG-13")
def test_a_required_input_must_be_bound() -> None:
    assert message_of(cron("@daily"), x=required(INTEGER)) == (
        "Cannot create a launch plan with a schedule if there is an unbound required input. [x] is required"
    )


@pytest.mark.conformance("REG-13")
def test_the_kickoff_time_is_an_unbound_datetime() -> None:
    validate_schedule(cron("@daily", "when"), ParameterMap(parameters={"when": required(DATETIME)}))
    assert "[when] is not free or does not exist" in message_of(cron("@daily", "when"))
    defaulted = Parameter(var=Variable(type=LiteralType(simple=INTEGER)), default=integer(1))
    assert "must reference a datetime input. [when]" in message_of(cron("@daily", "when"), when=defaulted)


@pytest.mark.conformance("REG-13")
def test_a_rate_needs_bound_inputs_too() -> None:
    rate = Schedule(rate=FixedRate(value=5, unit="MINUTE"))
    validate_schedule(rate, ParameterMap())
    assert "[x] is required" in message_of(rate, x=required(INTEGER))


def test_no_schedule_needs_nothing() -> None:
    validate_schedule(Schedule(), ParameterMap(parameters={"x": required(INTEGER)}))
