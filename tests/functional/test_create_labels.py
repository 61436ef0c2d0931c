"""Labels, tags, notifications, quality of service and inputs of executions, of launch plans and tasks by themselves."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flyteidl.admin.common_pb2 import Annotations, EmailNotification, Labels, Notification, ResourceListRequest
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionList, ExecutionSpec, NotificationList
from flyteidl.admin.launch_plan_pb2 import (
    LaunchPlanCreateRequest,
    LaunchPlanCreateResponse,
    LaunchPlanMetadata,
    LaunchPlanSpec,
)
from flyteidl.admin.project_pb2 import Project, ProjectUpdateResponse
from flyteidl.admin.task_pb2 import TaskCreateResponse
from flyteidl.admin.workflow_pb2 import WorkflowCreateResponse
from flyteidl.core.execution_envs_pb2 import ExecutionEnv, ExecutionEnvAssignment
from flyteidl.core.execution_pb2 import QualityOfService, QualityOfServiceSpec, WorkflowExecution
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.interface_pb2 import Parameter, ParameterMap
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.core.types_pb2 import INTEGER
from flyteidl.core.workflow_pb2 import WorkflowMetadata
from google.protobuf.duration_pb2 import Duration
from pydantic import ValidationError

from flyteadmin.clients import configuration, storage
from flyteadmin.errors import Code
from flyteadmin.executions import repository
from flyteadmin.flyteworkflow.crd import FlyteWorkflow
from local.admin import Admin
from local.aws.data import DataAccount as Aws
from local.cluster.server import ClusterServer
from tests.builders import DOMAIN, PROJECT
from tests.configuration import configure
from tests.entities import integer, launch_plan_request, task_request, variables, workflow_request
from tests.execution_client import create, get, refused, resources
from tests.faults import unavailable

BUDGET = QualityOfService(spec=QualityOfServiceSpec(queueing_budget=Duration(seconds=60)))


def registered(admin: Admin, **fields: Any) -> Identifier:
    """Register a task, a workflow and a launch plan that has these fields; return the launch plan's id."""
    workflow = workflow_request()
    workflow.spec.template.metadata.CopyFrom(WorkflowMetadata(quality_of_service=BUDGET))
    admin.call("CreateTask", task_request(), TaskCreateResponse)
    admin.call("CreateWorkflow", workflow, WorkflowCreateResponse)
    request: LaunchPlanCreateRequest = launch_plan_request()
    request.spec.MergeFrom(LaunchPlanSpec(**fields))
    admin.call("CreateLaunchPlan", request, LaunchPlanCreateResponse)
    return request.id


def of_a_launch_plan(admin: Admin) -> ExecutionCreateRequest:
    return message(registered(admin), "x")


def of_a_task(admin: Admin) -> ExecutionCreateRequest:
    task = task_request()
    admin.call("CreateTask", task, TaskCreateResponse)
    return message(task.id, "a")


def message(launchable: Identifier, given: str, name: str = "run", **fields: Any) -> ExecutionCreateRequest:
    spec = ExecutionSpec(launch_plan=launchable, **fields)
    made = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name=name, spec=spec)
    made.inputs.literals[given].CopyFrom(integer(1))
    return made


def named(original: ExecutionCreateRequest, name: str) -> ExecutionCreateRequest:
    made = ExecutionCreateRequest()
    made.CopyFrom(original)
    made.name = name
    return made


both_kinds = pytest.mark.parametrize("made", [of_a_launch_plan, of_a_task])


