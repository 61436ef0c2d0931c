"""Plans an execution from everything that was read: its inputs, its configuration and its FlyteWorkflow; pure.

Source: flyteadmin execution_manager.go launchExecution, workflowengine/impl/prepare_execution.go.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionMetadata, ExecutionSpec
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.errors import InvalidArgument
from flyteadmin.flyteworkflow.builder import build_flyteworkflow
from flyteadmin.flyteworkflow.crd import FlyteWorkflow
from flyteadmin.flyteworkflow.prepare import ExecutionParameters, prepare_flyteworkflow
from flyteadmin.launching import inputs, queues, resources
from flyteadmin.launching.context import LaunchContext
from flyteadmin.launching.decisions import Decisions, decide, resolved_spec
from flyteadmin.namespaces import namespace
from flyteadmin.settings import Configuration


@dataclass(frozen=True)
class PlannedExecution:
    """An execution before anything of it is written.

    `resolved` has those of the decided fields that the request does not have itself; the security context is always
    there.
    """

    decisions: Decisions
    resolved: ExecutionSpec
    inputs: LiteralMap
    user_inputs: LiteralMap
    closure: CompiledWorkflowClosure
    workflow: FlyteWorkflow


def plan_execution(context: LaunchContext, decided: Decisions | None = None) -> PlannedExecution:
    """Resolve inputs and configuration, and build the resource (CRE-15…27, CRE-36…39, CRE-50, CRE-51).

    What was `decided` when the execution's row was written counts, whatever the configuration says today.

    Raises:
        InvalidArgument: an input is unknown, missing or of the wrong type, or there are too many labels.
    """
    user_inputs = user_inputs_of(context.request)
    resolved_inputs = inputs.resolve(
        user_inputs, context.launch_plan.closure.expected_inputs, context.launch_plan.spec.fixed_inputs
    )
    decisions = decided or decide(context)
    closure = edited(context.closure, decisions.platform, decisions.queue)
    built = build_flyteworkflow(closure, resolved_inputs, context.execution, context.namespace)
    return PlannedExecution(
        decisions=decisions,
        resolved=resolved_spec(decisions),
        inputs=resolved_inputs,
        user_inputs=user_inputs,
        closure=closure,
        workflow=prepare_flyteworkflow(built, _parameters(context, decisions)),
    )


def user_inputs_of(request: ExecutionCreateRequest) -> LiteralMap:
    """Return the caller's inputs; old clients and the console send them in the spec (CRE-01)."""
    return request.inputs if request.inputs.literals else request.spec.inputs


def namespace_of(configuration: Configuration, execution: WorkflowExecutionIdentifier) -> str:
    """Return the namespace of an execution's project and domain."""
    return namespace(configuration.namespace_mapping.template, execution.project, execution.domain)


def edited(closure: CompiledWorkflowClosure, limits: resources.Platform, queue: str) -> CompiledWorkflowClosure:
    """Return a copy of the closure for this execution, with resources within the platform's limits (RES-08)."""
    copy = CompiledWorkflowClosure()
    copy.CopyFrom(closure)
    for task in copy.tasks:
        if task.template.WhichOneof("target") == "container":
            resources.set_defaults(task.template.container, limits)
            queues.set_queue(task.template.container, queue)
    return copy


def _parameters(context: LaunchContext, decisions: Decisions) -> ExecutionParameters:
    resolved = decisions.config
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
        plugin_overrides=decisions.plugin_overrides,
        task_resources=decisions.platform.in_flyteworkflow(),
        event_version=application.event_version,
        console_url=application.console_url,
        role_name_key=application.role_name_key,
        recovery_execution=_recovery(context.request.spec.metadata),
    )


def _recovery(metadata: ExecutionMetadata) -> WorkflowExecutionIdentifier | None:
    """Return the execution whose nodes are taken over; a create may say the same as a recovery (REC-03, REC-04)."""
    is_recovery = metadata.mode == ExecutionMetadata.RECOVERED and metadata.HasField("reference_execution")
    return metadata.reference_execution if is_recovery else None


def _within(field: str, entries: Mapping[str, str], limit: int) -> None:
    if limit and len(entries) > limit:
        raise InvalidArgument(f"{field} has too many entries [{len(entries)} > {limit}]")
