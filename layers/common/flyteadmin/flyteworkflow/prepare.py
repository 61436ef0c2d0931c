"""Adds to a built FlyteWorkflow what belongs to one execution (flyteadmin's `prepare_execution.go`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flyteidl.admin.common_pb2 import RawOutputDataConfig
from flyteidl.admin.matchable_resource_pb2 import PluginOverride
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.security_pb2 import SecurityContext

from flyteadmin.compiler.quantity import QuantityError, parse_quantity
from flyteadmin.flyteworkflow import crd

FINALIZER = "flyte.org/finalizer"
_UINT32 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class ExecutionParameters:
    """The resolved parameters of one execution; quantities are texts, "" where unset; `storage` is not passed on.

    `environment_variables` of None and of {} differ on the wire, as do `interruptible` None (the workflow's own
    default holds) and False.
    """

    accepted_at: datetime
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    security_context: SecurityContext | None = None
    raw_output_data_config: RawOutputDataConfig | None = None
    max_parallelism: int = 0
    interruptible: bool | None = None
    overwrite_cache: bool = False
    environment_variables: Mapping[str, str] | None = None
    plugin_overrides: Sequence[PluginOverride] = ()
    recovery_execution: WorkflowExecutionIdentifier | None = None
    task_resources: crd.TaskResources | None = None
    event_version: int = 2
    console_url: str = ""
    role_name_key: str = ""


def prepare_flyteworkflow(workflow: crd.FlyteWorkflow, data: ExecutionParameters) -> crd.FlyteWorkflow:
    """Give a copy with execution id, finalizer, labels, permissions and overrides; the request's labels win."""
    run_as = data.security_context.run_as if data.security_context else SecurityContext().run_as
    with_permissions = data.security_context is not None and data.security_context.HasField("run_as")
    return workflow.model_copy(
        update={
            "metadata": _metadata(workflow.metadata, data, run_as.iam_role),
            "execution_id": _execution_id(workflow.metadata),
            "accepted_at": data.accepted_at,
            "workflow_meta": crd.WorkflowMeta(event_version=data.event_version),
            "service_account_name": run_as.k8s_service_account or workflow.service_account_name,
            "security_context": data.security_context if with_permissions else workflow.security_context,
            "raw_output_data_config": data.raw_output_data_config or workflow.raw_output_data_config,
            "execution_config": _execution_config(data),
            "console_url": data.console_url,
        }
    )


def _execution_id(metadata: crd.ObjectMeta) -> WorkflowExecutionIdentifier:
    """Read from the labels that the builder set; with it propeller sends its events."""
    return WorkflowExecutionIdentifier(
        project=metadata.labels["project"], domain=metadata.labels["domain"], name=metadata.name
    )


def _metadata(metadata: crd.ObjectMeta, data: ExecutionParameters, iam_role: str) -> crd.ObjectMeta:
    role = {data.role_name_key: iam_role} if iam_role else {}
    finalizers = [*metadata.finalizers]
    if FINALIZER not in finalizers:
        finalizers.append(FINALIZER)
    return metadata.model_copy(
        update={
            "labels": {**metadata.labels, **data.labels},
            "annotations": {**metadata.annotations, **role, **data.annotations},
            "finalizers": finalizers,
        }
    )


def _execution_config(data: ExecutionParameters) -> crd.ExecutionConfig:
    environment = data.environment_variables
    return crd.ExecutionConfig(
        task_plugin_impls={override.task_type: _plugin_override(override) for override in data.plugin_overrides},
        max_parallelism=data.max_parallelism & _UINT32,
        recovery_execution=data.recovery_execution or WorkflowExecutionIdentifier(),
        task_resources=_task_resources(data.task_resources),
        interruptible=data.interruptible,
        overwrite_cache=data.overwrite_cache,
        environment_variables=None if environment is None else dict(environment),
    )


def _plugin_override(override: PluginOverride) -> crd.TaskPluginOverride:
    return crd.TaskPluginOverride(
        plugin_ids=list(override.plugin_id) or None, missing_plugin_behavior=override.missing_plugin_behavior
    )


def _task_resources(resources: crd.TaskResources | None) -> crd.TaskResources:
    if resources is None:
        return crd.TaskResources()
    return crd.TaskResources(requests=_canonical(resources.requests), limits=_canonical(resources.limits))


def _canonical(resources: crd.TaskResourceSpec) -> crd.TaskResourceSpec:
    return crd.TaskResourceSpec(
        cpu=_quantity(resources.cpu),
        memory=_quantity(resources.memory),
        ephemeral_storage=_quantity(resources.ephemeral_storage),
        gpu=_quantity(resources.gpu),
    )


def _quantity(text: str) -> str:
    """Return the canonical form; what is no quantity counts as unset (RES-06)."""
    try:
        return str(parse_quantity(text))
    except QuantityError:
        return "0"