@pytest.mark.conformance("CRE-34", "CRE-35", "KD-21")
@both_kinds
def test_an_execution_is_found_by_its_labels_and_tags(
    admin: Admin, aws: Aws, monkeypatch: pytest.MonkeyPatch, made: Callable[[Admin], ExecutionCreateRequest]
) -> None:
    """A tag that is there twice, or equals a label, is one tag; labels of other levels are not searched."""
    configure(aws, monkeypatch, "flyteadmin: {labels: {of: file}}")
    admin.call("UpdateProject", Project(id=PROJECT, labels=Labels(values={"of": "project"})), ProjectUpdateResponse)
    request = made(admin)
    create(admin, named(request, "other"))
    request.spec.labels.values.update(team="ml", bare="")
    request.spec.tags.extend(["urgent", "urgent", "bare"])
    create(admin, request)

    def found(filters: str) -> list[str]:
        asked = ResourceListRequest(limit=10, filters=filters)
        asked.id.project, asked.id.domain = PROJECT, DOMAIN
        return [each.id.name for each in admin.call("ListExecutions", asked, ExecutionList).executions]

    for filters in (
        "eq(execution_tag.key,urgent)",
        "eq(admin_tag.name,bare)",
        "eq(execution_tag.key,team)+eq(execution_tag.value,ml)",
    ):
        assert found(filters) == ["run"]
    assert found("eq(execution_tag.key,of)") == []
    assert list(get(admin).spec.tags) == ["urgent", "urgent", "bare"]


@pytest.mark.conformance("CRE-36", "PRJ-10", "KD-03")
@both_kinds
def test_a_projects_labels_fill_gaps_alone(
    admin: Admin, cluster: ClusterServer, made: Callable[[Admin], ExecutionCreateRequest]
) -> None:
    labels = Labels(values={"team": "platform", "cost": "shared"})
    admin.call("UpdateProject", Project(id=PROJECT, labels=labels), ProjectUpdateResponse)
    request = made(admin)
    request.spec.labels.values["team"] = "mine"
    create(admin, request)
    [resource] = resources(cluster)
    found = resource.metadata.labels or {}
    assert (found["team"], found["cost"]) == ("mine", "shared")
    assert get(admin).spec.labels.values == {"team": "mine"}, "what was asked for is kept as it was"


