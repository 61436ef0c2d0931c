"""Lists of launch plans: the columns that filters may name, and the index that answers."""

from flyteidl.admin.common_pb2 import NamedEntityIdentifier, ResourceListRequest, Sort
from flyteidl.admin.launch_plan_pb2 import ACTIVE, INACTIVE, ActiveLaunchPlanListRequest, LaunchPlanList

from flyteadmin.clients.dynamodb.pages import page_source, read_page
from flyteadmin.launch_plans import messages, repository
from flyteadmin.launch_plans.models import LaunchPlanRow
from flyteadmin.listing.columns import Entity
from flyteadmin.listing.common_columns import name_columns
from flyteadmin.listing.conditions import Column, Columns, KeyRange, Kind
from flyteadmin.listing.index_query import IndexQuery
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
    listing_request = ResourceListRequest(
        id=scope, limit=request.limit, token=request.token, filters=f"eq(state,{ACTIVE})", sort_by=sort
    )
    return _list(listing_request, "ListActiveLaunchPlans")


def _list(request: ResourceListRequest, rpc: str) -> LaunchPlanList:
    query = versions.version_query(request, rpc, Entity.LAUNCH_PLAN, _COLUMNS, _SORTED_BY)
    page = read_page(
        page_source(LaunchPlanRow, _index_query(query), query.conditions, blob=repository.blob), query.page_request
    )
    launch_plans = [messages.launch_plan(row) for row in page.rows]
    return LaunchPlanList(launch_plans=launch_plans, token=token_of(page.next_start))


def _index_query(query: versions.VersionQuery[LaunchPlanRow]) -> IndexQuery:
    """Choose the index that answers: the narrowest that has the order."""
    is_active = not query.conditions.allow(Entity.LAUNCH_PLAN, "state", INACTIVE)
    match query.page_request.order.column:
        case "name" | "created_at" if query.name and is_active:
            return IndexQuery("active", (query.listing,), KeyRange(query.name, query.name))
        case "name" if is_active:
            return IndexQuery("active", (query.listing,), versions.name_range(query))
        case "updated_at":
            updated = query.conditions.key_range(Entity.LAUNCH_PLAN, "updated_at")
            return (
                IndexQuery("updated", (query.name,), updated)
                if query.name
                else IndexQuery("listing_updated", (query.listing,), updated)
            )
        case "created_at" if not query.name:
            return _by_creation(query, is_active=is_active)
        case _:
            return versions.index_query(query)


def _by_creation(query: versions.VersionQuery[LaunchPlanRow], *, is_active: bool) -> IndexQuery:
    created = query.conditions.key_range(Entity.LAUNCH_PLAN, "created_at")
    workflow = query.conditions.exact_text(Entity.WORKFLOW, "name")
    version = query.conditions.exact_text(Entity.WORKFLOW, "version")
    if workflow and version:
        key = repository.workflow_version_key(query.listing, workflow, version)
        return IndexQuery("workflow_version", (key,), created)
    if is_active:
        return IndexQuery("active_created", (query.listing,), created)
    if workflow:
        return IndexQuery("workflow", (repository.workflow_key(query.listing, workflow),), created)
    if not query.conditions.allow(Entity.LAUNCH_PLAN, "schedule_type", "NONE"):
        return IndexQuery("scheduled", (query.listing,), created)
    return versions.index_query(query)
