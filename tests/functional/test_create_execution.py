"""CreateExecution through the real handler: row and lease before the resource, and what each answer leaves behind."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from flyteidl.admin.common_pb2 import EmailNotification, Notification
from flyteidl.admin.execution_pb2 import (
    ExecutionCreateRequest,
    NotificationList,
    WorkflowExecutionGetDataRequest,
    WorkflowExecutionGetDataResponse,
)
from flyteidl.admin.project_pb2 import InactiveProject, Project, ProjectUpdateResponse
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.identifier_pb2 import Identifier, WorkflowExecutionIdentifier

from flyteadmin import settings
from flyteadmin.clients import cluster as cluster_client
from flyteadmin.clients.dynamodb.reads import query_all
from flyteadmin.errors import Code
from flyteadmin.executions import repository
from flyteadmin.executions.leases import Lease
from flyteadmin.executions.phases import LaunchState
from functions.create_execution.handler import lambda_handler
from local.admin import Admin, CallFailed
from local.aws.data import DataAccount as Aws
from local.cluster.faults import Fault
from local.cluster.server import ClusterServer
from tests.aws_events import PRINCIPAL_ARN, Context, answer_of, http_event
from tests.builders import DOMAIN, PROJECT
from tests.configuration import configure
from tests.execution_client import NAMESPACE, create, get, literals, refused, request, resources
from tests.flytekit_registration import register
from tests.infrastructure.template import load
from tests.metrics import measured
from tests.workflows import REPORT


@pytest.fixture
def launch_plan(admin: Admin) -> Identifier:
    return register(admin, REPORT, PROJECT, DOMAIN, "v1").launch_plan


def leases() -> list[Lease]:
    return query_all(Lease, f"{PROJECT}:{DOMAIN}:tests.workflows.report")


@pytest.mark.conformance("CRE-16", "CRE-20", "CRE-24", "CRE-25", "CRE-26", "CRE-27", "CRE-28", "CRE-50", "CRE-51")
def test_an_execution_is_a_row_a_lease_and_a_resource(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer, aws: Aws
) -> None:
    identifier = create(admin, request(launch_plan))
    execution = get(admin)
    assert execution.closure.phase == WorkflowExecution.UNDEFINED
    assert execution.closure.workflow_id.name == "tests.workflows.report"
    assert execution.spec.metadata.principal == PRINCIPAL_ARN
    assert execution.spec.metadata.system_metadata.execution_cluster == "east"
    assert execution.spec.metadata.system_metadata.namespace == NAMESPACE
    assert execution.spec.max_parallelism == 25
    data = admin.call(
        "GetExecutionData", WorkflowExecutionGetDataRequest(id=identifier), WorkflowExecutionGetDataResponse
    )
    assert data.full_inputs == literals(symbol="ACME", days=30)
    [lease] = leases()
    assert lease.execution == f"{PROJECT}:{DOMAIN}:run"
    [resource] = resources(cluster)
    assert resource.metadata.name == "run"
    labels = resource.metadata.labels or {}
    assert (labels["execution-id"], labels["project"], labels["domain"]) == ("run", PROJECT, DOMAIN)
    assert labels["workflow-name"] == "tests-workflows-report"
    assert resource.metadata.finalizers == ["flyte.org/finalizer"]
    assert len(resource.tasks or {}) == 3
    assert resource.execution_config.max_parallelism == 25
    state = repository.read_state(f"{PROJECT}:{DOMAIN}:run")
    assert state is not None
    assert (state.launch, state.cluster, state.namespace) == (LaunchState.LAUNCHING, "east", NAMESPACE)
    assert state.parent is None


@pytest.mark.conformance("CRE-04", "CRE-05")
def test_a_name_is_made_where_none_is_given(admin: Admin, launch_plan: Identifier) -> None:
    names = {create(admin, request(launch_plan, name="")).name for _ in range(2)}
    assert len(names) == 2
    for name in names:
        assert (len(name), name[0], set(name[1:]) <= set("bcdfghjklmnpqrstvwxz2456789")) == (20, "a", True)


@pytest.mark.conformance("CRE-32", "KD-01", "KD-02", "ERR-10")
def test_two_creates_of_one_name_at_once(admin: Admin, launch_plan: Identifier, cluster: ClusterServer) -> None:
    def attempt(days: int) -> int | Code:
        try:
            create(admin, request(launch_plan, days=days))
        except CallFailed as failure:
            return failure.code
        return days

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(attempt, range(1, 7)))
    [winner] = [outcome for outcome in outcomes if not isinstance(outcome, Code)]
    assert [outcome for outcome in outcomes if isinstance(outcome, Code)] == [Code.ALREADY_EXISTS] * 5
    [resource] = resources(cluster)
    identifier = WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name="run")
    data = admin.call(
        "GetExecutionData", WorkflowExecutionGetDataRequest(id=identifier), WorkflowExecutionGetDataResponse
    )
    assert data.full_inputs == literals(symbol="ACME", days=winner)
    assert resource.inputs == literals(symbol="ACME", days=winner)
    assert len(leases()) == 1


@pytest.mark.conformance("CRE-33")
def test_a_resource_that_is_there_already_is_a_success(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer
) -> None:
    cluster.faults.add(Fault(verb="create", code=409, reason="AlreadyExists", message="already exists"))
    create(admin, request(launch_plan))
    assert get(admin).closure.phase == WorkflowExecution.UNDEFINED


def test_a_resource_that_nobody_may_look_at_is_no_refusal(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer
) -> None:
    cluster.faults.add(Fault(verb="create", code=409, reason="AlreadyExists", message="already exists"))
    cluster.faults.add(Fault(verb="get", code=403, reason="Forbidden", message="no"))
    create(admin, request(launch_plan))
    assert get(admin).closure.phase == WorkflowExecution.UNDEFINED
    assert len(leases()) == 1


@pytest.mark.conformance("CRE-29", "CRE-31")
def test_a_refusal_is_on_the_row_and_the_lease_is_gone(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer
) -> None:
    cluster.faults.add(Fault(verb="create", code=403, reason="Forbidden", message="quota of flyteworkflows"))
    create(admin, request(launch_plan))
    closure = get(admin).closure
    assert closure.phase == WorkflowExecution.FAILED
    assert "Forbidden: quota of flyteworkflows" in closure.error.message
    assert closure.error.code == "Internal"
    assert leases() == []
    assert resources(cluster) == []


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_unclear_answer_leaves_the_row_launching(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer, status: int
) -> None:
    cluster.faults.add(Fault(verb="create", code=status, reason="InternalError", message="try again"))
    create(admin, request(launch_plan))
    state = repository.read_state(f"{PROJECT}:{DOMAIN}:run")
    assert state is not None
    assert (state.phase, state.launch) == ("UNDEFINED", LaunchState.LAUNCHING)
    assert len(leases()) == 1


@pytest.mark.parametrize(
    ("status", "reason", "metric"),
    [
        (401, "Unauthorized", "UnclearLaunches"),
        (500, "InternalError", "UnclearLaunches"),
        (403, "Forbidden", "ForbiddenLaunches"),
    ],
)
def test_a_launch_that_the_cluster_does_not_take_rings(
    admin: Admin,
    launch_plan: Identifier,
    cluster: ClusterServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
    reason: str,
    metric: str,
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")
    settings.environment.cache_clear()
    cluster.faults.add(Fault(verb="create", code=status, reason=reason, message="no"))
    create(admin, request(launch_plan))
    assert measured(capsys.readouterr().out) == [("stack", {metric: 1})]
    alarms = [name for name, alarm in load().resources("AWS::CloudWatch::Alarm") if alarm["MetricName"] == metric]
    assert alarms == [f"{metric}Alarm"]


def test_a_cluster_that_is_not_there_leaves_the_row_launching(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTER_ENDPOINT", "http://127.0.0.1:1")
    settings.environment.cache_clear()
    cluster_client._api_until.cache_clear()
    create(admin, request(launch_plan))
    assert get(admin).closure.phase == WorkflowExecution.UNDEFINED


@pytest.mark.conformance("CRE-02", "CRE-03", "CRE-06", "CRE-08", "CRE-09", "CRE-10", "CRE-11", "CRE-13", "KD-45")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"project": ""}, "missing project"),
        ({"domain": ""}, "missing domain"),
        ({"project": "nobody"}, "project [nobody]"),
        ({"domain": "nowhere"}, "domain [nowhere]"),
        ({"name": "x" * 64}, "size of name exceeded length 63"),
        ({"name": "x" * 2_000_000}, "size of name exceeded length 63"),
        ({"name": "1run"}, "invalid name format"),
        ({"name": "Run"}, "invalid name format"),
    ],
)
def test_a_bad_field_is_named(admin: Admin, launch_plan: Identifier, change: dict[str, str], says: str) -> None:
    message = request(launch_plan)
    message.MergeFrom(ExecutionCreateRequest(**change))  # type: ignore[arg-type]
    for field, value in change.items():
        setattr(message, field, value)
    failure = refused(admin, message)
    assert (failure.code, says in failure.status.message) == (Code.INVALID_ARGUMENT, True)
    assert len(failure.status.message) < 33_000


@pytest.mark.conformance("CRE-09", "CRE-10", "CRE-11", "CRE-12", "CRE-13", "CRE-40", "NOT-01", "NOT-02")
def test_a_bad_spec_is_named(admin: Admin, launch_plan: Identifier) -> None:
    cases: list[tuple[ExecutionCreateRequest, str]] = []
    bare = request(launch_plan)
    bare.ClearField("spec")
    cases.append((bare, "missing spec"))
    no_plan = request(launch_plan)
    no_plan.spec.ClearField("launch_plan")
    cases.append((no_plan, "missing id"))
    no_version = request(launch_plan)
    no_version.spec.launch_plan.version = ""
    cases.append((no_version, "missing version"))
    workflow = request(launch_plan)
    workflow.spec.launch_plan.resource_type = 2  # type: ignore[assignment]
    cases.append((workflow, "invalid reference entity resource type"))
    no_value = request(launch_plan)
    no_value.inputs.literals["symbol"].Clear()
    cases.append((no_value, "missing valid literal in inputs symbol"))
    late = request(launch_plan)
    late.inputs.literals["symbol"].scalar.primitive.datetime.seconds = 1 << 60
    cases.append((late, "inputs.literals[symbol].scalar.primitive.datetime"))
    labels = request(launch_plan)
    labels.spec.labels.values.update({f"label-{n}": "x" for n in range(17)})
    cases.append((labels, "labels"))
    notified = request(launch_plan)
    early = Notification(phases=[WorkflowExecution.RUNNING], email=EmailNotification(recipients_email=["a@b.example"]))
    notified.spec.notifications.CopyFrom(NotificationList(notifications=[early]))
    cases.append((notified, "phase"))
    for message, says in cases:
        failure = refused(admin, message)
        assert (failure.code, says in failure.status.message) == (Code.INVALID_ARGUMENT, True), failure


@pytest.mark.conformance("CRE-14")
def test_a_launch_plan_that_is_not_there(admin: Admin, launch_plan: Identifier) -> None:
    message = request(launch_plan)
    message.spec.launch_plan.version = "v9"
    failure = refused(admin, message)
    assert (failure.code, "v9" in failure.status.message) == (Code.NOT_FOUND, True)


def test_more_labels_than_the_operator_allows_are_refused_and_nothing_is_stored(
    admin: Admin, launch_plan: Identifier, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(aws, monkeypatch, "registration: {maxLabelEntries: 1}")
    s3, bucket = aws.client("s3"), aws.resources["Bucket"]
    before = s3.list_objects_v2(Bucket=bucket)["KeyCount"]
    message = request(launch_plan)
    message.spec.labels.values.update(a="1", b="2")
    failure = refused(admin, message)
    assert (failure.code, failure.status.message) == (
        Code.INVALID_ARGUMENT,
        "labels has too many entries [2 > 1]",
    )
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == before


@pytest.mark.conformance("CRE-15", "CRE-16", "CRE-17")
@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"symbol": 5}, "invalid symbol input wrong type"),
        ({"days": "many"}, "invalid days input wrong type"),
        ({"colour": "red"}, "invalid input colour"),
    ],
)
def test_a_bad_input_is_named(admin: Admin, launch_plan: Identifier, inputs: dict[str, object], says: str) -> None:
    failure = refused(admin, request(launch_plan, **inputs))  # type: ignore[arg-type]  # inputs by name
    assert (failure.code, says in failure.status.message) == (Code.INVALID_ARGUMENT, True)


@pytest.mark.conformance("CRE-16")
def test_a_missing_input_is_named(admin: Admin, launch_plan: Identifier) -> None:
    message = request(launch_plan)
    message.inputs.Clear()
    failure = refused(admin, message)
    assert (failure.code, failure.status.message) == (Code.INVALID_ARGUMENT, "expected_inputs symbol missing")


@pytest.mark.conformance("CRE-01", "KD-44")
def test_inputs_in_the_spec_are_taken_from_old_clients(admin: Admin, launch_plan: Identifier) -> None:
    message = request(launch_plan)
    message.spec.inputs.CopyFrom(message.inputs)
    message.inputs.Clear()
    create(admin, message)
    assert get(admin).spec.inputs == literals(symbol="ACME")


def test_a_body_too_large_for_a_function() -> None:
    event = http_event(
        "POST", "/api/v1/executions", body=b"x" * 5_000_000, headers={"content-type": "application/json"}
    )
    answer = answer_of(lambda_handler(event, Context()))
    body = json.loads(answer.body)
    assert (answer.status, body["code"]) == (429, Code.RESOURCE_EXHAUSTED)
    assert body["message"].startswith("message larger than max")


def test_a_resource_too_large_for_etcd_refers_to_s3(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer
) -> None:
    create(admin, request(launch_plan, symbol="x" * 1_500_000))
    [resource] = resources(cluster)
    assert resource.spec is None
    assert resource.workflow_closure_reference.startswith("s3://")
    assert resource.offloaded_inputs.startswith("s3://")


def test_a_database_that_is_not_there_is_internal_and_nothing_is_left(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Propeller retries INTERNAL on a create, and nothing else (invariant 8)."""
    monkeypatch.setattr("flyteadmin.clients.dynamodb.reads.ATTEMPTS", 0)
    failure = refused(admin, request(launch_plan))
    assert failure.code is Code.INTERNAL
    assert resources(cluster) == []


