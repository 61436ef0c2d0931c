"""The resources of tasks at the real handler: their own, under the platform's defaults and limits, or a row's."""

import pytest
from flyteidl.admin.common_pb2 import ObjectGetRequest
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionSpec
from flyteidl.admin.launch_plan_pb2 import LaunchPlanCreateResponse
from flyteidl.admin.matchable_resource_pb2 import MatchingAttributes, TaskResourceAttributes, TaskResourceSpec
from flyteidl.admin.project_pb2 import Project, ProjectRegisterRequest, ProjectRegisterResponse
from flyteidl.admin.task_pb2 import Task, TaskCreateRequest, TaskCreateResponse
from flyteidl.admin.workflow_pb2 import WorkflowCreateResponse
from flyteidl.core.identifier_pb2 import TASK, WORKFLOW, Identifier
from flyteidl.core.tasks_pb2 import K8sPod, Resources
from google.protobuf.json_format import ParseDict

from flyteadmin.flyteworkflow.crd import FlyteWorkflow
from local.admin import Admin
from local.aws.data import DataAccount as Aws
from local.cluster.server import ClusterServer
from tests.attribute_rows import put_attributes
from tests.builders import DOMAIN, PROJECT
from tests.configuration import configure
from tests.entities import identifier, integer, launch_plan_request, task_request, workflow_request
from tests.entities import resources as asked
from tests.execution_client import create, resources

UNLIMITED = "task_resources: {defaults: {cpu: 2, memory: 200Mi}, limits: {cpu: '', memory: '', gpu: ''}}"


def registered(
    admin: Admin, own: Resources | None = None, *, project: str = PROJECT, task: TaskCreateRequest | None = None
) -> Identifier:
    """Register a task with these resources, a workflow of it and a launch plan, and return the launch plan's id."""
    task = task or task_request(project=project)
    if own is not None:
        task.spec.template.container.resources.CopyFrom(own)
    admin.call("CreateTask", task, TaskCreateResponse)
    workflow = workflow_request(project=project, task=task.id)
    admin.call("CreateWorkflow", workflow, WorkflowCreateResponse)
    launch_plan = launch_plan_request(project=project, workflow=identifier(WORKFLOW, "doubling", project=project))
    admin.call("CreateLaunchPlan", launch_plan, LaunchPlanCreateResponse)
    return launch_plan.id


def launched(admin: Admin, cluster: ClusterServer, launch_plan: Identifier, name: str = "run") -> FlyteWorkflow:
    """Create an execution and return its resource."""
    message = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name=name)
    message.spec.CopyFrom(ExecutionSpec(launch_plan=launch_plan))
    message.inputs.literals["x"].CopyFrom(integer(1))
    create(admin, message)
    [resource] = [each for each in resources(cluster) if each.metadata.name == name]
    return resource


def given(admin: Admin, cluster: ClusterServer, launch_plan: Identifier, name: str = "run") -> Resources:
    """Create an execution and return the resources that its one task has in the cluster."""
    [task] = (launched(admin, cluster, launch_plan, name).tasks or {}).values()
    found: Resources = task.container.resources
    return found


def row(defaults: dict[str, str] | None = None, limits: dict[str, str] | None = None) -> MatchingAttributes:
    attributes = TaskResourceAttributes(
        defaults=TaskResourceSpec(**(defaults or {})), limits=TaskResourceSpec(**(limits or {}))
    )
    return MatchingAttributes(task_resource_attributes=attributes)


@pytest.mark.conformance("RES-02")
def test_the_row_of_the_most_specific_scope_replaces_defaults_and_limits_whole(
    admin: Admin, cluster: ClusterServer
) -> None:
    """A field that a row leaves out is zero: no default and no limit, neither the platform's nor a wider row's."""
    plan = registered(admin, asked({"MEMORY": "900Mi"}))
    platform = asked({"CPU": "2", "MEMORY": "900Mi"}, {"CPU": "2", "MEMORY": "900Mi"})
    assert given(admin, cluster, plan, "platform") == platform
    put_attributes(row({"cpu": "3", "gpu": "1"}, {"memory": "800Mi"}), domain="")
    of_project = {"CPU": "3", "MEMORY": "800Mi", "GPU": "1"}
    assert given(admin, cluster, plan, "project") == asked(of_project, of_project)
    put_attributes(row(limits={"cpu": "1"}))
    assert given(admin, cluster, plan, "domain") == asked(
        {"CPU": "0", "MEMORY": "900Mi"}, {"CPU": "0", "MEMORY": "900Mi"}
    )
    put_attributes(row({"cpu": "500m"}), workflow="doubling")
    of_workflow = {"CPU": "500m", "MEMORY": "900Mi"}
    assert given(admin, cluster, plan, "workflow") == asked(of_workflow, of_workflow)
    put_attributes(row({"cpu": "9"}), workflow="doubling", launch_plan="doubling")
    assert given(admin, cluster, plan, "launch-plan") == asked(of_workflow, of_workflow)


@pytest.mark.conformance("RES-02")
def test_limits_are_those_of_the_workflows_own_project(admin: Admin, cluster: ClusterServer) -> None:
    """Also where the launch plan of one project is launched into another."""
    other = Project(id="other", name="other")
    admin.call("RegisterProject", ProjectRegisterRequest(project=other), ProjectRegisterResponse)
    plan = registered(admin, project="other")
    put_attributes(row({"cpu": "1", "memory": "1Mi"}), project="other")
    put_attributes(row({"cpu": "7", "memory": "7Mi"}))
    expected = {"CPU": "1", "MEMORY": "1Mi"}
    assert given(admin, cluster, plan) == asked(expected, expected)


