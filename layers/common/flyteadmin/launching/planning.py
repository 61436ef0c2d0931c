"""What a launch comes to: from everything that was read, the spec to store and the FlyteWorkflow to create; pure.

Source: flyteadmin execution_manager.go launchExecution, workflowengine/impl/prepare_execution.go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionMetadata, ExecutionSpec, NotificationList
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
from flyteadmin.launching import config, inputs, queues, resources
from flyteadmin.settings import Configuration


@dataclass(frozen=True)
class Known:
    """Everything that a launch looks at; all of it was read before.

    `task_id` is set where a task is launched by itself, `launch_plan` is the generated one then. `caller` is who sent
    the request, `principal` whom the execution belongs to: the parent's, where a node of another execution launches it.
    """

    execution: WorkflowExecutionIdentifier
    request: ExecutionCreateRequest
    launch_plan: LaunchPlan
    workflow_id: Identifier
    task_id: Identifier | None
    closure: CompiledWorkflowClosure
    project_labels: Mapping[str, str]
    attributes: MatchingAttributesRows
    configuration: Configuration
    cluster: str
    caller: str
    principal: str
    accepted_at: datetime


@dataclass(frozen=True)
class Launch:
    """What a launch comes to."""

    spec: ExecutionSpec
    inputs: LiteralMap
    user_inputs: LiteralMap
    notifications: NotificationList
    namespace: str
    closure: CompiledWorkflowClosure
    workflow: FlyteWorkflow


def launch(known: Known) -> Launch:
    """Resolve inputs and configuration, and build the resource (CRE-15…27, CRE-36…39, CRE-50, CRE-51).

    Raises:
        InvalidArgument: an input is unknown, missing or of the wrong type, or there are too many labels.
    """
    user_inputs = user_inputs_of(known.request)
    resolved_inputs = inputs.resolve(
        user_inputs, known.launch_plan.closure.expected_inputs, known.launch_plan.spec.fixed_inputs
    )
    resolved = _configuration(known)
    namespace = namespace_of(known.configuration, known.execution)
    limits = _platform(known)
    closure = _edited(known.closure, limits, _queue(known))
    built = build_flyteworkflow(closure, resolved_inputs, known.execution, namespace)
    return Launch(
        spec=_stored_spec(known, resolved, namespace),
        inputs=resolved_inputs,
        user_inputs=user_inputs,
        notifications=_notifications(known),
        namespace=namespace,
        closure=closure,
        workflow=prepare_flyteworkflow(built, _parameters(known, resolved, limits)),
    )


def _configuration(known: Known) -> WorkflowExecutionConfig:
    """A task launched by itself has no launch plan's level (CRE-48)."""
    launch_plan = known.launch_plan.spec if known.task_id is None else LaunchPlanSpec()
    rows = _own_attributes(known).workflow_execution_configs()
    return config.resolve(known.request.spec, launch_plan, rows, known.configuration.flyteadmin, known.caller)


def _own_attributes(known: Known) -> MatchingAttributesRows:
    """A task launched by itself has no workflow of its own either, but for its resources (CRE-48, CFG-22)."""
    return known.attributes if known.task_id is None else known.attributes.of_domain()


def user_inputs_of(request: ExecutionCreateRequest) -> LiteralMap:
    """The caller's inputs; old clients and the console send them in the spec (CRE-01)."""
    return request.inputs if request.inputs.literals else request.spec.inputs


def namespace_of(configuration: Configuration, execution: WorkflowExecutionIdentifier) -> str:
    """The namespace of a project and domain; only these two words are replaced."""
    template = configuration.namespace_mapping.template
    return template.replace("{{ project }}", execution.project).replace("{{ domain }}", execution.domain)


def _stored_spec(known: Known, resolved: WorkflowExecutionConfig, namespace: str) -> ExecutionSpec:
    """The request's spec, with what was resolved where clients look for it (CRE-24, CRE-26, CRE-48)."""
    spec = ExecutionSpec()
    spec.CopyFrom(known.request.spec)
    if not spec.HasField("metadata"):
        spec.metadata.CopyFrom(ExecutionMetadata())
    spec.metadata.principal = known.principal
    spec.metadata.system_metadata.execution_cluster = known.cluster
    spec.metadata.system_metadata.namespace = namespace
    spec.security_context.CopyFrom(resolved.security_context)
    if known.task_id is None:
        spec.max_parallelism = resolved.max_parallelism
        del spec.metadata.artifact_ids[:]
    return spec


def _notifications(known: Known) -> NotificationList:
    """The request's list, or none if it disables them, or the launch plan's; frozen from now on (CRE-39)."""
    if known.request.spec.notifications.notifications:
        return known.request.spec.notifications
    if known.request.spec.disable_all:
        return NotificationList()
    return NotificationList(notifications=known.launch_plan.spec.entity_metadata.notifications)


def _platform(known: Known) -> resources.Platform:
    row = known.attributes.most_specific(MatchableResource.TASK_RESOURCE)
    return resources.platform(
        row.task_resource_attributes if row is not None else None, known.configuration.task_resources
    )


def _queue(known: Known) -> str:
    row = known.attributes.most_specific(MatchableResource.EXECUTION_QUEUE)
    tags = row.execution_queue_attributes.tags if row is not None else ()
    return queues.queue_for(known.execution.name, known.workflow_id.domain, tags, known.configuration.queues)


def _edited(closure: CompiledWorkflowClosure, limits: resources.Platform, queue: str) -> CompiledWorkflowClosure:
    """A copy of the closure, for this execution only: its containers ask within the platform's limits (RES-08)."""
    edited = CompiledWorkflowClosure()
    edited.CopyFrom(closure)
    for task in edited.tasks:
        if task.template.WhichOneof("target") == "container":
            resources.set_defaults(task.template.container, limits)
            queues.set_queue(task.template.container, queue)
    return edited


def _parameters(known: Known, resolved: WorkflowExecutionConfig, limits: resources.Platform) -> ExecutionParameters:
    application = known.configuration.flyteadmin
    registration = known.configuration.registration
    labels = dict(resolved.labels.values)
    annotations = dict(resolved.annotations.values)
    if known.task_id is None:
        _within("labels", labels, registration.max_label_entries)
        _within("annotations", annotations, registration.max_annotation_entries)
    return ExecutionParameters(
        accepted_at=known.accepted_at,
        labels={**known.project_labels, **labels},
        annotations=annotations,
        security_context=resolved.security_context,
        raw_output_data_config=resolved.raw_output_data_config,
        max_parallelism=resolved.max_parallelism,
        interruptible=resolved.interruptible.value if resolved.HasField("interruptible") else None,
        overwrite_cache=resolved.overwrite_cache,
        environment_variables={pair.key: pair.value for pair in resolved.envs.values} or None,
        plugin_overrides=_plugin_overrides(known),
        task_resources=limits.in_flyteworkflow(),
        event_version=application.event_version,
        console_url=application.console_url,
        role_name_key=application.role_name_key,
    )


def _plugin_overrides(known: Known) -> Sequence[PluginOverride]:
    """Of the most specific row that sets plugin overrides (CFG-21)."""
    row = _own_attributes(known).most_specific(MatchableResource.PLUGIN_OVERRIDE)
    return row.plugin_overrides.overrides if row is not None else ()


def _within(field: str, entries: Mapping[str, str], limit: int) -> None:
    if limit and len(entries) > limit:
        raise InvalidArgument(f"{field} has too many entries [{len(entries)} > {limit}]")
