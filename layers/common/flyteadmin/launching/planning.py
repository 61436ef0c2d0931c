"""Plans an execution from everything that was read: its inputs, its configuration and its FlyteWorkflow; pure.

Source: flyteadmin execution_manager.go launchExecution, workflowengine/impl/prepare_execution.go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionSpec, NotificationList
from flyteidl.admin.launch_plan_pb2 import LaunchPlan, LaunchPlanSpec
from flyteidl.admin.matchable_resource_pb2 import MatchableResource, PluginOverride, WorkflowExecutionConfig
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import Identifier, WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.attributes.matching import MatchingAttributesRows
from flyteadmin.errors import InvalidArgument
from flyteadmin.flyteworkflow.builder import build_flyteworkflow
from flyteadmin.flyteworkflow.crd import FlyteWorkflow
from flyteadmin.flyteworkflow.prepare import ExecutionParameters, prepare_flyteworkflow
from flyteadmin.launching import config, inputs, pools, queues, resources
from flyteadmin.launching.parents import Inherited
from flyteadmin.namespaces import namespace
from flyteadmin.settings import Configuration


@dataclass(frozen=True)
class LaunchContext:
    """Everything that a plan depends on; all of it was read before.

    `task_id` is set where a task is launched by itself, and `launch_plan` is then the generated one, which a first
    launch stores. `caller` sent the request; `inherited` has the principal, whom the execution belongs to.
    """

    execution: WorkflowExecutionIdentifier
    request: ExecutionCreateRequest
    inherited: Inherited
    launch_plan: LaunchPlan
    workflow_id: Identifier
    task_id: Identifier | None
    is_first_launch: bool
    closure: CompiledWorkflowClosure
    project_labels: Mapping[str, str]
    attributes: MatchingAttributesRows
    configuration: Configuration
    cluster: str
    namespace: str
    caller: str
    accepted_at: datetime


@dataclass(frozen=True)
class PlannedExecution:
    """An execution before anything of it is written.

    `resolved` has the fields of its spec that configuration decides, and no others.
    """

    resolved: ExecutionSpec
    inputs: LiteralMap
    user_inputs: LiteralMap
    notifications: NotificationList
    closure: CompiledWorkflowClosure
    workflow: FlyteWorkflow


def plan_execution(context: LaunchContext) -> PlannedExecution:
    """Resolve inputs and configuration, and build the resource (CRE-15…27, CRE-36…39, CRE-50, CRE-51).

    Raises:
        InvalidArgument: an input is unknown, missing or of the wrong type, or there are too many labels.
    """
    user_inputs = user_inputs_of(context.request)
    resolved_inputs = inputs.resolve(
        user_inputs, context.launch_plan.closure.expected_inputs, context.launch_plan.spec.fixed_inputs
    )
    resolved = _configuration(context).config
    limits = _platform(context)
    closure = _edited(context.closure, limits, _queue(context))
    built = build_flyteworkflow(closure, resolved_inputs, context.execution, context.namespace)
    return PlannedExecution(
        resolved=_resolved_spec(context, resolved),
        inputs=resolved_inputs,
        user_inputs=user_inputs,
        notifications=_notifications(context),
        closure=closure,
        workflow=prepare_flyteworkflow(built, _parameters(context, resolved, limits)),
    )


def _configuration(context: LaunchContext) -> config.Resolved:
    """Resolve the configuration; a task launched by itself has no launch plan's level (CRE-48)."""
    launch_plan = context.launch_plan.spec if context.task_id is None else LaunchPlanSpec()
    application = context.configuration.flyteadmin
    rows = _own_attributes(context).workflow_execution_configs(merged=application.attributes_merge == "fields")
    return config.resolve(context.request.spec, launch_plan, rows, application, context.caller)


def _own_attributes(context: LaunchContext) -> MatchingAttributesRows:
    """Return the attributes that count; a task by itself has its workflow's for resources only (CRE-48, CFG-22)."""
    return context.attributes if context.task_id is None else context.attributes.of_domain()


