"""Matchable attributes in DynamoDB: all scopes that a launch or a registration may match, in one request."""

from collections.abc import Sequence
from dataclasses import dataclass

from flyteidl.admin.matchable_resource_pb2 import MatchableResource, MatchingAttributes, WorkflowExecutionConfig

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


@dataclass(frozen=True)
class MatchingAttributesRows:
    """The rows that match, the most specific scope first; `project_level` is the last of them, if it is there."""

    rows: tuple[AttributesRow, ...] = ()
    project_level: AttributesRow | None = None

    def most_specific(self, kind: MatchableResource) -> MatchingAttributes | None:
        """What the narrowest scope that sets this kind says, whole: nothing is merged (CFG-02, RES-02)."""
        column = _COLUMNS[kind]
        found = (getattr(row, column) for row in self.rows)
        return next((MatchingAttributes.FromString(raw) for raw in found if raw is not None), None)

    def workflow_execution_configs(self) -> list[WorkflowExecutionConfig]:
        """The two levels that an execution's configuration reads, nearest first (CFG-02, CFG-16).

        They are the most specific row, and the project's own; a row without a configuration counts as none.
        """
        nearest = self.most_specific(MatchableResource.WORKFLOW_EXECUTION_CONFIG)
        project = MatchingAttributesRows((self.project_level,) if self.project_level else ()).most_specific(
            MatchableResource.WORKFLOW_EXECUTION_CONFIG
        )
        levels = [level for level in (nearest, project) if level is not None]
        return [each.workflow_execution_config for each in levels if each.HasField("workflow_execution_config")]

    def of_domain(self) -> "MatchingAttributesRows":
        """Those of the project and domain and of the project, without what is said of a workflow."""
        broad = tuple(row for row in self.rows if row.scope.split(":")[2] == "")
        return MatchingAttributesRows(broad, self.project_level)


def matching(project: str, domain: str, workflow: str = "", launch_plan: str = "") -> MatchingAttributesRows:
    """What is set for a launch plan, its workflow, its project and domain, and its project; one consistent request."""
    wanted = keys(project, domain, workflow, launch_plan)
    return rows_of(batch_get(wanted), wanted)


def keys(project: str, domain: str, workflow: str = "", launch_plan: str = "") -> list[Key[AttributesRow]]:
    """The addresses that `rows_of` reads, the most specific first, for a batch read that wants more than these."""
    scopes = [(project, "", "", ""), (project, domain, "", "")]
    if workflow:
        scopes.append((project, domain, workflow, ""))
    if workflow and launch_plan:
        scopes.append((project, domain, workflow, launch_plan))
    addresses = (scope_key(*scope) for scope in reversed(scopes))
    return [Key(AttributesRow, address) for address in addresses if len(address.encode()) <= _MAX_KEY_BYTES]


def rows_of(found: Found, wanted: Sequence[Key[AttributesRow]]) -> MatchingAttributesRows:
    """The rows of `keys` among what a batch read found."""
    rows = tuple(row for key in wanted if (row := found.get(key)) is not None)
    return MatchingAttributesRows(rows, found.get(wanted[-1]) if wanted else None)


def scope_key(project: str, domain: str, workflow: str, launch_plan: str) -> str:
    """Give "project:domain:workflow:launch_plan"; blanks are what a scope does not narrow."""
    return f"{project}:{domain}:{_without_colon(workflow)}:{launch_plan}"


def _without_colon(name: str) -> str:
    return name.replace("%", "%25").replace(":", "%3A")
