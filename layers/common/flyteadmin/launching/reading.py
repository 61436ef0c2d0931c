"""Reads what a create depends on: named rows, then what they refer to (docs/architecture.md#create, stages 1 and 2)."""

from concurrent.futures import ThreadPoolExecutor

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionSpec
from flyteidl.admin.launch_plan_pb2 import LaunchPlan
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import TASK, Identifier, WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.attributes import repository as attributes
from flyteadmin.attributes.matching import MatchingAttributesRows
from flyteadmin.clients import configuration, storage
from flyteadmin.clients.dynamodb.keys import AnyKey, Key
from flyteadmin.clients.dynamodb.reads import batch_get
from flyteadmin.executions import repository
from flyteadmin.executions.messages import requested_spec, resolved_spec
from flyteadmin.executions.models import StoredExecution
from flyteadmin.executions.reading import existing
from flyteadmin.identifiers import execution_key, key_parts
from flyteadmin.launch_plans import messages as launch_plan_messages
from flyteadmin.launch_plans import repository as launch_plans
from flyteadmin.launch_plans.models import LaunchPlanRow
from flyteadmin.launching import clusters, single_tasks
from flyteadmin.launching.context import LaunchContext
from flyteadmin.launching.decisions import Decisions
from flyteadmin.launching.idempotency import Call
from flyteadmin.launching.parents import Inherited, inherited
from flyteadmin.launching.planning import namespace_of
from flyteadmin.launching.relaunching import Original
from flyteadmin.launching.stored import decisions_of
from flyteadmin.launching.validation import NamedRows
from flyteadmin.projects import repository as projects
from flyteadmin.settings import deployed_clusters
from flyteadmin.tasks import repository as tasks
from flyteadmin.tasks.models import TaskRow
from flyteadmin.timestamps import to_datetime


def read_original(identifier: WorkflowExecutionIdentifier) -> Original:
    """Read an execution that is launched again; rows of upstream's old clients have their inputs in the spec (KD-30).

    Raises:
        InvalidArgument: the identifier is not whole.
        NotFound: there is no such execution.
        Internal: its inputs were replaced.
    """
    stored = existing(identifier)
    uri = stored.specification.user_inputs_uri
    with ThreadPoolExecutor(1) as threads:
        spec = threads.submit(requested_spec, stored)
        inputs = _user_inputs(uri) if uri else spec.result().inputs
        return Original(stored, spec.result(), inputs)


def _user_inputs(uri: str) -> LiteralMap | None:
    try:
        blob = storage.read(uri)
    except storage.BlobMissing:
        return None
    storage.verify(uri, blob)
    return LiteralMap.FromString(blob)


def read_decisions(earlier: StoredExecution | None) -> Decisions | None:
    """Read what configuration decided when an earlier attempt of a call wrote its row; None without one.

    Decisions of more than 32 KB lie in S3, where this function may not read them: they are made again.
    """
    if earlier is None or earlier.specification.resolved_uri:
        return None
    return decisions_of(earlier, requested_spec(earlier), resolved_spec(earlier))


def read_named_rows(call: Call) -> NamedRows:
    """Read the rows whose keys the request names, and the row of an earlier attempt of this call; one consistent batch.

    Raises:
        InvalidArgument: the parent is not named in full, or a name is too long for any key.
    """
    request = call.request
    execution, project = execution_key(call.execution), projects.key(request.project)
    earlier = [repository.state_key(execution), repository.specification_key(execution)] if call.key else []
    task, launch_plan = _target_keys(request.spec.launch_plan)
    parent = execution_key(call.parent.execution_id) if call.parent is not None else ""
    its_items = [repository.state_key(parent), repository.specification_key(parent)] if parent else []
    keys: list[AnyKey | None] = [*earlier, project, task, launch_plan, *its_items]
    with ThreadPoolExecutor(1) as threads:
        current = threads.submit(configuration.current)
        found = batch_get(key for key in keys if key is not None)
    return NamedRows(
        configuration=current.result(),
        project=found.get(project),
        task=found.get(task) if task is not None else None,
        launch_plan=found.get(launch_plan) if launch_plan is not None else None,
        parent=repository.stored(found, parent) if parent else None,
        earlier=repository.stored(found, execution),
    )


