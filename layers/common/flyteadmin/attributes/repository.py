"""Matchable attributes in DynamoDB: all scopes that a launch or a registration may match, in one request."""

from collections.abc import Sequence

from flyteidl.admin.matchable_resource_pb2 import MatchableResource

from flyteadmin.attributes.matching import MatchingAttributesRows, ScopeAttributes
from flyteadmin.attributes.models import AttributesRow
from flyteadmin.clients.dynamodb.keys import Key
from flyteadmin.clients.dynamodb.reads import Found, batch_get

_MAX_KEY_BYTES = 2048
_COLUMNS: dict[int, str] = {
    MatchableResource.TASK_RESOURCE: "task_resource",
    MatchableResource.CLUSTER_RESOURCE: "cluster_resource",
    MatchableResource.EXECUTION_QUEUE: "execution_queue",
    MatchableResource.EXECUTION_CLUSTER_LABEL: "execution_cluster_label",
    MatchableResource.QUALITY_OF_SERVICE_SPECIFICATION: "quality_of_service",
    MatchableResource.PLUGIN_OVERRIDE: "plugin_override",
    MatchableResource.WORKFLOW_EXECUTION_CONFIG: "workflow_execution_config",
    MatchableResource.CLUSTER_ASSIGNMENT: "cluster_assignment",
}


def matching(project: str, domain: str, workflow: str = "", launch_plan: str = "") -> MatchingAttributesRows:
    """Read what is set for a launch plan, its workflow, its project and domain, and its project, consistently."""
    scopes = keys(project, domain, workflow, launch_plan)
    return rows_of(batch_get(scopes), scopes)


def keys(project: str, domain: str, workflow: str = "", launch_plan: str = "") -> list[Key[AttributesRow]]:
    """Return the addresses that `rows_of` reads, the most specific first, to be part of a larger batch read."""
    scopes = [(project, "", "", ""), (project, domain, "", "")]
    if workflow:
        scopes.append((project, domain, workflow, ""))
    if workflow and launch_plan:
        scopes.append((project, domain, workflow, launch_plan))
    addresses = (scope_key(*scope) for scope in reversed(scopes))
    return [Key(AttributesRow, address) for address in addresses if len(address.encode()) <= _MAX_KEY_BYTES]


def rows_of(found: Found, scopes: Sequence[Key[AttributesRow]]) -> MatchingAttributesRows:
    """Return the rows of `keys` among those that a batch read found."""
    return MatchingAttributesRows(tuple(_attributes(row) for key in scopes if (row := found.get(key)) is not None))


def _attributes(row: AttributesRow) -> ScopeAttributes:
    columns = ((kind, getattr(row, column)) for kind, column in _COLUMNS.items())
    return ScopeAttributes(row.scope, {kind: value for kind, value in columns if value is not None})


def scope_key(project: str, domain: str, workflow: str, launch_plan: str) -> str:
    """Return "project:domain:workflow:launch_plan"; a part that the scope does not narrow is blank."""
    return f"{project}:{domain}:{_without_colon(workflow)}:{launch_plan}"


def _without_colon(name: str) -> str:
    return name.replace("%", "%25").replace(":", "%3A")
