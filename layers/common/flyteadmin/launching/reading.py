"""Reads what a create depends on, stages 1 and 2 (docs/architecture.md#create)."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from flyteidl.admin.launch_plan_pb2 import LaunchPlan
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import TASK, Identifier

from flyteadmin.attributes import repository as attributes
from flyteadmin.clients import configuration, storage
from flyteadmin.clients.dynamodb.keys import AnyKey
from flyteadmin.clients.dynamodb.reads import Found, batch_get
from flyteadmin.clients.dynamodb.writes import Operation
from flyteadmin.errors import NotFound
from flyteadmin.executions import repository
from flyteadmin.executions.models import ExecutionSpecification
from flyteadmin.executions.repository import StoredExecution
from flyteadmin.identifiers import execution_key
from flyteadmin.launch_plans import messages as launch_plan_messages
from flyteadmin.launch_plans import repository as launch_plans
from flyteadmin.launching import single_tasks
from flyteadmin.launching.idempotency import Call
from flyteadmin.launching.parents import inherited, parent_of
from flyteadmin.launching.planning import Known
from flyteadmin.launching.validation import validate_spec
from flyteadmin.projects import repository as projects
from flyteadmin.projects.validation import validate_project_and_domain
from flyteadmin.settings import Configuration, environment
from flyteadmin.tasks import repository as tasks
from flyteadmin.timestamps import from_datetime
from flyteadmin.validation import missing_entity


@dataclass(frozen=True)
class FirstStage:
    """What one consistent read found, and the row of an earlier attempt of this very call."""

    found: Found
    configuration: Configuration
    earlier: StoredExecution | None


def first_stage(call: Call, threads: ThreadPoolExecutor) -> FirstStage:
    """Read the rows whose keys the request names.

    Raises:
        InvalidArgument: the parent is not named in full.
    """
    current = threads.submit(configuration.current)
    execution = execution_key(call.execution)
    mine = [repository.state_key(execution), repository.specification_key(execution)] if call.key else []
    found = batch_get([*mine, projects.key(call.request.project), *_launchable_keys(call), *_parent_keys(call)])
    return FirstStage(found, current.result(), repository.stored(found, execution))


def _launchable_keys(call: Call) -> list[AnyKey]:
    identifier = call.request.spec.launch_plan
    if not all((identifier.project, identifier.domain, identifier.name, identifier.version)):
        return []
    if identifier.resource_type == TASK:
        return [tasks.key(identifier), launch_plans.key(single_tasks.launch_plan_id(identifier))]
    return [launch_plans.key(identifier)]


def _parent_keys(call: Call) -> list[AnyKey]:
    node = parent_of(call.request)
    return [repository.specification_key(execution_key(node.execution_id))] if node is not None else []


@dataclass(frozen=True)
class SecondStage:
    """All that a launch looks at; for a task's first launch also what stores its skeleton, which is under way."""

    known: Known
    first_launch: Future[list[Operation]] | None

    def unless_there(self) -> list[Operation]:
        """What is to be stored with the execution where it is not there yet."""
        return self.first_launch.result() if self.first_launch is not None else []


def second_stage(call: Call, first: FirstStage, threads: ThreadPoolExecutor) -> SecondStage:
    """Check the request against what was found, and read what that names: attributes beside the compiled closure.

    Raises:
        InvalidArgument: naming the field.
        NotFound: there is no such launch plan, task or parent execution.
    """
    request, found = call.request, first.found
    project = found.get(projects.key(request.project))
    if first.earlier is None:  # else it was accepted before the project may have been archived
        validate_project_and_domain(project, request.project, request.domain, first.configuration)
    validate_spec(request)
    entity = _launchable(call, found, threads)
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
        cluster=environment().clusters.default.name,
        caller=call.caller,
        principal=parent.principal if parent is not None else call.caller,
        accepted_at=call.accepted_at,
    )
    return SecondStage(known, entity.first_launch)


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


def _launchable(call: Call, found: Found, threads: ThreadPoolExecutor) -> _Launchable:
    if call.request.spec.launch_plan.resource_type == TASK:
        return _task(call, found, threads)
    return _launch_plan(call, found, threads)


def _launch_plan(call: Call, found: Found, threads: ThreadPoolExecutor) -> _Launchable:
    identifier = call.request.spec.launch_plan
    row = found.get(launch_plans.key(identifier))
    if row is None:
        raise missing_entity(identifier)
    launch_plan = launch_plan_messages.launch_plan(row)
    return _Launchable(launch_plan, launch_plan.spec.workflow_id, threads.submit(_read_closure, row.closure_uri))


def _task(call: Call, found: Found, threads: ThreadPoolExecutor) -> _Launchable:
    task_id = call.request.spec.launch_plan
    task = found.get(tasks.key(task_id))
    if task is None:
        raise missing_entity(task_id)
    workflow_id = single_tasks.workflow_id(task_id)
    row = found.get(launch_plans.key(single_tasks.launch_plan_id(task_id)))
    if row is not None:
        closure = threads.submit(_read_closure, row.closure_uri)
        return _Launchable(launch_plan_messages.launch_plan(row), workflow_id, closure, is_task=True)
    compiled = single_tasks.closure(tasks.compiled(task))
    launch_plan = single_tasks.launch_plan(compiled, call.request.spec)
    skeleton = threads.submit(single_tasks.first_launch, compiled, launch_plan, from_datetime(call.accepted_at))
    ready: Future[CompiledWorkflowClosure] = Future()
    ready.set_result(compiled)
    return _Launchable(launch_plan, workflow_id, ready, is_task=True, first_launch=skeleton)


def _read_closure(uri: str) -> CompiledWorkflowClosure:
    return CompiledWorkflowClosure.FromString(storage.read_immutable(uri))


def _parent(call: Call, found: Found) -> ExecutionSpecification | None:
    node = parent_of(call.request)
    if node is None:
        return None
    row = found.get(repository.specification_key(execution_key(node.execution_id)))
    if row is None:
        raise NotFound(f"missing entity of type execution with identifier {' '.join(str(node.execution_id).split())}")
    return row
