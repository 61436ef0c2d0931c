"""Decides which matchable attributes apply: those of the most specific scope that sets a kind; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from flyteidl.admin.matchable_resource_pb2 import MatchableResource, MatchingAttributes, WorkflowExecutionConfig

_READ_BY_LAUNCH_PLAN = frozenset({MatchableResource.PLUGIN_OVERRIDE, MatchableResource.EXECUTION_CLUSTER_LABEL})
"""The kinds that a launch plan's own row may set (KD-23); no RPC writes such a row (ATT-12)."""


class Scope(StrEnum):
    """A scope of attributes, by what it is narrowed to."""

    LAUNCH_PLAN = "launch-plan"
    WORKFLOW = "workflow"
    PROJECT_DOMAIN = "project-domain"
    PROJECT = "project"


@dataclass(frozen=True)
class ScopeAttributes:
    """The attributes that are set for the scope "project:domain:workflow:launch_plan".

    Each value is a serialized `admin.MatchingAttributes`, by the number of its kind in `MatchableResource`.
    """

    scope: str
    by_kind: Mapping[int, bytes]

    @property
    def narrowed_to(self) -> Scope:
        """The narrowest part that the scope names."""
        _, domain, workflow, launch_plan = self.scope.split(":", 3)
        if launch_plan:
            return Scope.LAUNCH_PLAN
        if workflow:
            return Scope.WORKFLOW
        return Scope.PROJECT_DOMAIN if domain else Scope.PROJECT


@dataclass(frozen=True)
class ConfigRow:
    """The workflow execution config of one scope."""

    scope: Scope
    config: WorkflowExecutionConfig


@dataclass(frozen=True)
class MatchingAttributesRows:
    """The rows that match, the most specific scope first."""

    rows: tuple[ScopeAttributes, ...] = ()

    def most_specific(self, kind: MatchableResource) -> MatchingAttributes | None:
        """Return the value of the most specific scope that sets this kind, whole (RES-02, CFG-21)."""
        row = self._row(kind)
        return MatchingAttributes.FromString(row.by_kind[kind]) if row is not None else None

    def scope_of(self, kind: MatchableResource) -> Scope | None:
        """Return the most specific scope that sets this kind."""
        row = self._row(kind)
        return row.narrowed_to if row is not None else None

    def _row(self, kind: MatchableResource) -> ScopeAttributes | None:
        by_launch_plan = kind in _READ_BY_LAUNCH_PLAN
        eligible = (row for row in self.rows if by_launch_plan or row.narrowed_to is not Scope.LAUNCH_PLAN)
        return next((row for row in eligible if kind in row.by_kind), None)

    def workflow_execution_configs(self, *, merged: bool) -> list[ConfigRow]:
        """Return the rows that an execution's configuration reads, the most specific first (CFG-16, KD-25).

        They are those of the workflow, the project and domain, and the project. Where they are not merged, they are
        upstream's two: the most specific one, and the project's own (CFG-02). A row without a configuration is left
        out, after the most specific one was chosen.
        """
        kind = MatchableResource.WORKFLOW_EXECUTION_CONFIG
        rows = [row for row in self.rows if row.narrowed_to is not Scope.LAUNCH_PLAN and kind in row.by_kind]
        if not merged:
            rows = [*rows[:1], *(row for row in rows[1:] if row.narrowed_to is Scope.PROJECT)]
        read = ((row.narrowed_to, MatchingAttributes.FromString(row.by_kind[kind])) for row in rows)
        return [
            ConfigRow(scope, attributes.workflow_execution_config)
            for scope, attributes in read
            if attributes.HasField("workflow_execution_config")
        ]

    def of_domain(self) -> "MatchingAttributesRows":
        """Return the rows of the project and of its domain, without those of a workflow."""
        broad = {Scope.PROJECT_DOMAIN, Scope.PROJECT}
        return MatchingAttributesRows(tuple(row for row in self.rows if row.narrowed_to in broad))
