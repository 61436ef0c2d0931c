"""Builds an execution's rows and resource, then writes the blobs that both point to (stage 3).

A blob's URI follows from its content, so rows and resource are complete before anything is written, and a request that
is refused leaves nothing behind. Each blob is written once: a create that loses changes nothing that the winner's row
points to (KD-02).
"""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from flyteidl.admin.matchable_resource_pb2 import PluginOverrides
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from google.protobuf.message import Message
from pydantic import JsonValue

from flyteadmin.clients import storage
from flyteadmin.clients.dynamodb.writes import Operation
from flyteadmin.executions.models import ExecutionSpecification, ExecutionState
from flyteadmin.executions.phases import UNDEFINED, LaunchState
from flyteadmin.flyteworkflow.offload import is_too_large, offload, offloaded_closure
from flyteadmin.identifiers import execution_blob_parts, execution_key, name_key
from flyteadmin.launch_plans import repository as launch_plans
from flyteadmin.launching.context import LaunchContext
from flyteadmin.launching.planning import PlannedExecution
from flyteadmin.named_entities import repository as named_entities
from flyteadmin.timestamps import from_datetime
from flyteadmin.workflows import repository as workflows

type Body = dict[str, JsonValue]
"""A FlyteWorkflow as the cluster takes it."""

_THREADS = 4


@dataclass(frozen=True)
class Blobs:
    """The blobs of one execution, by URI, that are still to be written."""

    execution: WorkflowExecutionIdentifier
    unwritten: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> str:
        """Add a blob and return the URI at which it will lie."""
        uri = storage.uri_of(content, *execution_blob_parts(self.execution), name)
        self.unwritten[uri] = content
        return uri

    def add_if_large(self, name: str, content: bytes) -> str | None:
        """Add a blob that a row can't hold and return its URI; None for one that fits into the row."""
        return self.add(name, content) if len(content) > storage.INLINE_BYTES else None


def build_rows(
    context: LaunchContext, planned: PlannedExecution, digest: bytes | None, blobs: Blobs
) -> tuple[ExecutionState, ExecutionSpecification]:
    """Build the rows of an execution, and add its inputs and what is too large for them to the blobs.

    `digest` is the one by which a repeat of the call is known.
    """
    spec, resolved = _serialized(context.request.spec), _serialized(planned.resolved)
    decisions = planned.decisions
    spec_uri, resolved_uri = blobs.add_if_large("spec", spec), blobs.add_if_large("resolved", resolved)
    specification = ExecutionSpecification(
        execution=execution_key(context.execution),
        spec=spec if spec_uri is None else None,
        spec_uri=spec_uri,
        resolved=resolved if resolved_uri is None else None,
        resolved_uri=resolved_uri,
        levels=json.dumps(decisions.levels, separators=(",", ":"), sort_keys=True),
        task_resources=_serialized(decisions.platform.to_message()),
        plugin_overrides=_serialized(PluginOverrides(overrides=decisions.plugin_overrides)) or None,
        queue=decisions.queue or None,
        workflow_id=_serialized(context.workflow_id),
        notifications=_serialized(decisions.notifications) or None,
        caller=context.caller,
        principal=context.inherited.principal,
        nesting=context.inherited.nesting,
        cluster_label=context.inherited.cluster_label,
        call=digest,
        inputs_uri=blobs.add("inputs", _serialized(planned.inputs)),
        user_inputs_uri=blobs.add("user_inputs", _serialized(planned.user_inputs)),
    )
    return _state(context), specification


def _state(context: LaunchContext) -> ExecutionState:
    now = from_datetime(context.accepted_at)
    launch_plan, workflow = context.launch_plan.id, context.workflow_id
    state = ExecutionState(
        execution=execution_key(context.execution),
        phase=UNDEFINED,
        launch=LaunchState.LAUNCHING.value,
        cluster=context.cluster,
        namespace=context.namespace,
        parent=context.inherited.parent,
        created_at=now,
        updated_at=now,
        launch_plan=name_key(launch_plan.project, launch_plan.domain, launch_plan.name),
        launch_plan_version=launch_plan.version,
        workflow=name_key(workflow.project, workflow.domain, workflow.name),
        workflow_version=workflow.version,
    )
    if context.task_id is not None:
        state.task = name_key(context.task_id.project, context.task_id.domain, context.task_id.name)
        state.task_version = context.task_id.version
    return state


def build_body(context: LaunchContext, planned: PlannedExecution, inputs_uri: str, blobs: Blobs) -> Body:
    """Build the resource; where etcd would not take it, one that refers to the edited closure and the inputs in S3.

    Raises:
        InvalidArgument: even that is more than etcd takes, or a value has no JSON form.
    """
    body = planned.workflow.to_json_object()
    if not is_too_large(body, context.configuration.flyteadmin.max_flyteworkflow_bytes):
        return body
    closure_uri = blobs.add("workflow_closure", _serialized(offloaded_closure(planned.closure)))
    return offload(planned.workflow, closure_uri, inputs_uri).to_json_object()


def _serialized(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


def write_blobs(context: LaunchContext, blobs: Blobs) -> list[Operation]:
    """Write the blobs side by side; return what stores the generated versions of a task's first launch."""
    with ThreadPoolExecutor(_THREADS) as threads:
        writes = [threads.submit(storage.write, content, uri) for uri, content in blobs.unwritten.items()]
        operations = _first_versions(context) if context.is_first_launch else []
        for write in writes:
            write.result()
    return operations


def _first_versions(context: LaunchContext) -> list[Operation]:
    """Store the generated closure and return what stores workflow and launch plan, with generated names (CRE-46).

    The first two operations have the condition that there is no such version yet.
    """
    launch_plan, workflow, now = context.launch_plan, context.workflow_id, from_datetime(context.accepted_at)
    workflow_row = workflows.new_version(workflow, context.closure, now)
    launch_plan_row = launch_plans.new_version(launch_plan, workflow, workflow_row.closure_uri, now)
    return [
        workflows.first(workflow_row),
        launch_plans.first(launch_plan_row, launch_plan),
        named_entities.make_system_generated(workflow, now),
        named_entities.make_system_generated(launch_plan.id, now),
    ]
