"""Builds a launch plan as clients and the compiler read it from its row; a large spec is read from S3."""

from flyteidl.admin.launch_plan_pb2 import ACTIVE, INACTIVE, LaunchPlan, LaunchPlanClosure
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, Identifier

from flyteadmin.clients.dynamodb.reads import Found
from flyteadmin.compiler.admin import LaunchPlanInterface, launch_plan_interface
from flyteadmin.identifiers import entity_identifier
from flyteadmin.launch_plans import repository
from flyteadmin.launch_plans.models import LaunchPlanRow
from flyteadmin.timestamps import to_timestamp


def launch_plan(row: LaunchPlanRow) -> LaunchPlan:
    """Return the launch plan with its spec, its state and its expected inputs and outputs."""
    spec = repository.specification(row)
    closure = LaunchPlanClosure(
        expected_inputs=spec.default_inputs,
        expected_outputs=repository.expected_outputs(row),
        created_at=to_timestamp(row.created_at),
        updated_at=to_timestamp(row.updated_at),
    )
    closure.state = ACTIVE if row.state else INACTIVE
    return LaunchPlan(id=entity_identifier(LAUNCH_PLAN, row.name, row.version), spec=spec, closure=closure)


def interface(found: Found, identifier: Identifier) -> LaunchPlanInterface | None:
    """Return the interface of a launch plan that a workflow starts; None if a batch read did not find it."""
    row = found.get(repository.key(identifier))
    if row is None:
        return None
    stored = launch_plan_interface(launch_plan(row))
    return LaunchPlanInterface(identifier, stored.expected_inputs, stored.expected_outputs)
