"""What happens when launch plans are read."""

from itertools import islice

from flyteidl.admin.common_pb2 import ObjectGetRequest, ResourceListRequest, Sort
from flyteidl.admin.launch_plan_pb2 import (
    ActiveLaunchPlanListRequest,
    ActiveLaunchPlanRequest,
    LaunchPlan,
    LaunchPlanList,
)
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN

from flyteadmin.errors import InvalidArgument, NotFound, missing
from flyteadmin.launch_plans import repository
from flyteadmin.launch_plans.models import LaunchPlanRow
from flyteadmin.listing import Cursor, start_of, token_after, validate_limit
from flyteadmin.named_entities.reading import asked, next_token
from flyteadmin.named_entities.repository import versions
from flyteadmin.named_entities.validation import missing_entity, validate_identifier, validate_scope, with_type

_PAGE = 1000


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
    return repository.message(row)


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
    return repository.message(row)


def list_launch_plans(request: ResourceListRequest) -> LaunchPlanList:
    """ListLaunchPlans: versions of one name, or of a project and domain, the newest first (LST-26).

    Raises:
        InvalidArgument: a field is missing, the token is not ours, or a filter or sort key is asked for that is not
            supported yet.
    """
    wanted = asked(request, "ListLaunchPlans")
    rows = versions(
        LaunchPlanRow, wanted.partition, wanted.index, wanted.start, wanted.limit, ascending=wanted.ascending
    )
    return LaunchPlanList(launch_plans=[repository.message(row) for row in rows], token=next_token(wanted, rows))


def list_active(request: ActiveLaunchPlanListRequest) -> LaunchPlanList:
    """ListActiveLaunchPlans of a project and domain, by name (LST-27); errors as `list_launch_plans`."""
    validate_scope(request.project, request.domain)
    validate_limit(request.limit)
    if request.HasField("sort_by") and (request.sort_by.key, request.sort_by.direction) != ("name", Sort.ASCENDING):
        raise InvalidArgument(
            f"invalid sort key '{request.sort_by.key[:100]}': ListActiveLaunchPlans sorts by name ASCENDING only"
        )
    start = start_of(request.token, "ListActiveLaunchPlans")
    end = start.offset + request.limit
    after = start.after.key if start.after is not None else ""
    in_order = repository.active_rows(request.project, request.domain, after, min(end, _PAGE))
    rows = list(islice(in_order, start.offset, end))
    answer = LaunchPlanList(launch_plans=[repository.message(row) for row in rows])
    if len(rows) == request.limit:
        answer.token = token_after(Cursor(created_at=0, key=rows[-1].name))
    return answer