def user_inputs_of(request: ExecutionCreateRequest) -> LiteralMap:
    """Return the caller's inputs; old clients and the console send them in the spec (CRE-01)."""
    return request.inputs if request.inputs.literals else request.spec.inputs


def namespace_of(configuration: Configuration, execution: WorkflowExecutionIdentifier) -> str:
    """Return the namespace of an execution's project and domain."""
    return namespace(configuration.namespace_mapping.template, execution.project, execution.domain)


def _resolved_spec(context: LaunchContext, resolved: WorkflowExecutionConfig) -> ExecutionSpec:
    """Return the resolved fields that the spec shows (CRE-24, CRE-26); a task's parallelism stays its own (CRE-48)."""
    spec = ExecutionSpec(security_context=resolved.security_context)
    pool = pools.pool_of(context.request, context.attributes, context.configuration.cluster_pools)
    if pool:
        spec.cluster_assignment.cluster_pool_name = pool
    if context.task_id is None:
        spec.max_parallelism = resolved.max_parallelism
    return spec


def _notifications(context: LaunchContext) -> NotificationList:
    """Return the request's list, or none if it disables them, or the launch plan's; frozen from now on (CRE-39)."""
    if context.request.spec.notifications.notifications:
        return context.request.spec.notifications
    if context.request.spec.disable_all:
        return NotificationList()
    return NotificationList(notifications=context.launch_plan.spec.entity_metadata.notifications)


def _platform(context: LaunchContext) -> resources.Platform:
    row = context.attributes.most_specific(MatchableResource.TASK_RESOURCE)
    return resources.platform(
        row.task_resource_attributes if row is not None else None, context.configuration.task_resources
    )


def _queue(context: LaunchContext) -> str:
    row = context.attributes.most_specific(MatchableResource.EXECUTION_QUEUE)
    tags = row.execution_queue_attributes.tags if row is not None else ()
    return queues.queue_for(context.execution.name, context.workflow_id.domain, tags, context.configuration.queues)


def _edited(closure: CompiledWorkflowClosure, limits: resources.Platform, queue: str) -> CompiledWorkflowClosure:
    """Return a copy of the closure for this execution, with resources within the platform's limits (RES-08)."""
    edited = CompiledWorkflowClosure()
    edited.CopyFrom(closure)
    for task in edited.tasks:
        if task.template.WhichOneof("target") == "container":
            resources.set_defaults(task.template.container, limits)
            queues.set_queue(task.template.container, queue)
    return edited


def _parameters(
    context: LaunchContext, resolved: WorkflowExecutionConfig, limits: resources.Platform
) -> ExecutionParameters:
    application = context.configuration.flyteadmin
    registration = context.configuration.registration
    labels = dict(resolved.labels.values)
    annotations = dict(resolved.annotations.values)
    if context.task_id is None:
        _within("labels", labels, registration.max_label_entries)
        _within("annotations", annotations, registration.max_annotation_entries)
    return ExecutionParameters(
        accepted_at=context.accepted_at,
        labels={**context.project_labels, **labels},
        annotations=annotations,
        security_context=resolved.security_context,
        raw_output_data_config=resolved.raw_output_data_config,
        max_parallelism=resolved.max_parallelism,
        interruptible=resolved.interruptible.value if resolved.HasField("interruptible") else None,
        overwrite_cache=resolved.overwrite_cache,
        environment_variables={pair.key: pair.value for pair in resolved.envs.values} or None,
        plugin_overrides=_plugin_overrides(context),
        task_resources=limits.in_flyteworkflow(),
        event_version=application.event_version,
        console_url=application.console_url,
        role_name_key=application.role_name_key,
    )


def _plugin_overrides(context: LaunchContext) -> Sequence[PluginOverride]:
    """Of the most specific row that sets plugin overrides (CFG-21)."""
    row = _own_attributes(context).most_specific(MatchableResource.PLUGIN_OVERRIDE)
    return row.plugin_overrides.overrides if row is not None else ()


def _within(field: str, entries: Mapping[str, str], limit: int) -> None:
    if limit and len(entries) > limit:
        raise InvalidArgument(f"{field} has too many entries [{len(entries)} > {limit}]")
