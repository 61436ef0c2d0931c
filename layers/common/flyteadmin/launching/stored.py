"""A stored execution as what it was created from and what was decided, and whether it may still be launched; pure.

Whatever starts an execution later, or another one like it, plans from this request with the values that the rows keep:
caller, principal, nesting, cluster, namespace and time of acceptance. Under the same configuration that gives the same
resource.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionSpec, NotificationList
from flyteidl.admin.matchable_resource_pb2 import PluginOverrides, TaskResourceAttributes, WorkflowExecutionConfig
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.executions.models import ExecutionState, StoredExecution
from flyteadmin.executions.phases import UNDEFINED, LaunchState
from flyteadmin.identifiers import execution_identifier
from flyteadmin.launching import resources
from flyteadmin.launching.config import FIELDS, Level
from flyteadmin.launching.decisions import ALWAYS_RESOLVED, Decisions
from flyteadmin.settings import TaskResources
from flyteadmin.timestamps import to_datetime

LAUNCH_WITHIN = timedelta(minutes=10)
"""The time after its acceptance in which an execution may still get its resource."""


def request_of(stored: StoredExecution, spec: ExecutionSpec, user_inputs: LiteralMap) -> ExecutionCreateRequest:
    """Return the request that an execution was created from, under the execution's own name.

    `spec` is the spec as requested (`executions.messages.requested_spec`), `user_inputs` lie at the specification's
    `user_inputs_uri`; both may have to be read from S3 first.
    """
    execution = execution_identifier(stored.state.execution)
    return ExecutionCreateRequest(
        project=execution.project, domain=execution.domain, name=execution.name, spec=spec, inputs=user_inputs
    )


def decisions_of(stored: StoredExecution, requested: ExecutionSpec, resolved: ExecutionSpec) -> Decisions | None:
    """Return what configuration decided for an execution; None for one from before the levels were kept."""
    row = stored.specification
    if not row.levels:
        return None
    levels = {name: Level(level) for name, level in json.loads(row.levels).items()}
    label = row.cluster_label or resolved.execution_cluster_label.value
    return Decisions(
        config=_config(levels, requested, resolved),
        notifications=NotificationList.FromString(row.notifications or b""),
        platform=resources.platform(TaskResourceAttributes.FromString(row.task_resources or b""), TaskResources()),
        queue=row.queue or "",
        plugin_overrides=PluginOverrides.FromString(row.plugin_overrides or b"").overrides,
        cluster_pool=resolved.cluster_assignment.cluster_pool_name,
        cluster_label=label,
        levels=levels,
    )


def _config(levels: Mapping[str, Level], requested: ExecutionSpec, resolved: ExecutionSpec) -> WorkflowExecutionConfig:
    """Take each field from where it was kept: the request's own are in its spec alone."""
    config = WorkflowExecutionConfig(
        security_context=resolved.security_context, max_parallelism=resolved.max_parallelism
    )
    for field in FIELDS:
        if field in levels and field not in ALWAYS_RESOLVED:
            source = requested if levels[field] is Level.REQUEST else resolved
            config.MergeFrom(WorkflowExecutionConfig(**{field: getattr(source, field)}))
    return config


def may_launch(row: ExecutionState, now: datetime) -> bool:
    """Tell whether an execution may still get its resource: no event came, nothing ended it, and it is not too old.

    A later one may have run already and been cleaned up in the cluster.
    """
    is_launching = row.phase == UNDEFINED and row.launch == LaunchState.LAUNCHING
    return is_launching and now - to_datetime(row.created_at) < LAUNCH_WITHIN