@pytest.mark.conformance("RES-03", "RES-05")
@pytest.mark.parametrize(
    ("own", "limits", "requests", "capped"),
    [
        ({}, {}, ("2", "200Mi"), ("2", "200Mi")),
        ({"CPU": "1", "MEMORY": "100Mi"}, {}, ("1", "100Mi"), ("1", "100Mi")),
        ({}, {"CPU": "1", "MEMORY": "100Mi"}, ("1", "100Mi"), ("1", "100Mi")),
        ({"MEMORY": "100Mi", "CPU": "500m"}, {"MEMORY": "300Mi", "CPU": "1"}, ("500m", "100Mi"), ("1", "300Mi")),
        ({"CPU": "9", "MEMORY": "9Gi"}, {}, ("4", "4Gi"), ("4", "4Gi")),
        ({"CPU": "1"}, {"CPU": "9"}, ("1", "200Mi"), ("4", "200Mi")),
    ],
)
def test_a_request_a_limit_and_a_default_stand_in_for_each_other_below_the_limits(
    admin: Admin,
    cluster: ClusterServer,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    own: dict[str, str],
    limits: dict[str, str],
    requests: tuple[str, str],
    capped: tuple[str, str],
) -> None:
    configure(aws, monkeypatch, UNLIMITED)
    plan = registered(admin, asked(own, limits))
    put_attributes(row({"cpu": "2", "memory": "200Mi"}, {"cpu": "4", "memory": "4Gi"}))
    found = given(admin, cluster, plan)
    names = ("CPU", "MEMORY")
    assert found == asked(dict(zip(names, requests, strict=True)), dict(zip(names, capped, strict=True)))


@pytest.mark.conformance("RES-04", "RES-05")
@pytest.mark.parametrize(
    ("own", "defaults", "storage", "gpu"),
    [
        ({}, {}, None, None),
        ({"GPU": "1"}, {}, None, "1"),
        ({"EPHEMERAL_STORAGE": "1Gi"}, {}, "1Gi", None),
        ({}, {"gpu": "1", "ephemeral_storage": "2Gi"}, "2Gi", "1"),
        ({"GPU": "1", "EPHEMERAL_STORAGE": "9Gi"}, {}, "5Gi", "1"),
    ],
)
def test_storage_and_gpus_are_there_where_they_are_asked_for_or_a_default(
    admin: Admin,
    cluster: ClusterServer,
    own: dict[str, str],
    defaults: dict[str, str],
    storage: str | None,
    gpu: str | None,
) -> None:
    """A limit of the platform alone adds neither."""
    plan = registered(admin, asked(own))
    put_attributes(row({"cpu": "1", "memory": "1Mi"} | defaults, {"gpu": "4", "ephemeral_storage": "5Gi"}))
    entries = {"CPU": "1", "MEMORY": "1Mi", "EPHEMERAL_STORAGE": storage, "GPU": gpu}
    expected = {name: value for name, value in entries.items() if value is not None}
    assert given(admin, cluster, plan) == asked(expected, expected)


@pytest.mark.conformance("RES-06")
def test_what_is_no_quantity_counts_as_unset(admin: Admin, cluster: ClusterServer) -> None:
    plan = registered(admin, asked({"CPU": "1"}))
    put_attributes(row({"memory": "lots"}, {"cpu": "few"}))
    assert given(admin, cluster, plan) == asked({"CPU": "1", "MEMORY": "0"}, {"CPU": "1", "MEMORY": "0"})


@pytest.mark.conformance("RES-07")
def test_other_targets_keep_their_resources_and_propeller_reads_the_platforms(
    admin: Admin, cluster: ClusterServer
) -> None:
    task: TaskCreateRequest = task_request()
    pod = {"containers": [{"name": "main", "image": "a", "resources": {"requests": {"cpu": "1"}}}]}
    task.spec.template.k8s_pod.CopyFrom(ParseDict({"podSpec": pod}, K8sPod()))
    task.spec.template.config["primary_container_name"] = "main"
    plan = registered(admin, task=task)
    put_attributes(row({"cpu": "3"}, {"memory": "2Gi", "gpu": "4"}))
    resource = launched(admin, cluster, plan)
    [found] = (resource.tasks or {}).values()
    assert found.k8s_pod == task.spec.template.k8s_pod
    travels = resource.execution_config.task_resources
    assert (travels.requests.cpu, travels.requests.memory, travels.limits.memory) == ("3", "0", "2Gi")
    assert (travels.limits.cpu, travels.limits.gpu) == ("0", "4")


@pytest.mark.conformance("RES-08")
def test_the_registered_task_stays_as_it_was(admin: Admin, cluster: ClusterServer) -> None:
    plan = registered(admin)
    assert given(admin, cluster, plan) == asked({"CPU": "2", "MEMORY": "200Mi"}, {"CPU": "2", "MEMORY": "200Mi"})
    stored = admin.call("GetTask", ObjectGetRequest(id=identifier(TASK, "double")), Task)
    assert not stored.closure.compiled_task.template.container.HasField("resources")