def _target_keys(target: Identifier) -> tuple[Key[TaskRow] | None, Key[LaunchPlanRow] | None]:
    """Return the keys of the task and of the launch plan to launch; a task's launch plan is a generated one."""
    if not all((target.project, target.domain, target.name, target.version)):
        return None, None
    if target.resource_type == TASK:
        return tasks.key(target), launch_plans.key(single_tasks.launch_plan_id(target))
    return None, launch_plans.key(target)


def read_context(call: Call, rows: NamedRows) -> LaunchContext:
    """Read the matching attributes beside the closure and the launch plan, of rows that `validate_launch` accepted.

    A task's first launch compiles the workflow around it instead. A repeat keeps the address and the time of the row
    that an earlier attempt wrote.

    Raises:
        InvalidArgument: a task does not compile, or the cluster label means no cluster.
    """
    request = call.request
    target = request.spec.launch_plan
    is_task = target.resource_type == TASK
    earlier = rows.earlier.state if rows.earlier is not None else None
    with ThreadPoolExecutor(1) as threads:
        matching = threads.submit(_read_attributes, request, rows)
        launch_plan, closure = _read_target(request.spec, rows)
    parent = rows.parent.specification if rows.parent is not None else None
    own = inherited(request, call.caller, parent, is_engine=call.is_engine)
    matching_execution, matching_workflow = matching.result()
    return LaunchContext(
        execution=call.execution,
        request=request,
        inherited=own,
        launch_plan=launch_plan,
        workflow_id=single_tasks.workflow_id(target) if is_task else launch_plan.spec.workflow_id,
        task_id=target if is_task else None,
        is_first_launch=rows.launch_plan is None,
        closure=closure,
        project_labels=projects.labels(rows.project),
        attributes=matching_execution,
        workflow_attributes=matching_workflow,
        configuration=rows.configuration,
        cluster=earlier.cluster if earlier is not None else _cluster(call, own, matching_execution, rows),
        namespace=earlier.namespace if earlier is not None else namespace_of(rows.configuration, call.execution),
        caller=call.caller,
        accepted_at=to_datetime(earlier.created_at) if earlier is not None else call.accepted_at,
    )


def _cluster(call: Call, own: Inherited, attributes: MatchingAttributesRows, rows: NamedRows) -> str:
    label = clusters.label_of(own.cluster_label, attributes)
    return clusters.choose(call.execution.name, label, deployed_clusters(rows.configuration))


def _read_attributes(
    request: ExecutionCreateRequest, rows: NamedRows
) -> tuple[MatchingAttributesRows, MatchingAttributesRows]:
    """Read what matches in the execution's project and domain, and in the workflow's own, in one batch.

    A task has no launch plan whose attributes count (CRE-48).
    """
    target = request.spec.launch_plan
    if rows.launch_plan is None or target.resource_type == TASK:
        workflow, launch_plan = single_tasks.workflow_id(target), ""
        project, domain, name = workflow.project, workflow.domain, workflow.name
    else:
        project, domain, name = key_parts(rows.launch_plan.workflow)
        launch_plan = target.name
    of_execution = attributes.keys(request.project, request.domain, name, launch_plan)
    of_workflow = attributes.keys(project, domain, name)
    found = batch_get([*of_execution, *of_workflow])
    return attributes.rows_of(found, of_execution), attributes.rows_of(found, of_workflow)


def _read_target(spec: ExecutionSpec, rows: NamedRows) -> tuple[LaunchPlan, CompiledWorkflowClosure]:
    if rows.launch_plan is not None:
        with ThreadPoolExecutor(1) as threads:
            closure = threads.submit(storage.read_immutable, rows.launch_plan.closure_uri)
            launch_plan = launch_plan_messages.launch_plan(rows.launch_plan)
        return launch_plan, CompiledWorkflowClosure.FromString(closure.result())
    assert rows.task is not None, "validate_launch refuses a request that names neither"
    compiled = single_tasks.closure(tasks.compiled(rows.task))
    return single_tasks.launch_plan(compiled, spec), compiled
