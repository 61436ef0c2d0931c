"""Lists of launch plans: what may be asked of them, and which index answers."""

from flyteidl.admin.common_pb2 import NamedEntityIdentifier, ResourceListRequest, Sort
from flyteidl.admin.launch_plan_pb2 import ACTIVE, INACTIVE, ActiveLaunchPlanListRequest, LaunchPlanList

from flyteadmin.clients.dynamodb.pages import read_page, reading
from flyteadmin.launch_plans import repository
from flyteadmin.launch_plans.models import LaunchPlanRow
from flyteadmin.listing.access import Access
from flyteadmin.listing.columns import Entity
from flyteadmin.listing.common_columns import name_columns
from flyteadmin.listing.conditions import Column, Columns, Kind, Span
from flyteadmin.listing.tokens import token_of
from flyteadmin.named_entities import versions

_COLUMNS: Columns[LaunchPlanRow] = {
    **versions.columns(Entity.LAUNCH_PLAN),
    (Entity.LAUNCH_PLAN, "updated_at"): Column(Kind.TIME, lambda row: int(row.updated_at)),
    (Entity.LAUNCH_PLAN, "state"): Column(Kind.INTEGER, lambda row: int(row.state)),
    (Entity.LAUNCH_PLAN, "schedule_type"): Column(Kind.TEXT, lambda row: row.schedule_type),
    (Entity.LAUNCH_PLAN, "launch_condition_type"): Column(Kind.TEXT, lambda _row: None),
    **name_columns(Entity.WORKFLOW, lambda row: row.workflow),
    (Entity.WORKFLOW, "version"): Column(Kind.TEXT, lambda row: row.workflow_version),
}
"""Nothing writes a launch condition yet, at upstream neither."""

_SORTED_BY = {**versions.SORTED_BY, "updated_at": "updated_at"}


def list_launch_plans(request: ResourceListRequest) -> LaunchPlanList:
    """ListLaunchPlans: versions of one name, or of a project and domain, the newest first (LST-26).

    Raises:
        InvalidArgument: a field is missing, or a filter, the sort key or the token is not one.
    """
    return _list(request, "ListLaunchPlans")


def list_active(request: ActiveLaunchPlanListRequest) -> LaunchPlanList:
    """ListActiveLaunchPlans of a project and domain, by name (LST-27); errors as `list_launch_plans`."""
    scope = NamedEntityIdentifier(project=request.project, domain=request.domain)
    sort = request.sort_by if request.HasField("sort_by") else Sort(key="name", direction=Sort.ASCENDING)
    asks = ResourceListRequest(
        id=scope, limit=request.limit, token=request.token, filters=f"eq(state,{ACTIVE})", sort_by=sort
    )
    return _list(asks, "ListActiveLaunchPlans")


def _list(request: ResourceListRequest, rpc: str) -> LaunchPlanList:
    asks = versions.asked(request, rpc, Entity.LAUNCH_PLAN, _COLUMNS, _SORTED_BY)
    page = read_page(reading(LaunchPlanRow, _access(asks), asks.conditions, blob=repository.blob), asks.page)
    return LaunchPlanList(launch_plans=[repository.message(row) for row in page.rows], token=token_of(page.following))


def _access(asks: versions.Asked[LaunchPlanRow]) -> Access:
    """Which index answers: the narrowest that has the order."""
    is_active = not asks.conditions.allow(Entity.LAUNCH_PLAN, "state", INACTIVE)
    match asks.page.order.column:
        case "name" | "created_at" if asks.name and is_active:
            return Access("active", (asks.listing,), Span(asks.name, asks.name))
        case "name" if is_active:
            return Access("active", (asks.listing,), versions.name_span(asks))
        case "updated_at":
            updated = asks.conditions.span(Entity.LAUNCH_PLAN, "updated_at")
            return (
                Access("updated", (asks.name,), updated)
                if asks.name
                else Access("listing_updated", (asks.listing,), updated)
            )
        case "created_at" if not asks.name:
            return _by_creation(asks, is_active=is_active)
        case _:
            return versions.access(asks)


def _by_creation(asks: versions.Asked[LaunchPlanRow], *, is_active: bool) -> Access:
    created = asks.conditions.span(Entity.LAUNCH_PLAN, "created_at")
    workflow = asks.conditions.text(Entity.WORKFLOW, "name")
    version = asks.conditions.text(Entity.WORKFLOW, "version")
    if workflow and version:
        key = repository.workflow_version_key(asks.listing, workflow, version)
        return Access("workflow_version", (key,), created)
    if is_active:
        return Access("active_created", (asks.listing,), created)
    if workflow:
        return Access("workflow", (repository.workflow_key(asks.listing, workflow),), created)
    if not asks.conditions.allow(Entity.LAUNCH_PLAN, "schedule_type", "NONE"):
        return Access("scheduled", (asks.listing,), created)
    return versions.access(asks)
