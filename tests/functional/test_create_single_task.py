"""A task launched by itself, through the real handler: the workflow and launch plan that come into being around it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flyteidl.admin.common_pb2 import (
    Annotations,
    AuthRole,
    Labels,
    NamedEntityState,
    ObjectGetRequest,
    RawOutputDataConfig,
)
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest
from flyteidl.admin.launch_plan_pb2 import INACTIVE, LaunchPlan
from flyteidl.admin.matchable_resource_pb2 import (
    MatchingAttributes,
    PluginOverride,
    PluginOverrides,
    WorkflowExecutionConfig,
)
from flyteidl.admin.task_pb2 import TaskCreateRequest, TaskCreateResponse
from flyteidl.admin.workflow_pb2 import Workflow
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, WORKFLOW, Identifier
from flyteidl.core.literals_pb2 import KeyValuePair, RetryStrategy
from flyteidl.core.security_pb2 import Identity, SecurityContext

from flyteadmin.attributes.models import AttributesRow
from flyteadmin.attributes.repository import scope_key
from flyteadmin.clients.dynamodb.reads import get, query_all
from flyteadmin.clients.dynamodb.writes import Put, write
from flyteadmin.errors import Code
from flyteadmin.executions import repository
from flyteadmin.executions.leases import Lease
from flyteadmin.launch_plans import repository as launch_plans
from flyteadmin.launching import storing
from flyteadmin.named_entities import repository as named_entities
from flyteadmin.workflows import repository as workflows
from local.admin import Admin
from local.aws.data import DataAccount
from local.cluster.faults import Fault
from local.cluster.server import ClusterServer
from tests import execution_client
from tests.builders import DOMAIN, PROJECT
from tests.entities import identifier, integer, task_request
from tests.execution_client import create, refused, resources

NAME = "core.doubling.double"
GENERATED = f".flytegen.{NAME}"
NODE = "coredoublingdouble"


def registered(admin: Admin, task: TaskCreateRequest | None = None) -> Identifier:
    task = task or task_request(NAME)
    admin.call("CreateTask", task, TaskCreateResponse)
    return task.id


def request(task: Identifier, name: str = "run", a: int = 5) -> ExecutionCreateRequest:
    made = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name=name)
    made.spec.launch_plan.CopyFrom(task)
    made.inputs.literals["a"].CopyFrom(integer(a))
    return made


def generated(admin: Admin) -> tuple[Workflow, LaunchPlan]:
    of_workflow, of_launch_plan = (identifier(kind, GENERATED) for kind in (WORKFLOW, LAUNCH_PLAN))
    workflow = admin.call("GetWorkflow", ObjectGetRequest(id=of_workflow), Workflow)
    return workflow, admin.call("GetLaunchPlan", ObjectGetRequest(id=of_launch_plan), LaunchPlan)


@pytest.mark.conformance("CRE-27", "CRE-44", "CRE-45", "CRE-49")
def test_a_task_runs_in_a_workflow_of_one_node(admin: Admin, cluster: ClusterServer) -> None:
    task = registered(admin)
    create(admin, request(task))
    execution = execution_client.get(admin)
    assert execution.spec.launch_plan == task
    assert execution.closure.workflow_id == identifier(WORKFLOW, GENERATED)
    workflow, _ = generated(admin)
    template = workflow.closure.compiled_workflow.primary.template
    assert set(template.interface.inputs.variables) == {"a"}
    [node] = [each for each in template.nodes if each.id not in {"start-node", "end-node"}]
    assert (node.id, node.metadata.name, node.metadata.retries.retries) == (NODE, NODE, 3)
    assert node.task_node.reference_id == task
    assert node.inputs[0].binding.promise.node_id == "start-node"
    assert template.outputs[0].binding.promise.node_id == NODE
    [resource] = resources(cluster)
    assert resource.inputs is not None
    assert resource.inputs.literals["a"] == integer(5)
    assert resource.spec is not None
    assert NODE in resource.spec.nodes
    state = repository.read_state(f"{PROJECT}:{DOMAIN}:run")
    assert state is not None
    assert (state.task, state.task_version) == (f"{PROJECT}:{DOMAIN}:{NAME}", "v1")
    assert len(query_all(Lease, f"{PROJECT}:{DOMAIN}:{GENERATED}")) == 1


@pytest.mark.conformance("CRE-46")
def test_what_is_generated_is_hidden_from_active_names(admin: Admin) -> None:
    create(admin, request(registered(admin)))
    for kind in (WORKFLOW, LAUNCH_PLAN):
        row = get(named_entities.key(identifier(kind, GENERATED)))
        assert row is not None
        assert row.state == NamedEntityState.SYSTEM_GENERATED


@pytest.mark.conformance("CRE-47")
def test_the_launch_plan_keeps_the_first_callers_role(admin: Admin, cluster: ClusterServer) -> None:
    task = registered(admin)
    for name, role in (("first", "alice"), ("second", "bob")):
        message = request(task, name)
        message.spec.security_context.CopyFrom(SecurityContext(run_as=Identity(k8s_service_account=role)))
        message.spec.auth_role.CopyFrom(AuthRole(kubernetes_service_account=role))
        create(admin, message)
    _, launch_plan = generated(admin)
    assert launch_plan.closure.state == INACTIVE
    assert launch_plan.spec.workflow_id == identifier(WORKFLOW, NAME)
    assert launch_plan.spec.security_context.run_as.k8s_service_account == "alice"
    assert launch_plan.spec.auth_role.kubernetes_service_account == "alice"
    assert launch_plan.closure.expected_inputs.parameters["a"].required
    ran_as = {resource.metadata.name: resource.service_account_name for resource in resources(cluster)}
    assert ran_as == {"first": "alice", "second": "bob"}


@pytest.mark.conformance("CRE-48", "CFG-02")
def test_the_configuration_has_neither_a_launch_plan_nor_a_workflow(
    admin: Admin, cluster: ClusterServer, aws: DataAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = registered(admin)
    aws.client("s3").put_object(
        Bucket=aws.resources["Bucket"],
        Key="flyteadmin.yaml",
        Body=b"registration: {maxLabelEntries: 1, maxAnnotationEntries: 1}",
    )
    monkeypatch.setenv("CONFIGURATION_URI", f"s3://{aws.resources['Bucket']}/flyteadmin.yaml")
    attribute(f"raw/{GENERATED}", GENERATED, max_parallelism=2)
    attribute("raw/domain", "", max_parallelism=7)
    message = request(task)
    message.spec.labels.CopyFrom(Labels(values={"a": "1", "b": "2"}))
    message.spec.annotations.CopyFrom(Annotations(values={"a": "1", "b": "2"}))
    create(admin, message)
    [resource] = resources(cluster)
    assert resource.raw_output_data_config.output_location_prefix == "raw/domain"
    assert resource.execution_config.max_parallelism == 7
    assert execution_client.get(admin).spec.max_parallelism == 0


def attribute(prefix: str, workflow: str, max_parallelism: int) -> None:
    """Set an attribute for the domain, or for one workflow of it."""
    config = WorkflowExecutionConfig(
        raw_output_data_config=RawOutputDataConfig(output_location_prefix=prefix), max_parallelism=max_parallelism
    )
    matching = MatchingAttributes(workflow_execution_config=config)
    row = AttributesRow(
        scope=scope_key(PROJECT, DOMAIN, workflow, ""),
        listing="WORKFLOW_EXECUTION_CONFIG",
        workflow_execution_config=matching.SerializeToString(),
        updated_at=0,
    )
    write(Put(row))


@pytest.mark.conformance("CFG-22")
def test_plugin_overrides_are_those_of_the_domain(admin: Admin, cluster: ClusterServer) -> None:
    for workflow, plugin in ((GENERATED, "of-the-workflow"), ("", "of-the-domain")):
        override = PluginOverride(task_type="python-task", plugin_id=[plugin])
        matching = MatchingAttributes(plugin_overrides=PluginOverrides(overrides=[override]))
        row = AttributesRow(
            scope=scope_key(PROJECT, DOMAIN, workflow, ""),
            listing="PLUGIN_OVERRIDE",
            plugin_override=matching.SerializeToString(),
            updated_at=0,
        )
        write(Put(row))
    create(admin, request(registered(admin)))
    [resource] = resources(cluster)
    overrides = resource.execution_config.task_plugin_impls or {}
    assert overrides["python-task"].plugin_ids == ["of-the-domain"]


def objects(aws: DataAccount) -> set[str]:
    """The keys of all objects in the bucket."""
    listed = aws.client("s3").list_objects_v2(Bucket=aws.resources["Bucket"])
    return {each["Key"] for each in listed.get("Contents", ())}


@pytest.mark.conformance("CRE-14", "CRE-15", "CRE-16", "CRE-17")
def test_what_is_wrong_is_named_and_nothing_is_generated_or_stored(
    admin: Admin, cluster: ClusterServer, aws: DataAccount
) -> None:
    task = registered(admin)
    before = objects(aws)
    unknown = request(identifier(TASK, NAME, "v9"))
    missing = request(task)
    missing.inputs.Clear()
    extra = request(task)
    extra.inputs.literals["colour"].CopyFrom(integer(1))
    wrong = request(task)
    wrong.inputs.literals["a"].scalar.primitive.string_value = "five"
    labelled = request(task)
    labelled.spec.labels.values.update({f"label-{number}": "x" for number in range(17)})
    heavy = request(task)
    heavy.spec.envs.values.append(KeyValuePair(key="REPORT", value="x" * 2_000_000))
    for message, code, says in (
        (unknown, Code.NOT_FOUND, "missing entity of type TASK"),
        (missing, Code.INVALID_ARGUMENT, "expected_inputs a missing"),
        (extra, Code.INVALID_ARGUMENT, "invalid input colour"),
        (wrong, Code.INVALID_ARGUMENT, "invalid a input wrong type"),
        (labelled, Code.INVALID_ARGUMENT, "labels"),
        (heavy, Code.INVALID_ARGUMENT, "make the FlyteWorkflow"),
    ):
        failure = refused(admin, message)
        assert (failure.code, says in failure.status.message) == (code, True), failure
    assert resources(cluster) == []
    assert workflows.read(identifier(WORKFLOW, GENERATED)) is None
    assert objects(aws) == before


@pytest.mark.conformance("CRE-44", "KD-20")
def test_first_launches_at_once_all_succeed(
    admin: Admin, cluster: ClusterServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All have read that there is no skeleton yet before any of them writes one."""
    task, all_have_read = registered(admin), Barrier(4)
    original = storing.write_blobs

    def write_blobs(*arguments: object) -> object:
        all_have_read.wait()
        return original(*arguments)  # type: ignore[arg-type]  # whatever it was called with

    monkeypatch.setattr(storing, "write_blobs", write_blobs)
    names = [f"run-{number}" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        created = list(pool.map(lambda name: create(admin, request(task, name)).name, names))
    assert created == names
    assert {resource.metadata.name for resource in resources(cluster)} == set(names)
    assert workflows.read(identifier(WORKFLOW, GENERATED)) is not None
    assert launch_plans.read(identifier(LAUNCH_PLAN, GENERATED)) is not None


@pytest.mark.conformance("CRE-30", "KD-19")
def test_a_refusal_is_on_the_row_as_for_every_execution(admin: Admin, cluster: ClusterServer) -> None:
    task = registered(admin)
    cluster.faults.add(Fault(verb="create", code=403, reason="Forbidden", message="quota of flyteworkflows"))
    create(admin, request(task))
    closure = execution_client.get(admin).closure
    assert closure.phase == WorkflowExecution.FAILED
    assert "quota of flyteworkflows" in closure.error.message
    assert query_all(Lease, f"{PROJECT}:{DOMAIN}:{GENERATED}") == []


@pytest.mark.conformance("CRE-45")
@pytest.mark.parametrize("retries", [0, 5])
def test_the_tasks_own_retries_count(admin: Admin, retries: int) -> None:
    task = task_request(NAME)
    task.spec.template.metadata.retries.CopyFrom(RetryStrategy(retries=retries))
    create(admin, request(registered(admin, task)))
    assert node_retries(generated(admin)[0]) == [retries]


def node_retries(workflow: Workflow) -> Sequence[int]:
    nodes = workflow.closure.compiled_workflow.primary.template.nodes
    return [node.metadata.retries.retries for node in nodes if node.WhichOneof("target") == "task_node"]
