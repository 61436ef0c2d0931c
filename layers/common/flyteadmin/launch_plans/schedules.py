"""Validates the schedules of launch plans; pure.

Source: flyteadmin validation/launch_plan_validator.go validateSchedule; cron as robfig/cron's standard parser reads it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from flyteidl.admin.launch_plan_pb2 import LaunchPlanSpec
from flyteidl.admin.schedule_pb2 import Schedule
from flyteidl.core import types_pb2
from flyteidl.core.interface_pb2 import ParameterMap

from flyteadmin.errors import InvalidArgument
from flyteadmin.pretty_print import to_text

_DESCRIPTORS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
_EVERY = "@every "
_DURATION = re.compile(r"[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)")  # Go takes both micro signs
_NUMBER = re.compile(r"\+?\d{1,9}")


@dataclass(frozen=True)
class _Field:
    name: str
    least: int
    most: int
    names: Mapping[str, int] = field(default_factory=dict)


def _numbered(names: str, first: int) -> dict[str, int]:
    return {name: number for number, name in enumerate(names.split(), first)}


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _numbered("jan feb mar apr may jun jul aug sep oct nov dec", 1)),
    _Field("day of week", 0, 6, _numbered("sun mon tue wed thu fri sat", 0)),
)


def kind(spec: LaunchPlanSpec) -> str:
    """Return the kind of schedule that lists filter on: "CRON", "RATE" or "NONE"."""
    schedule = spec.entity_metadata.schedule
    if schedule.cron_expression or schedule.HasField("cron_schedule"):
        return "CRON"
    return "RATE" if schedule.HasField("rate") else "NONE"


def is_empty(spec: LaunchPlanSpec) -> bool:
    """Return whether there is nothing to run on a schedule."""
    schedule = spec.entity_metadata.schedule
    return not (schedule.cron_expression or schedule.cron_schedule.schedule or schedule.rate.value)


def validate_schedule(schedule: Schedule, expected: ParameterMap) -> None:
    """Check that a schedule can start executions by itself (REG-13).

    Raises:
        InvalidArgument: a required input is unbound, the kickoff input is no free datetime, or the cron expression is
            malformed.
    """
    if schedule.WhichOneof("ScheduleExpression") is None:
        return
    kickoff = schedule.kickoff_time_input_arg
    for name in sorted(expected.parameters):
        if expected.parameters[name].required and name != kickoff:
            raise InvalidArgument(
                "Cannot create a launch plan with a schedule if there is an unbound required input."
                f" [{name}] is required"
            )
    if kickoff:
        _validate_kickoff(kickoff, expected)
    expression = schedule.cron_expression or schedule.cron_schedule.schedule
    if expression and (why := cron_error(expression)):
        raise InvalidArgument(f"Invalid cron expression: {why}")


def _validate_kickoff(kickoff: str, expected: ParameterMap) -> None:
    if kickoff not in expected.parameters:
        raise InvalidArgument(
            "Cannot create a schedule with a KickoffTimeInputArg that does not point to a free input."
            f" [{kickoff}] is not free or does not exist."
        )
    declared = expected.parameters[kickoff].var.type
    if declared.simple != types_pb2.DATETIME:
        raise InvalidArgument(
            f"KickoffTimeInputArg must reference a datetime input. [{kickoff}] is a [{to_text(declared)}]"
        )


def cron_error(expression: str) -> str:
    """Return the fault of a cron expression, "" if it is a standard one.

    That is five fields or a descriptor such as "@daily", with or without a time zone ("TZ=…") before it.
    """
    text = expression
    if text.startswith(("TZ=", "CRON_TZ=")):
        zone, _, text = text.partition(" ")
        if not _is_zone(zone.partition("=")[2]):
            return f"provided bad location {zone.partition('=')[2][:100]}"
        text = text.strip()
    if text.startswith("@"):
        return "" if _is_descriptor(text) else f"unrecognized descriptor: {text[:100]}"
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"expected exactly 5 fields, found {len(fields)}: [{text[:100]}]"
    errors = (_field_error(part, allowed) for part, allowed in zip(fields, _FIELDS, strict=True))
    return next(filter(None, errors), "")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _is_descriptor(text: str) -> bool:
    if text.startswith(_EVERY):
        return _DURATION.fullmatch(text[len(_EVERY) :]) is not None
    return text in _DESCRIPTORS


def _field_error(text: str, allowed: _Field) -> str:
    parts = [part for part in text.split(",") if part]
    errors = (_range_error(part, allowed) for part in parts)
    return next(filter(None, errors), "")


def _range_error(text: str, allowed: _Field) -> str:
    span, *steps = text.split("/")
    low, *high = span.split("-")
    if len(steps) > 1:
        return f"too many slashes: {text[:100]}"
    if low in {"*", "?"}:
        first, last = allowed.least, allowed.most
    else:
        if len(high) > 1:
            return f"too many hyphens: {text[:100]}"
        bounds = [_number(part, allowed.names) for part in (low, *high)]
        if None in bounds:
            return f"failed to parse int from {span[:100]} in the {allowed.name}"
        first, last = _bounds([bound for bound in bounds if bound is not None], allowed, has_step=bool(steps))
    return _span_error(text[:100], first, last, allowed) or _step_error(text[:100], steps)


def _bounds(bounds: list[int], allowed: _Field, *, has_step: bool) -> tuple[int, int]:
    """Return the first and last value; a single number with a step goes on to the end of its field."""
    if len(bounds) == 1 and has_step:
        return bounds[0], allowed.most
    return bounds[0], bounds[-1]


def _span_error(text: str, first: int, last: int, allowed: _Field) -> str:
    if first < allowed.least:
        return f"beginning of range ({first}) below minimum ({allowed.least}): {text}"
    if last > allowed.most:
        return f"end of range ({last}) above maximum ({allowed.most}): {text}"
    if first > last:
        return f"beginning of range ({first}) beyond end of range ({last}): {text}"
    return ""


def _step_error(text: str, steps: list[str]) -> str:
    if not steps:
        return ""
    step = _number(steps[0], {})
    if step is None:
        return f"failed to parse int from {steps[0]}: {text}"
    return "" if step else f"step of range should be a positive number: {text}"


def _number(text: str, names: Mapping[str, int]) -> int | None:
    if text.lower() in names:
        return names[text.lower()]
    return int(text) if _NUMBER.fullmatch(text) else None
