"""Decides which matchable attributes apply: those of the most specific scope that sets a kind; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from flyteidl.admin.matchable_resource_pb2 import MatchableResource, MatchingAttributes, WorkflowExecutionConfig


@dataclass(frozen=True)
class ScopeAttributes:
    """The attributes that are set for the scope "project:domain:workflow:launch_plan".

    Each value is a serialized `admin.MatchingAttributes`, by the number of its kind in `MatchableResource`.
    """

    scope: str
    by_kind: Mapping[int, bytes]


@dataclass(frozen=True)
class MatchingAttributesRows:
    """The rows that match, the most specific scope first; `project_level` is the last of them, if it is there."""

    rows: tuple[ScopeAttributes, ...] = ()
    project_level: ScopeAttributes | None = None

    def most_specific(self, kind: MatchableResource) -> MatchingAttributes | None:
        """Return the value of the most specific scope that sets this kind; nothing is merged (CFG-02, RES-02)."""
        found = (row.by_kind[kind] for row in self.rows if kind in row.by_kind)
        return next((MatchingAttributes.FromString(raw) for raw in found), None)

    def workflow_execution_configs(self) -> list[WorkflowExecutionConfig]:
        """Return the two levels that an execution's configuration reads, nearest first (CFG-02, CFG-16).

        They are the most specific row, and the project's own; a row without a configuration counts as none.
        """
        nearest = self.most_specific(MatchableResource.WORKFLOW_EXECUTION_CONFIG)
        project = MatchingAttributesRows((self.project_level,) if self.project_level else ()).most_specific(
            MatchableResource.WORKFLOW_EXECUTION_CONFIG
        )
        levels = [level for level in (nearest, project) if level is not None]
        return [level.workflow_execution_config for level in levels if level.HasField("workflow_execution_config")]

    def of_domain(self) -> "MatchingAttributesRows":
        """Return the rows of the project and of its domain, without those of a workflow."""
        broad = tuple(row for row in self.rows if row.scope.split(":")[2] == "")
        return MatchingAttributesRows(broad, self.project_level)
