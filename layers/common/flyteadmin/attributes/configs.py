"""The fields of a workflow execution config: when a level sets one, and what the application's file sets; pure.

Source: flyteadmin util/shared.go MergeIntoExecConfig, application_configuration.go GetAsWorkflowExecutionConfig.
"""

from collections.abc import Callable, Mapping

from flyteidl.admin.execution_pb2 import ExecutionSpec
from flyteidl.admin.launch_plan_pb2 import LaunchPlanSpec
from flyteidl.admin.matchable_resource_pb2 import WorkflowExecutionConfig
from flyteidl.core.literals_pb2 import KeyValuePair

from flyteadmin.settings import FlyteAdminSection

type Values = ExecutionSpec | LaunchPlanSpec | WorkflowExecutionConfig
"""Messages that have the fields of a configuration under the same names."""


def _has_role(values: Values) -> bool:
    run_as = values.security_context.run_as
    return bool(run_as.k8s_service_account or run_as.iam_role or run_as.execution_identity)


IS_SET: Mapping[str, Callable[[Values], bool]] = {
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


def with_defaults(config: WorkflowExecutionConfig, application: FlyteAdminSection) -> WorkflowExecutionConfig:
    """Return a project's configuration with what it leaves unset taken from the application's (ATT-09)."""
    defaults, completed = application_level(application), WorkflowExecutionConfig()
    completed.CopyFrom(config)
    for field, is_set in IS_SET.items():
        if is_set(defaults) and not is_set(config):
            completed.ClearField(field)
            completed.MergeFrom(WorkflowExecutionConfig(**{field: getattr(defaults, field)}))
    return completed
