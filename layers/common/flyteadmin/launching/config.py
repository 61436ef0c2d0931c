"""Merges six levels of configuration: request, launch plan, two matchable rows, legacy roles, application; pure.

Source: flyteadmin execution_manager.go getExecutionConfig, util/shared.go MergeIntoExecConfig.
"""

from collections.abc import Iterable, Sequence

from flyteidl.admin.common_pb2 import AuthRole
from flyteidl.admin.execution_pb2 import ExecutionSpec
from flyteidl.admin.launch_plan_pb2 import LaunchPlanSpec
from flyteidl.admin.matchable_resource_pb2 import WorkflowExecutionConfig
from flyteidl.core.security_pb2 import SecurityContext

from flyteadmin.settings import FlyteAdminSection

type Level = ExecutionSpec | LaunchPlanSpec | WorkflowExecutionConfig


def resolve(
    request: ExecutionSpec,
    launch_plan: LaunchPlanSpec,
    rows: Sequence[WorkflowExecutionConfig],
    application: FlyteAdminSection,
    principal: str,
) -> WorkflowExecutionConfig:
    """Take each field from the first level that sets it (CFG-01…14); `rows` are the matchable ones, nearest first."""
    levels: list[Level] = [request, launch_plan, *rows]
    resolved = WorkflowExecutionConfig()
    for level in (*levels, _application_level(application)):
        _merge(resolved, level)
    resolved.security_context.CopyFrom(_security_context(levels, request, launch_plan, application))
    if not resolved.security_context.run_as.execution_identity:
        resolved.security_context.run_as.execution_identity = principal
    return resolved


def _merge(resolved: WorkflowExecutionConfig, level: Level) -> None:
    if not resolved.max_parallelism:
        resolved.max_parallelism = max(level.max_parallelism, 0)
    if not resolved.raw_output_data_config.output_location_prefix:
        resolved.raw_output_data_config.CopyFrom(level.raw_output_data_config)
    if not resolved.labels.values:
        resolved.labels.CopyFrom(level.labels)
    if not resolved.annotations.values:
        resolved.annotations.CopyFrom(level.annotations)
    if not resolved.envs.values:
        resolved.envs.CopyFrom(level.envs)
    if not resolved.HasField("interruptible") and level.HasField("interruptible"):
        resolved.interruptible.CopyFrom(level.interruptible)
    resolved.overwrite_cache = resolved.overwrite_cache or level.overwrite_cache


def _application_level(application: FlyteAdminSection) -> WorkflowExecutionConfig:
    level = WorkflowExecutionConfig(
        max_parallelism=application.max_parallelism,
        overwrite_cache=application.overwrite_cache,
    )
    level.raw_output_data_config.output_location_prefix = application.raw_output_location_prefix
    level.labels.values.update(application.labels)
    level.annotations.values.update(application.annotations)
    if application.interruptible:
        level.interruptible.value = True
    return level


def _security_context(
    levels: Iterable[Level], request: ExecutionSpec, launch_plan: LaunchPlanSpec, application: FlyteAdminSection
) -> SecurityContext:
    for level in levels:
        run_as = level.security_context.run_as
        if run_as.k8s_service_account or run_as.iam_role or run_as.execution_identity:
            return level.security_context
    role = _legacy_role(request, launch_plan)
    context = SecurityContext()
    if role.assumable_iam_role or role.kubernetes_service_account:
        context.run_as.iam_role = role.assumable_iam_role
        context.run_as.k8s_service_account = role.kubernetes_service_account
    else:
        context.run_as.iam_role = application.assumable_iam_role
        context.run_as.k8s_service_account = application.k8s_service_account
    return context


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
