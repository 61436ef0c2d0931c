"""What happens on CreateExecution: five remote stages, the row before the resource (architecture §1)."""

import uuid
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionCreateResponse
from flyteidl.admin.launch_plan_pb2 import LaunchPlan
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import TASK, Identifier
from pydantic import JsonValue

from flyteadmin.attributes import repository as attributes
from flyteadmin.clients import configuration, storage
from flyteadmin.clients.dynamodb.keys import Key
from flyteadmin.clients.dynamodb.reads import Found, batch_get
from flyteadmin.clients.dynamodb.writes import Operation
from flyteadmin.errors import Internal, InvalidArgument, NotFound, Unavailable
from flyteadmin.executions import repository, single_tasks
from flyteadmin.executions.idempotency import Call, refusal, validate_key
from flyteadmin.executions.launch import Known, Launch, launch
from flyteadmin.executions.leases import Lease
from flyteadmin.executions.models import ExecutionSpecification, ExecutionState, LaunchState
from flyteadmin.executions.parents import inherited, parent_of
from flyteadmin.executions.phases import UNDEFINED
from flyteadmin.executions.repository import StoredExecution
from flyteadmin.executions.starting import start
from flyteadmin.executions.validation import validate_name, validate_spec
from flyteadmin.flyteworkflow.offload import is_too_large, offload, offloaded_closure
from flyteadmin.identifiers import execution_key, name_key
from flyteadmin.launch_plans import repository as launch_plans
from flyteadmin.launch_plans.models import LaunchPlanRow
from flyteadmin.named_entities.validation import missing_entity
from flyteadmin.observability import logger
from flyteadmin.projects import repository as projects
from flyteadmin.projects.models import ProjectRow
from flyteadmin.projects.validation import validate_project_and_domain
from flyteadmin.settings import Configuration, environment
from flyteadmin.tasks import repository as tasks
from flyteadmin.tasks.models import TaskRow
from flyteadmin.timestamps import NANOSECONDS

type Body = dict[str, JsonValue]

_INLINE_SPEC_BYTES = 32 * 1024
_FINISHED_WITHIN = timedelta(minutes=10)


def create(
    request: ExecutionCreateRequest, caller: str, key: str = "", now: datetime | None = None
) -> ExecutionCreateResponse:
    """Create an execution; once its row is written the answer is its id, whatever the cluster says.

    `key` is the call's `Idempotency-Key`: the same call with the same key has the same answer, and finishes what an
    earlier attempt began.

    Raises:
        InvalidArgument: naming the field; or the key came with another request before.
        NotFound: there is no such launch plan, task or parent execution.
        AlreadyExists: an execution of that name exists; nothing of it was touched.
        Internal: a passing fault too, since propeller retries no other code on a create (invariant 8).
    """
    try:
        return _create(Call(request, caller, key, now or datetime.now(UTC)))
    except Unavailable as error:
        raise Internal(error.message) from error


def _create(call: Call) -> ExecutionCreateResponse:
    validate_name(call.request)
    validate_key(call.key)
    answer = ExecutionCreateResponse(id=call.execution)
    with ThreadPoolExecutor(3) as threads:
        first = _first_stage(call, threads)
        if first.earlier is not None and not _is_unfinished(first.earlier, call):
            return answer
        try:
            known, first_launch = _second_stage(call, first, threads)
            planned = launch(known)
            body = planned.workflow.to_json_object()
        except (InvalidArgument, NotFound) as refused:
            if first.earlier is None:
                raise
            logger.warning("not begun again", extra={"execution": answer.id.name, "cause": refused.message})
            return answer  # the row is written: what has changed since is no reason to say that there is none
        state, specification = _rows(known, planned, call, threads)
        body = _fitting(known, planned, body, specification.inputs_uri)
        if not _store(state, specification, first_launch.result() if first_launch else (), call):
            return answer
    start(state, planned.namespace, body)
    return answer


@dataclass(frozen=True)
class _FirstStage:
    """What one consistent read found, and the row of an earlier attempt of this very call."""

    found: Found
    configuration: Configuration
    earlier: StoredExecution | None


def _first_stage(call: Call, threads: ThreadPoolExecutor) -> _FirstStage:
    current = threads.submit(configuration.current)
    execution = execution_key(call.execution)
    mine = [repository.state_key(execution), repository.specification_key(execution)] if call.key else []
    found = batch_get([*mine, projects.key(call.request.project), *_launchable_keys(call), *_parent_keys(call)])
    return _FirstStage(found, current.result(), repository.stored(found, execution))


def _launchable_keys(call: Call) -> list[Key]:
    identifier = call.request.spec.launch_plan
    if not all((identifier.project, identifier.domain, identifier.name, identifier.version)):
        return []
    if identifier.resource_type == TASK:
        return [tasks.key(identifier), launch_plans.key(single_tasks.launch_plan_id(identifier))]
    return [launch_plans.key(identifier)]


def _parent_keys(call: Call) -> list[Key]:
    node = parent_of(call.request)
    return [repository.specification_key(execution_key(node.execution_id))] if node is not None else []


def _is_unfinished(earlier: StoredExecution, call: Call) -> bool:
    """Whether an earlier attempt of this call wrote the row and may have made no resource.

    Raises:
        AlreadyExists, InvalidArgument: it was no attempt of this call.
    """
    refused = refusal(call, earlier.specification.call)
    if refused is not None:
        raise refused
    row = earlier.state
    age = timedelta(microseconds=(_nanoseconds(call.accepted_at) - int(row.created_at)) / 1000)
    return row.phase == UNDEFINED and row.launch == LaunchState.LAUNCHING and age < _FINISHED_WITHIN


