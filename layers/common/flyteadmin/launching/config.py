"""Resolves the configuration of an execution, field by field, from the first level that sets it; pure.

The levels are the request, the launch plan, the matchable attributes of workflow, project-domain and project, the
legacy roles, and the application's configuration.

Source: flyteadmin execution_manager.go getExecutionConfig, util/shared.go MergeIntoExecConfig.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from flyteidl.admin.common_pb2 import AuthRole
from flyteidl.admin.execution_pb2 import ExecutionSpec
from flyteidl.admin.launch_plan_pb2 import LaunchPlanSpec
from flyteidl.admin.matchable_resource_pb2 import WorkflowExecutionConfig
from flyteidl.core.literals_pb2 import KeyValuePair

from flyteadmin.attributes.matching import ConfigRow, Scope
from flyteadmin.settings import FlyteAdminSection

type Values = ExecutionSpec | LaunchPlanSpec | WorkflowExecutionConfig
"""Messages that have the fields of a configuration under the same names."""


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
    for field, is_set in _IS_SET.items():
        first = next(((level, values) for level, values in levels if is_set(values)), None)
        if first is not None:
            yield field, first


def _has_role(values: Values) -> bool:
    run_as = values.security_context.run_as
    return bool(run_as.k8s_service_account or run_as.iam_role or run_as.execution_identity)


_IS_SET: Mapping[str, Callable[[Values], bool]] = {
    "max_parallelism": lambda values: values.max_parallelism > 0,
    "security_context": _has_role,
    "raw_output_data_config": lambda values: bool(values.raw_output_data_config.output_location_prefix),
    "labels": lambda values: bool(values.labels.values),
    "annotations": lambda values: bool(values.annotations.values),
    "interruptible": lambda values: values.HasField("interruptible"),
    "overwrite_cache": lambda values: values.overwrite_cache,
    "envs": lambda values: bool(values.envs.values),
}
"""The test by which a level sets a field; no field is merged within itself, and an unset one leaves it to the next."""


def application_level(application: FlyteAdminSection) -> WorkflowExecutionConfig:
    """Return what the application's configuration sets; of `interruptible` only a true one counts (CFG-12, CFG-23)."""
    level = WorkflowExecutionConfig(
        max_parallelism=application.max_parallelism,
        overwrite_cache=application.overwrite_cache,
    )
    level.security_context.run_as.iam_role = application.assumable_iam_role
    level.security_context.run_as.k8s_service_account = application.k8s_service_account
    level.raw_output_data_config.output_location_prefix = application.output_location_prefix
    level.labels.values.update(application.labels)
    level.annotations.values.update(application.annotations)
    level.envs.values.extend(KeyValuePair(key=key, value=value) for key, value in application.envs.items())
    if application.interruptible:
        level.interruptible.value = True
    return level


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