@pytest.mark.conformance("CRE-07", "PRJ-06")
def test_nothing_runs_in_an_archived_project_but_it_can_be_looked_at(
    admin: Admin, launch_plan: Identifier, cluster: ClusterServer
) -> None:
    create(admin, request(launch_plan))
    admin.call("UpdateProject", Project(id=PROJECT, state=Project.ARCHIVED), ProjectUpdateResponse)
    failure = refused(admin, request(launch_plan, name="late"))
    assert (failure.code, failure.status.message) == (Code.INVALID_ARGUMENT, f"project [{PROJECT}] is not active")
    inactive = InactiveProject()
    assert failure.status.details[0].Unpack(inactive)
    assert inactive.id == PROJECT
    assert get(admin).id.name == "run"


@pytest.mark.parametrize("kind", [99, -1])
def test_an_unknown_resource_type_is_refused_in_words(admin: Admin, launch_plan: Identifier, kind: int) -> None:
    message = request(launch_plan)
    message.spec.launch_plan.resource_type = kind  # type: ignore[assignment]  # an open enum: any number is one
    failure = refused(admin, message)
    assert (failure.code, f"resource type {kind}:" in failure.status.message) == (Code.INVALID_ARGUMENT, True)


def test_what_no_row_holds_is_refused_before_anything_is_written(
    admin: Admin, launch_plan: Identifier, aws: Aws
) -> None:
    label, notified = request(launch_plan), request(launch_plan)
    label.spec.execution_cluster_label.value = "a" * 500_000
    email = EmailNotification(recipients_email=["a" * 500_000])
    notified.spec.notifications.notifications.add(phases=[WorkflowExecution.FAILED], email=email)
    s3, bucket = aws.client("s3"), aws.resources["Bucket"]
    before = s3.list_objects_v2(Bucket=bucket)["KeyCount"]

    failures = [refused(admin, message) for message in (label, notified)]

    assert [failure.code for failure in failures] == [Code.INVALID_ARGUMENT] * 2
    assert [failure.status.message for failure in failures] == [
        "size of execution_cluster_label exceeded length 1024",
        "size of notifications exceeded length 65536",
    ]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == before
