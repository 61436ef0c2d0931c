"""What a create stores, before the row that makes it true: the blobs, and the rows that point to them (stage 3).

Each blob is written once, so a create that loses changes nothing that the winner's row points to (KD-02).
"""

from concurrent.futures import ThreadPoolExecutor

from pydantic import JsonValue

from flyteadmin.clients import storage
from flyteadmin.executions.models import ExecutionSpecification, ExecutionState
from flyteadmin.executions.phases import UNDEFINED, LaunchState
from flyteadmin.flyteworkflow.offload import is_too_large, offload, offloaded_closure
from flyteadmin.identifiers import execution_blob_parts, execution_key, name_key
from flyteadmin.launching.idempotency import Call
from flyteadmin.launching.parents import parent_of
from flyteadmin.launching.planning import Known, Launch
from flyteadmin.timestamps import from_datetime

type Body = dict[str, JsonValue]
"""A FlyteWorkflow as the cluster takes it."""

_INLINE_SPEC_BYTES = 32 * 1024


def rows(
    known: Known, planned: Launch, call: Call, threads: ThreadPoolExecutor
) -> tuple[ExecutionState, ExecutionSpecification]:
    """Write inputs, user inputs and a large spec side by side, and give the rows that point to them."""
    parts = execution_blob_parts(known.execution)
    spec = planned.spec.SerializeToString(deterministic=True)
    resolved = threads.submit(
        storage.write_once, planned.inputs.SerializeToString(deterministic=True), *parts, "inputs"
    )
    user = threads.submit(
        storage.write_once, planned.user_inputs.SerializeToString(deterministic=True), *parts, "user_inputs"
    )
    is_large = len(spec) > _INLINE_SPEC_BYTES
    spec_uri = threads.submit(storage.write_once, spec, *parts, "spec") if is_large else None
    specification = ExecutionSpecification(
        execution=execution_key(known.execution),
        spec=None if is_large else spec,
        spec_uri=spec_uri.result() if spec_uri else None,
        workflow_id=known.workflow_id.SerializeToString(deterministic=True),
        notifications=planned.notifications.SerializeToString(deterministic=True) or None,
        principal=known.principal,
        nesting=planned.spec.metadata.nesting,
        cluster_label=planned.spec.execution_cluster_label.value,
        inputs_uri=resolved.result(),
        user_inputs_uri=user.result(),
        call=call.digest,
    )
    return _state(known, planned), specification


def _state(known: Known, planned: Launch) -> ExecutionState:
    key = execution_key(known.execution)
    now = from_datetime(known.accepted_at)
    launch_plan, workflow = known.launch_plan.id, known.workflow_id
    state = ExecutionState(
        execution=key,
        phase=UNDEFINED,
        launch=LaunchState.LAUNCHING.value,
        cluster=known.cluster,
        namespace=planned.namespace,
        parent=_parent(known),
        created_at=now,
        updated_at=now,
        launch_plan=name_key(launch_plan.project, launch_plan.domain, launch_plan.name),
        launch_plan_version=launch_plan.version,
        workflow=name_key(workflow.project, workflow.domain, workflow.name),
        workflow_version=workflow.version,
    )
    if known.task_id is not None:
        state.task = name_key(known.task_id.project, known.task_id.domain, known.task_id.name)
        state.task_version = known.task_id.version
    return state


def _parent(known: Known) -> str | None:
    node = parent_of(known.request)
    return execution_key(node.execution_id) if node is not None else None


def fitting(known: Known, planned: Launch, body: Body, inputs_uri: str) -> Body:
    """The resource, or where etcd would not take it, one that refers to the edited closure and the inputs in S3.

    Raises:
        InvalidArgument: even that is more than etcd takes.
    """
    if not is_too_large(body, known.configuration.flyteadmin.max_flyteworkflow_bytes):
        return body
    closure = offloaded_closure(planned.closure).SerializeToString(deterministic=True)
    reference = storage.write_once(closure, *execution_blob_parts(known.execution), "workflow_closure")
    return offload(planned.workflow, reference, inputs_uri).to_json_object()
