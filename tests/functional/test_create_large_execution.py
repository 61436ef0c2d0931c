"""A closure too large for etcd goes to S3, edited for its execution, and the resource refers to it."""

from collections.abc import Iterator

import pytest
from flyteidl.admin.common_pb2 import ObjectGetRequest
from flyteidl.admin.execution_pb2 import (
    Execution,
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionSpec,
    WorkflowExecutionGetRequest,
)
from flyteidl.admin.launch_plan_pb2 import LaunchPlanCreateResponse
from flyteidl.admin.matchable_resource_pb2 import (
    ExecutionQueueAttributes,
    MatchingAttributes,
    PluginOverride,
    PluginOverrides,
)
from flyteidl.admin.task_pb2 import TaskCreateResponse
from flyteidl.admin.workflow_pb2 import Workflow, WorkflowClosure, WorkflowCreateResponse
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, WORKFLOW
from flyteidl.core.literals_pb2 import Binding, BindingData, KeyValuePair, Literal, LiteralMap, Primitive, Scalar
from flyteidl.core.types_pb2 import STRING

from flyteadmin import settings
from flyteadmin.attributes.models import AttributesRow
from flyteadmin.attributes.repository import scope_key
from flyteadmin.clients import cluster as cluster_client
from flyteadmin.clients import configuration, storage
from flyteadmin.clients.dynamodb.writes import Put, write
from flyteadmin.errors import Code
from flyteadmin.flyteworkflow.builder import build_flyteworkflow
from flyteadmin.flyteworkflow.crd import FlyteWorkflow
from local.admin import Admin, CallFailed
from local.aws.data import DataAccount as Aws
from local.cluster.process import serve
from local.cluster.server import ClusterServer
from local.cluster.store import Store
from tests import in_process
from tests.builders import DOMAIN, PROJECT, execution_id
from tests.entities import identifier, integer, launch_plan_request, task_request, text, variables, workflow_request

NAMESPACE = f"{PROJECT}-{DOMAIN}"
NODES, LETTER = 80, "x" * 20_000


@pytest.fixture
def cluster(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterServer]:
    """A cluster that the functions of this process know."""
    with serve(Store(namespaces=(NAMESPACE,)), token="token") as server:
        secret = aws.endpoint.client("secretsmanager", aws.account).create_secret(Name="token", SecretString="token")
        monkeypatch.setenv("CLUSTER_ENDPOINT", server.url)
        monkeypatch.setenv("CLUSTER_TOKEN_SECRET_ARN", secret["ARN"])
        settings.environment.cache_clear()
        cluster_client._api_until.cache_clear()
        yield server
        cluster_client._api_until.cache_clear()
        configuration.forget()


@pytest.fixture
def admin(cluster: ClusterServer) -> Admin:
    """A client, for whom a workflow of 80 letters of 20 KB is registered."""
    client = in_process.admin()
    task, workflow = task_request(), workflow_request(nodes=NODES)
    task.spec.template.interface.inputs.variables["letter"].CopyFrom(variables(letter=STRING).variables["letter"])
    letter = BindingData(scalar=Scalar(primitive=Primitive(string_value=LETTER)))
    for node in workflow.spec.template.nodes:
        node.inputs.append(Binding(var="letter", binding=letter))
    client.call("CreateTask", task, TaskCreateResponse)
    client.call("CreateWorkflow", workflow, WorkflowCreateResponse)
    client.call("CreateLaunchPlan", launch_plan_request(), LaunchPlanCreateResponse)
    return client


@pytest.fixture
def small(admin: Admin) -> Admin:
    """The same with a workflow of one node, whose input is a text."""
    task, workflow = task_request("echo"), workflow_request("echoing", task=identifier(TASK, "echo"))
    task.spec.template.interface.inputs.CopyFrom(variables(a=STRING))
    workflow.spec.template.interface.inputs.CopyFrom(variables(x=STRING))
    admin.call("CreateTask", task, TaskCreateResponse)
    admin.call("CreateWorkflow", workflow, WorkflowCreateResponse)
    plan = launch_plan_request("echoing", workflow=identifier(WORKFLOW, "echoing"))
    admin.call("CreateLaunchPlan", plan, LaunchPlanCreateResponse)
    return admin


def request(x: Literal, plan: str = "doubling", name: str = "run") -> ExecutionCreateRequest:
    spec = ExecutionSpec(launch_plan=identifier(LAUNCH_PLAN, plan))
    return ExecutionCreateRequest(
        project=PROJECT, domain=DOMAIN, name=name, spec=spec, inputs=LiteralMap(literals={"x": x})
    )


def create(admin: Admin, message: ExecutionCreateRequest) -> FlyteWorkflow:
    """Create an execution, and give its resource as the cluster has it."""
    admin.call("CreateExecution", message, ExecutionCreateResponse)
    found = cluster_client._api(settings.environment().cluster).get_namespaced_custom_object(
        cluster_client.GROUP, cluster_client.VERSION, NAMESPACE, cluster_client.PLURAL, message.name
    )
    return FlyteWorkflow.model_validate(found)


def refused(admin: Admin, message: ExecutionCreateRequest) -> tuple[Code, str]:
    """Return the refusal of a create, of which no row may be left."""
    with pytest.raises(CallFailed) as failure:
        admin.call("CreateExecution", message, ExecutionCreateResponse)
    with pytest.raises(CallFailed, match="NOT_FOUND"):
        admin.call("GetExecution", WorkflowExecutionGetRequest(id=execution_id(message.name)), Execution)
    return failure.value.code, failure.value.status.message


