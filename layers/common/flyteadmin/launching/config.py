"""Resolves the configuration of an execution, field by field, from the first level that sets it; pure.

The levels are the request, the launch plan, the matchable attributes of workflow, project-domain and project, the
legacy roles, and the application's configuration.

Source: flyteadmin execution_manager.go getExecutionConfig, util/shared.go MergeIntoExecConfig.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from flyteidl.admin.common_pb2 import AuthRole
from flyteidl.admin.execution_pb2 import ExecutionSpec
from flyteidl.admin.launch_plan_pb2 import LaunchPlanSpec
from flyteidl.admin.matchable_resource_pb2 import WorkflowExecutionConfig

from flyteadmin.attributes.configs import IS_SET, Values, application_level
from flyteadmin.attributes.matching import ConfigRow, Scope
from flyteadmin.settings import FlyteAdminSection

FIELDS = tuple(IS_SET)
"""The names of the fields of a configuration."""


class Level(StrEnum):
    """A level at which a value is set; its text is what operators read."""

    REQUEST = "request"
    LAUNCH_PLAN = "launch plan"
    WORKFLOW_ATTRIBUTES = "workflow attributes"
    PROJECT_DOMAIN_ATTRIBUTES = "project-domain attributes"
    PROJECT_ATTRIBUTES = "project attributes"
    LAUNCH_PLAN_ATTRIBUTES = "launch-plan attributes"
    LEGACY_ROLE = "legacy role"
    APPLICATION = "application"

    @classmethod
    def of(cls, scope: Scope) -> "Level":
        """Return the level of a scope's attributes."""
        return cls(f"{scope} attributes")


@dataclass(frozen=True)
class Resolved:
    """A resolved configuration, and by the name of each field that any level sets the level that decided it."""

    config: WorkflowExecutionConfig
    levels: Mapping[str, Level]


def resolve(
    request: ExecutionSpec,
    launch_plan: LaunchPlanSpec,
    rows: Sequence[ConfigRow],
    application: FlyteAdminSection,
    principal: str,
) -> Resolved:
    """Take each field from the first level that sets it (CFG-01…14); `rows` are the matchable ones, nearest first."""
    levels: list[tuple[Level, Values]] = [
        (Level.REQUEST, request),
        (Level.LAUNCH_PLAN, launch_plan),
        *((Level.of(row.scope), row.config) for row in rows),
        (Level.LEGACY_ROLE, _legacy_level(request, launch_plan)),
        (Level.APPLICATION, application_level(application)),
    ]
    config, decided = WorkflowExecutionConfig(), dict(_decided(levels))
    for field, (_, values) in decided.items():
        config.MergeFrom(WorkflowExecutionConfig(**{field: getattr(values, field)}))
    run_as = config.security_context.run_as
    run_as.execution_identity = run_as.execution_identity or principal
    return Resolved(config, {field: level for field, (level, _) in decided.items()})


def _decided(levels: Sequence[tuple[Level, Values]]) -> Iterator[tuple[str, tuple[Level, Values]]]:
    """Yield each field that a level sets, and the first such level."""
    for field, is_set in IS_SET.items():
        first = next(((level, values) for level, values in levels if is_set(values)), None)
        if first is not None:
            yield field, first


def _legacy_level(request: ExecutionSpec, launch_plan: LaunchPlanSpec) -> WorkflowExecutionConfig:
    role, level = _legacy_role(request, launch_plan), WorkflowExecutionConfig()
    level.security_context.run_as.iam_role = role.assumable_iam_role
    level.security_context.run_as.k8s_service_account = role.kubernetes_service_account
    return level


def _legacy_role(request: ExecutionSpec, launch_plan: LaunchPlanSpec) -> AuthRole:
    """Return the first legacy role that is set: a blank one in the request hides the launch plan's (CFG-06, CFG-07)."""
    if request.HasField("auth_role"):
        return request.auth_role
    if launch_plan.HasField("auth_role"):
        return launch_plan.auth_role
    if launch_plan.HasField("auth"):
        return AuthRole(
            assumable_iam_role=launch_plan.auth.assumable_iam_role,
            kubernetes_service_account=launch_plan.auth.kubernetes_service_account,
        )
    return AuthRole(assumable_iam_role=launch_plan.role)