def _second_stage(
    call: Call, first: _FirstStage, threads: ThreadPoolExecutor
) -> tuple[Known, Future[list[Operation]] | None]:
    """Attributes beside the compiled closure; for a task's first launch, what stores its skeleton."""
    request, found = call.request, first.found
    project = found.get(ProjectRow, projects.key(request.project))
    if first.earlier is None:  # else it was accepted before the project may have been archived
        validate_project_and_domain(project, request.project, request.domain, first.configuration)
    validate_spec(request)
    entity = (_task if request.spec.launch_plan.resource_type == TASK else _launch_plan)(call, found, threads)
    matching = threads.submit(attributes.matching, request.project, request.domain, *entity.attributes_of())
    parent = _parent(call, found)
    known = Known(
        execution=call.execution,
        request=inherited(request, parent) if parent is not None else request,
        launch_plan=entity.launch_plan,
        workflow_id=entity.workflow_id,
        task_id=request.spec.launch_plan if entity.is_task else None,
        closure=entity.closure.result(),
        project_labels=projects.labels(project),
        attributes=matching.result(),
        configuration=first.configuration,
        cluster=environment().cluster_name,
        caller=call.caller,
        principal=parent.principal if parent is not None else call.caller,
        accepted_at=call.accepted_at,
    )
    return known, entity.first_launch


@dataclass(frozen=True)
class _Launchable:
    launch_plan: LaunchPlan
    workflow_id: Identifier
    closure: Future[CompiledWorkflowClosure]
    is_task: bool = False
    first_launch: Future[list[Operation]] | None = None

    def attributes_of(self) -> tuple[str, str]:
        """The workflow and launch plan whose attributes count; a task has no launch plan (CRE-48)."""
        return self.workflow_id.name, "" if self.is_task else self.launch_plan.id.name


def _launch_plan(call: Call, found: Found, threads: ThreadPoolExecutor) -> _Launchable:
    identifier = call.request.spec.launch_plan
    row = found.get(LaunchPlanRow, launch_plans.key(identifier))
    if row is None:
        raise missing_entity(identifier)
    launch_plan = launch_plans.message(row)
    return _Launchable(launch_plan, launch_plan.spec.workflow_id, threads.submit(_read_closure, row.closure_uri))


def _task(call: Call, found: Found, threads: ThreadPoolExecutor) -> _Launchable:
    task_id = call.request.spec.launch_plan
    task = found.get(TaskRow, tasks.key(task_id))
    if task is None:
        raise missing_entity(task_id)
    workflow_id = single_tasks.workflow_id(task_id)
    row = found.get(LaunchPlanRow, launch_plans.key(single_tasks.launch_plan_id(task_id)))
    if row is not None:
        closure = threads.submit(_read_closure, row.closure_uri)
        return _Launchable(launch_plans.message(row), workflow_id, closure, is_task=True)
    compiled = single_tasks.closure(tasks.compiled(task))
    launch_plan = single_tasks.launch_plan(compiled, call.request.spec)
    skeleton = threads.submit(single_tasks.first_launch, compiled, launch_plan, _nanoseconds(call.accepted_at))
    ready: Future[CompiledWorkflowClosure] = Future()
    ready.set_result(compiled)
    return _Launchable(launch_plan, workflow_id, ready, is_task=True, first_launch=skeleton)


def _read_closure(uri: str) -> CompiledWorkflowClosure:
    return CompiledWorkflowClosure.FromString(storage.read_immutable(uri))


def _parent(call: Call, found: Found) -> ExecutionSpecification | None:
    node = parent_of(call.request)
    if node is None:
        return None
    row = found.get(ExecutionSpecification, repository.specification_key(execution_key(node.execution_id)))
    if row is None:
        raise NotFound(f"missing entity of type execution with identifier {' '.join(str(node.execution_id).split())}")
    return row


def _rows(
    known: Known, planned: Launch, call: Call, threads: ThreadPoolExecutor
) -> tuple[ExecutionState, ExecutionSpecification]:
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
        workflow_id=known.workflow_id.SerializeToString(deterministic=True),
        notifications=planned.notifications.SerializeToString(deterministic=True) or None,
        principal=known.principal,
        nesting=planned.spec.metadata.nesting,
        cluster_label=planned.spec.execution_cluster_label.value,
        namespace=planned.namespace,
        inputs_uri=resolved.result(),
        user_inputs_uri=user.result(),
        call=call.digest,
    )
    return _state(known), specification


def _state(known: Known) -> ExecutionState:
    key = execution_key(known.execution)
    now = _nanoseconds(known.accepted_at)
    launch_plan, workflow = known.launch_plan.id, known.workflow_id
    state = ExecutionState(
        execution=key,
        phase=UNDEFINED,
        launch=LaunchState.LAUNCHING.value,
        cluster=known.cluster,
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


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * NANOSECONDS + moment.microsecond * 1000


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


def _store(
    state: ExecutionState, specification: ExecutionSpecification, first_launch: Sequence[Operation], call: Call
) -> bool:
    """Stage 4: row, lease and a task's skeleton; whether the resource is still to be made."""
    lease = Lease(launch_plan=state.launch_plan, execution=state.execution, created_at=state.created_at)
    try:
        repository.create(state, specification, lease, token=uuid.uuid4().hex, unless_there=first_launch)
    except repository.ExecutionExists:
        earlier = repository.read(state.execution)
        if earlier is None:
            raise Internal(f"execution {state.execution} exists and can't be read") from None
        return _is_unfinished(earlier, call)
    return True
