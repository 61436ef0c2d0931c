"""Reads the compiler's facts of a launch plan that a workflow starts (`admin.go`)."""

from dataclasses import dataclass

from flyteidl.admin.launch_plan_pb2 import LaunchPlan
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.interface_pb2 import ParameterMap, VariableMap


@dataclass(frozen=True, slots=True)
class LaunchPlanInterface:
    """A launch plan's id, the inputs it takes (with defaults) and the outputs it gives; a missing one is an error."""

    id: Identifier
    expected_inputs: ParameterMap | None
    expected_outputs: VariableMap | None


def launch_plan_interface(launch_plan: LaunchPlan) -> LaunchPlanInterface:
    """Return the interface of a stored launch plan, as its closure has it."""
    closure = launch_plan.closure
    return LaunchPlanInterface(
        id=launch_plan.id,
        expected_inputs=closure.expected_inputs if closure.HasField("expected_inputs") else None,
        expected_outputs=closure.expected_outputs if closure.HasField("expected_outputs") else None,
    )