@pytest.mark.conformance("CRE-36")
def test_a_project_that_cannot_be_read_fails_the_create(
    admin: Admin, cluster: ClusterServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = of_a_launch_plan(admin)
    monkeypatch.setattr("flyteadmin.launching.reading.batch_get", unavailable)
    assert refused(admin, request).code is Code.INTERNAL
    assert resources(cluster) == []


LIMITED = "registration: {maxLabelEntries: 2, maxAnnotationEntries: 1}"


@pytest.mark.conformance("CRE-37")
def test_labels_and_annotations_are_counted_as_resolved_and_before_those_of_the_project(
    admin: Admin, cluster: ClusterServer, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(aws, monkeypatch, LIMITED)
    admin.call("UpdateProject", Project(id=PROJECT, labels=Labels(values={"c": "3"})), ProjectUpdateResponse)
    launch_plan = registered(admin, annotations=Annotations(values={"a": "1", "b": "2"}))
    own: dict[str, Any] = {"annotations": Annotations(values={"a": "1"})}
    three, two = Labels(values={"a": "1", "b": "2", "d": "4"}), Labels(values={"a": "1", "b": "2"})
    for fields, says in (
        ({"labels": three, **own}, "labels has too many entries [3 > 2]"),
        ({"labels": two}, "annotations has too many entries [2 > 1]"),
    ):
        failure = refused(admin, message(launch_plan, "x", **fields))
        assert (failure.code, failure.status.message) == (Code.INVALID_ARGUMENT, says)
    create(admin, message(launch_plan, "x", labels=two, **own))
    configure(aws, monkeypatch, "registration: {maxLabelEntries: 0}")
    create(admin, message(launch_plan, "x", "unlimited", labels=three))
    assert {each.metadata.name for each in resources(cluster)} == {"run", "unlimited"}


@pytest.mark.conformance("CRE-37")
def test_a_task_by_itself_has_as_many_labels_as_it_likes(
    admin: Admin, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(aws, monkeypatch, LIMITED)
    request = of_a_task(admin)
    request.spec.labels.values.update(a="1", b="2", c="3")
    create(admin, request)


def notify(*recipients: str) -> list[Notification]:
    email = EmailNotification(recipients_email=recipients)
    return [Notification(phases=[WorkflowExecution.FAILED], email=email)]


@pytest.mark.conformance("CRE-39")
def test_notifications_are_the_requests_or_none_or_the_launch_plans(admin: Admin) -> None:
    launch_plan = registered(admin, entity_metadata=LaunchPlanMetadata(notifications=notify("plan@b.example")))
    own = NotificationList(notifications=notify("own@b.example"))
    for name, fields, expected in (
        ("own", {"notifications": own}, notify("own@b.example")),
        ("empty", {"notifications": NotificationList()}, notify("plan@b.example")),
        ("disabled", {"disable_all": True}, []),
        ("plan", {}, notify("plan@b.example")),
    ):
        create(admin, message(launch_plan, "x", name, **fields))
        assert list(get(admin, name).closure.notifications) == expected
    admin.call("UpdateProject", Project(id=PROJECT, name="renamed"), ProjectUpdateResponse)
    assert list(get(admin, "plan").closure.notifications) == notify("plan@b.example")


@pytest.mark.conformance("CRE-39")
def test_a_task_by_itself_notifies_whom_the_request_names(admin: Admin) -> None:
    request = of_a_task(admin)
    create(admin, named(request, "nobody"))
    request.spec.notifications.notifications.extend(notify("own@b.example"))
    create(admin, request)
    assert (list(get(admin).closure.notifications), list(get(admin, "nobody").closure.notifications)) == (
        notify("own@b.example"),
        [],
    )


@pytest.mark.conformance("CRE-53", "QOS-01", "QOS-02", "QOS-03", "QOS-04", "QOS-05", "KD-24")
@both_kinds
def test_quality_of_service_and_environments_are_stored_as_sent_and_change_nothing(
    admin: Admin,
    cluster: ClusterServer,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    made: Callable[[Admin], ExecutionCreateRequest],
) -> None:
    """Neither the request's, nor the launch plan's, the workflow's or the file's reaches the resource."""
    tiers = "{HIGH: {queueingBudget: 10s}}"
    configure(aws, monkeypatch, f"qualityOfService: {{tierExecutionValues: {tiers}, defaultTiers: {{{DOMAIN}: HIGH}}}}")
    request = made(admin)
    create(admin, named(request, "plain"))
    environment = ExecutionEnvAssignment(node_ids=["n0"], task_type="t", execution_env=ExecutionEnv(name="e"))
    for name, quality in (("budget", BUDGET), ("tier", QualityOfService(tier=QualityOfService.HIGH))):
        request.spec.quality_of_service.CopyFrom(quality)
        request.spec.execution_env_assignments.append(environment)
        create(admin, named(request, name))
        assert get(admin, name).spec.quality_of_service == quality
        assert environment in get(admin, name).spec.execution_env_assignments
    plain, *others = (
        body(resource) for resource in sorted(resources(cluster), key=lambda each: each.metadata.name != "plain")
    )
    assert others == [plain, plain]


def body(resource: FlyteWorkflow) -> str:
    """The resource as text, without its name and its time."""
    text = json.dumps(resource.to_json_object(), sort_keys=True)
    for name in (resource.metadata.name, (resource.metadata.labels or {})["shard-key"]):
        text = text.replace(f'"{name}"', '"*"')
    return re.sub(r'"acceptedAt": "[^"]*"|"(creationTimestamp|resourceVersion|uid)": "[^"]*"', "", text)


@pytest.mark.conformance("QOS-03")
@pytest.mark.parametrize("wrong", [{"seconds": 1 << 50}, {"seconds": 1, "nanos": -1}, {"nanos": 1_000_000_000}])
def test_a_queueing_budget_is_a_duration(admin: Admin, cluster: ClusterServer, wrong: dict[str, int]) -> None:
    request = of_a_launch_plan(admin)
    request.spec.quality_of_service.spec.queueing_budget.CopyFrom(Duration(**wrong))
    failure = refused(admin, request)
    assert (failure.code, "quality_of_service.spec.queueing_budget" in failure.status.message) == (
        Code.INVALID_ARGUMENT,
        True,
    )
    assert resources(cluster) == []


@pytest.mark.conformance("CRE-19")
def test_fixed_inputs_join_and_are_not_overridden(admin: Admin, cluster: ClusterServer) -> None:
    launch_plan = registered(admin, fixed_inputs=LiteralMap(literals={"x": integer(7)}))
    failure = refused(admin, message(launch_plan, "x"))
    assert (failure.code, "x" in failure.status.message) == (Code.INVALID_ARGUMENT, True)
    request = message(launch_plan, "x")
    request.inputs.Clear()
    create(admin, request)
    [resource] = resources(cluster)
    assert resource.inputs == LiteralMap(literals={"x": integer(7)})


@pytest.mark.conformance("CRE-19")
def test_an_input_that_is_both_fixed_and_a_default_can_never_be_launched(admin: Admin, cluster: ClusterServer) -> None:
    one = {"x": Parameter(var=variables(x=INTEGER).variables["x"], default=integer(1))}
    fixed = LiteralMap(literals={"x": integer(7)})
    launch_plan = registered(admin, fixed_inputs=fixed, default_inputs=ParameterMap(parameters=one))
    request = message(launch_plan, "x")
    request.inputs.Clear()
    failure = refused(admin, request)
    assert (failure.code, failure.status.message) == (
        Code.INVALID_ARGUMENT,
        "fixed_inputs x cannot be overridden",
    )
    assert resources(cluster) == []


@pytest.mark.conformance("CRE-21")
def test_a_blob_that_cannot_be_written_is_internal_and_nothing_is_left(
    admin: Admin, cluster: ClusterServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = of_a_launch_plan(admin)
    monkeypatch.setattr("flyteadmin.clients.storage.write", unavailable)
    assert refused(admin, request).code is Code.INTERNAL
    assert resources(cluster) == []
    assert repository.read_state(f"{PROJECT}:{DOMAIN}:run") is None


@pytest.mark.conformance("CRE-22")
def test_a_closure_that_is_gone_is_internal_and_nothing_is_left(admin: Admin, cluster: ClusterServer, aws: Aws) -> None:
    request = of_a_launch_plan(admin)
    s3, bucket = aws.client("s3"), aws.resources["Bucket"]
    for each in s3.list_objects_v2(Bucket=bucket, Prefix="metadata/admin/")["Contents"]:
        s3.delete_object(Bucket=bucket, Key=each["Key"])
    storage.read_immutable.cache_clear()
    assert refused(admin, request).code is Code.INTERNAL
    assert resources(cluster) == []
    assert repository.read_state(f"{PROJECT}:{DOMAIN}:run") is None


@pytest.mark.conformance("KD-28")
def test_creates_at_once_each_have_the_queue_of_their_own_configuration(
    admin: Admin, cluster: ClusterServer, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queues are a frozen part of the configuration that a create read; nothing is refreshed in place."""
    request = of_a_launch_plan(admin)
    read = configuration.current
    for queue in ("fast", "slow"):
        configure(
            aws,
            monkeypatch,
            f"queues: {{executionQueues: [{{dynamic: {queue}, attributes: [t]}}], workflowConfigs: [{{tags: [t]}}]}}",
        )
        with ThreadPoolExecutor(4) as pool:
            names = [f"{queue}-{number}" for number in range(4)]
            list(pool.map(lambda name: create(admin, named(request, name)), names))
        with pytest.raises(ValidationError):
            read().queues.execution_queues[0].dynamic = "other"
    for resource in resources(cluster):
        [task] = (resource.tasks or {}).values()
        assert [pair.value for pair in task.container.config] == [resource.metadata.name.partition("-")[0]]