def configured(monkeypatch: pytest.MonkeyPatch, yaml: str) -> None:
    target = storage.uri("config", "flyteadmin.yaml")
    storage.write(yaml.encode(), target)
    monkeypatch.setenv("CONFIGURATION_URI", target)
    settings.environment.cache_clear()
    configuration.forget()


def queued_and_overridden() -> None:
    """A tag of a queue and a plugin for the project and domain."""
    override = PluginOverride(task_type="spark", plugin_id=["mine"], missing_plugin_behavior=PluginOverride.FAIL)
    row = AttributesRow(
        scope=scope_key(PROJECT, DOMAIN, "", ""),
        updated_at=1,
        execution_queue=MatchingAttributes(
            execution_queue_attributes=ExecutionQueueAttributes(tags=["critical"])
        ).SerializeToString(),
        plugin_override=MatchingAttributes(plugin_overrides=PluginOverrides(overrides=[override])).SerializeToString(),
    )
    write(Put(row))


QUEUES = "queues: {executionQueues: [{dynamic: fast, attributes: [critical]}]}\n"


@pytest.mark.conformance("CRE-51", "RES-03", "RES-08", "QUE-01", "QUE-03")
def test_a_large_workflow_is_referred_to_with_the_edits_of_its_execution(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(monkeypatch, QUEUES)
    queued_and_overridden()

    resource = create(admin, request(integer(1)))

    assert (resource.spec, resource.tasks, resource.sub_workflows, resource.inputs) == (None, None, None, None)
    stored = WorkflowClosure.FromString(storage.read(resource.workflow_closure_reference)).compiled_workflow
    assert len(stored.primary.template.nodes) == NODES + 2
    [task] = stored.tasks
    assert [entry.value for entry in task.template.container.resources.requests] == ["2", "200Mi"]
    assert list(task.template.container.config) == [KeyValuePair(key="child_queue", value="fast")]
    assert LiteralMap.FromString(storage.read(resource.offloaded_inputs)) == LiteralMap(literals={"x": integer(1)})
    registered = admin.call("GetWorkflow", ObjectGetRequest(id=identifier(WORKFLOW, "doubling")), Workflow)
    assert not registered.closure.compiled_workflow.tasks[0].template.container.HasField("resources")
    body = resource.to_json_object()
    assert ("spec" in body, "inputs" in body, "subWorkflows" in body) == (True, False, False)


@pytest.mark.conformance("CRE-51", "CFG-21", "QUE-03")
def test_what_is_referred_to_is_what_would_have_been_inline(small: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    queued_and_overridden()
    configured(monkeypatch, QUEUES + "flyteadmin: {maxFlyteworkflowBytes: 0}\n")
    inline = create(small, request(text("x"), "echoing", "inline"))
    configured(monkeypatch, QUEUES + "flyteadmin: {maxFlyteworkflowBytes: 1}\n")
    referring = create(small, request(text("x"), "echoing", "referring"))

    stored = WorkflowClosure.FromString(storage.read(referring.workflow_closure_reference)).compiled_workflow
    inputs = LiteralMap.FromString(storage.read(referring.offloaded_inputs))
    rebuilt = build_flyteworkflow(stored, inputs, execution_id("inline"), NAMESPACE)

    assert (rebuilt.spec, rebuilt.tasks, rebuilt.inputs) == (inline.spec, inline.tasks, inline.inputs)
    assert (inline.workflow_closure_reference, inline.offloaded_inputs) == ("", "")
    [plugin] = inline.execution_config.task_plugin_impls.items()  # type: ignore[union-attr]  # create sets it
    assert (plugin[0], plugin[1].plugin_ids) == ("spark", ["mine"])
    assert referring.execution_config == inline.execution_config


@pytest.mark.parametrize("value", ["x" * 1_200_000, "<p>&</p>" * 60_000])
def test_inputs_alone_may_be_too_large_also_by_the_escapes_of_the_api_server(small: Admin, value: str) -> None:
    resource = create(small, request(text(value), "echoing"))

    assert (resource.spec, resource.inputs) == (None, None)
    inputs = LiteralMap.FromString(storage.read(resource.offloaded_inputs))
    assert inputs.literals["x"].scalar.primitive.string_value == value
    closure = WorkflowClosure.FromString(storage.read(resource.workflow_closure_reference))
    assert len(closure.compiled_workflow.primary.template.nodes) == 3


def test_what_fits_is_inline(small: Admin) -> None:
    resource = create(small, request(text("x" * 500_000), "echoing"))

    assert resource.spec is not None
    assert resource.inputs is not None
    assert (resource.workflow_closure_reference, resource.offloaded_inputs) == ("", "")


def test_environment_variables_that_no_cluster_takes_are_refused_and_nothing_is_left(small: Admin) -> None:
    message = request(text("x"), "echoing")
    message.spec.envs.values.append(KeyValuePair(key="REPORT", value="x" * 2_000_000))

    code, why = refused(small, message)

    assert code is Code.INVALID_ARGUMENT
    assert why.startswith("labels, annotations and environment variables make the FlyteWorkflow 2")


@pytest.mark.conformance("CRE-12", "KD-45")
def test_a_time_that_has_no_json_form_is_refused_at_whatever_depth_and_nothing_is_left(small: Admin) -> None:
    message = request(text("x"), "echoing")
    message.inputs.literals["x"].scalar.union.value.scalar.primitive.datetime.seconds = 1 << 60
    message.inputs.literals["x"].scalar.union.type.simple = STRING

    code, why = refused(small, message)

    assert code is Code.INVALID_ARGUMENT
    assert why.startswith("invalid value for inputs.literals[x].scalar.union.value.scalar.primitive.datetime")
