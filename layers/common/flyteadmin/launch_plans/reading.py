"""Reads launch plans for the API: GetLaunchPlan, GetActiveLaunchPlan and the lists."""

from flyteidl.admin.common_pb2 import ObjectGetRequest
from flyteidl.admin.launch_plan_pb2 import ActiveLaunchPlanRequest, LaunchPlan
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN

from flyteadmin.errors import NotFound, missing
from flyteadmin.launch_plans import messages, repository
from flyteadmin.named_entities.validation import validate_identifier, validate_scope, with_type
from flyteadmin.validation import missing_entity


def get(request: ObjectGetRequest) -> LaunchPlan:
    """GetLaunchPlan.

    Raises:
        InvalidArgument: the identifier is not whole, or not a launch plan's.
        NotFound: there is no such version.
    """
    given = with_type(request.id if request.HasField("id") else None, LAUNCH_PLAN)
    identifier = validate_identifier(given, LAUNCH_PLAN)
    row = repository.read(identifier)
    if row is None:
        raise missing_entity(identifier)
    return messages.launch_plan(row)


def get_active(request: ActiveLaunchPlanRequest) -> LaunchPlan:
    """GetActiveLaunchPlan.

    Raises:
        InvalidArgument: the identifier is not whole.
        NotFound: no version of this name is active (REG-18).
    """
    identifier = request.id
    validate_scope(identifier.project, identifier.domain, identifier.name)
    if not identifier.name:
        raise missing("name")
    row = repository.read_active(identifier.project, identifier.domain, identifier.name)
    if row is None:
        name = f"{identifier.project}:{identifier.domain}:{identifier.name}"
        raise NotFound(f"No active launch plan could be found: {name}")
    return messages.launch_plan(row)
