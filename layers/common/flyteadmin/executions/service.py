"""What happens on CreateExecution: five remote stages, the row before the resource (architecture §1)."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from zlib import crc32

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionCreateResponse
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.execution_pb2 import ExecutionError
from flyteidl.core.identifier_pb2 import TASK, WorkflowExecutionIdentifier
from pydantic import JsonValue

from flyteadmin.attributes import repository as attributes
from flyteadmin.clients import cluster, configuration, storage
from flyteadmin.clients.dynamodb import ConditionFailed, batch_get
from flyteadmin.errors import AlreadyExists, Code, Internal, NotFound, Unavailable, Unimplemented
from flyteadmin.executions import repository
from flyteadmin.executions.launch import Known, Launch, generated_name, launch
from flyteadmin.executions.leases import Lease
from flyteadmin.executions.models import (
    ACTIVE_SHARDS,
    LISTING_SHARDS,
    ExecutionSpecification,
    ExecutionState,
    LaunchState,
)
from flyteadmin.executions.phases import TERMINAL, Overlay, error_facts, overlaid
from flyteadmin.executions.validation import validate_name, validate_spec
from flyteadmin.facts import Facts
from flyteadmin.flyteworkflow.offload import is_too_large, offload, offloaded_closure
from flyteadmin.identifiers import execution_key, name_key
from flyteadmin.launch_plans import repository as launch_plans
from flyteadmin.launch_plans.models import LaunchPlanRow
from flyteadmin.observability import logger
from flyteadmin.projects import repository as projects
from flyteadmin.projects.models import ProjectRow
from flyteadmin.projects.validation import validate_project_and_domain
from flyteadmin.settings import environment
from flyteadmin.timestamps import NANOSECONDS

type Body = dict[str, JsonValue]

_INLINE_SPEC_BYTES = 32 * 1024
_ATTEMPTS = 5


def create(request: ExecutionCreateRequest, principal: str, now: datetime | None = None) -> ExecutionCreateResponse:
    """Create an execution; once its row is written the answer is its id, whatever the cluster says.

    Raises:
        InvalidArgument: naming the field.
        NotFound: there is no such launch plan.
        AlreadyExists: an execution of that name exists; nothing of it was touched.
        Internal: a passing fault too, since propeller retries no other code on a create (invariant 8).
    """
    try:
        return _create(request, principal, now or datetime.now(UTC))
    except Unavailable as error:
        raise Internal(error.message) from error


def _create(request: ExecutionCreateRequest, principal: str, now: datetime) -> ExecutionCreateResponse:
    validate_name(request)
    execution = WorkflowExecutionIdentifier(
        project=request.project, domain=request.domain, name=request.name or generated_name()
    )
    with ThreadPoolExecutor(3) as threads:
        known = _read(request, execution, principal, now, threads)
        planned = launch(known)
        body = planned.workflow.to_json_object()
        state, specification = _rows(known, planned, threads)
        body = _fitting(known, planned, body, specification.inputs_uri)
        lease = Lease(launch_plan=state.launch_plan, execution=state.execution, created_at=state.created_at)
        try:
            repository.create(state, specification, lease, token=str(uuid.uuid4()))
        except repository.ExecutionExists:
            raise AlreadyExists(f"execution {execution.name} already exists in {execution.project}") from None
    _start(state, planned.namespace, body)
    return ExecutionCreateResponse(id=execution)


def _read(
    request: ExecutionCreateRequest,
    execution: WorkflowExecutionIdentifier,
    principal: str,
    now: datetime,
    threads: ThreadPoolExecutor,
) -> Known:
    """Stages 1 and 2: launch plan and project beside the configuration, then attributes beside the compiled closure."""
    current = threads.submit(configuration.current)
    launch_plan_id = request.spec.launch_plan
    project_key, launch_plan_key = projects.key(request.project), launch_plans.key(launch_plan_id)
    is_complete = all((launch_plan_id.project, launch_plan_id.domain, launch_plan_id.name, launch_plan_id.version))
    found = batch_get([project_key, *([launch_plan_key] if is_complete else [])])
    here = current.result()
    project = found.get(ProjectRow, project_key)
    validate_project_and_domain(project, request.project, request.domain, here)
    validate_spec(request)
    if launch_plan_id.resource_type == TASK:
        raise Unimplemented("launching a task by itself is not supported yet: register a launch plan for it")
    row = found.get(LaunchPlanRow, launch_plan_key)
    if row is None:
        raise NotFound(f"missing entity of type LAUNCH_PLAN with identifier {' '.join(str(launch_plan_id).split())}")
    launch_plan = launch_plans.message(row)
    workflow = launch_plan.spec.workflow_id
    closure = threads.submit(storage.read_immutable, row.closure_uri)
    matching = threads.submit(attributes.matching, request.project, request.domain, workflow.name, launch_plan_id.name)
    return Known(
        execution=execution,
        request=request,
        launch_plan=launch_plan,
        closure=CompiledWorkflowClosure.FromString(closure.result()),
        project_labels=projects.labels(project),
        attributes=matching.result(),
        configuration=here,
        cluster=environment().cluster_name,
        principal=principal,
        accepted_at=now,
    )


def _rows(known: Known, planned: Launch, threads: ThreadPoolExecutor) -> tuple[ExecutionState, ExecutionSpecification]:
    """Stage 3: the blobs, each written once (KD-02); then the rows that point to them."""
    execution = known.execution
    parts = ("metadata", execution.project, execution.domain, execution.name)
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
        execution=execution_key(execution),
        spec=None if is_large else spec,
        spec_uri=spec_uri.result() if spec_uri else None,
        workflow_id=known.launch_plan.spec.workflow_id.SerializeToString(deterministic=True),
        notifications=planned.notifications.SerializeToString(deterministic=True) or None,
        principal=known.principal,
        inputs_uri=resolved.result(),
        user_inputs_uri=user.result(),
    )
    return _state(known), specification


def _state(known: Known) -> ExecutionState:
    key = execution_key(known.execution)
    now = int(known.accepted_at.timestamp()) * NANOSECONDS + known.accepted_at.microsecond * 1000
    shard = crc32(key.encode())
    launch_plan, workflow = known.launch_plan.id, known.launch_plan.spec.workflow_id
    return ExecutionState(
        execution=key,
        phase="UNDEFINED",
        launch=LaunchState.LAUNCHING.value,
        cluster=known.cluster,
        created_at=now,
        updated_at=now,
        listing=repository.listing_key(known.execution.project, known.execution.domain, shard % LISTING_SHARDS),
        launch_plan=name_key(launch_plan.project, launch_plan.domain, launch_plan.name),
        launch_plan_version=launch_plan.version,
        workflow=name_key(workflow.project, workflow.domain, workflow.name),
        workflow_version=workflow.version,
        active=str(shard % ACTIVE_SHARDS),
    )


def _fitting(known: Known, planned: Launch, body: Body, inputs_uri: str) -> Body:
    """The resource, or where etcd would not take it, one that refers to the edited closure and the inputs in S3."""
    if not is_too_large(body, known.configuration.flyteadmin.max_flyteworkflow_bytes):
        return body
    execution = known.execution
    closure = offloaded_closure(planned.closure).SerializeToString(deterministic=True)
    reference = storage.write_once(
        closure, "metadata", execution.project, execution.domain, execution.name, "workflow_closure"
    )
    return offload(planned.workflow, reference, inputs_uri).to_json_object()


def _start(state: ExecutionState, namespace: str, body: Body) -> None:
    """Stage 5: the resource. Refused for good is FAILED on the row; an unclear answer leaves it `launching`."""
    try:
        cluster.create(namespace, body)
    except cluster.Refused as refusal:
        _refused(state, refusal)
    except Unavailable as error:
        logger.warning(
            "the cluster did not answer clearly; the row stays launching",
            extra={"execution": state.execution, "cause": error.message},
        )


def _refused(state: ExecutionState, refusal: cluster.Refused) -> None:
    """Stage 6: FAILED with the cluster's own words (CRE-29); an event or an abort that was faster stays."""
    logger.warning("the cluster refused", extra={"execution": state.execution, "cause": refusal.reason})
    error = ExecutionError(
        code=Code.INTERNAL.name.title(),
        message=f"failed to create workflow in propeller: {refusal.reason}: {refusal.message[:2000]}",
        kind=ExecutionError.SYSTEM,
    )
    outcome = Facts(latest={**error_facts(error, error.SerializeToString(), ""), "launch": LaunchState.REFUSED.value})
    facts = overlaid(Overlay("FAILED", int(datetime.now(UTC).timestamp() * NANOSECONDS))).then(outcome)
    row: ExecutionState | None = state
    for _ in range(_ATTEMPTS):
        if row is None or row.phase in TERMINAL:
            break
        try:
            repository.set_overlay(row, facts)
            break
        except ConditionFailed as failure:
            row = repository.from_raw(failure.old) if failure.old else None
