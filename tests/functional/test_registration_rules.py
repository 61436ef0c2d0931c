"""Each rule of registration holds at the real handler; the tests beside the rules (tests/unit) have all their cases."""

import pytest
from flyteidl.admin.common_pb2 import EmailNotification, Labels, Notification
from flyteidl.admin.launch_plan_pb2 import LaunchPlanCreateRequest, LaunchPlanMetadata
from flyteidl.admin.project_pb2 import Project
from flyteidl.admin.schedule_pb2 import CronSchedule, FixedRate, Schedule
from flyteidl.admin.task_pb2 import TaskCreateRequest, TaskSpec
from flyteidl.core.artifact_id_pb2 import ArtifactQuery
from flyteidl.core.interface_pb2 import Parameter, Variable
from flyteidl.core.tasks_pb2 import K8sPod, Resources
from flyteidl.core.types_pb2 import DATETIME, INTEGER, LiteralType
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from flyteadmin.clients.dynamodb.writes import Put, write
from flyteadmin.errors import Code
from flyteadmin.projects.models import ProjectRow
from local.aws.data import DataAccount as Aws
from tests.builders import PROJECT
from tests.configuration import configure
from tests.entities import integer, launch_plan_request, resources, task_request, variables, workflow_request
from tests.register_calls import code, refusal, register, registered

pytestmark = pytest.mark.usefixtures("aws")


def refused(request: TaskCreateRequest | LaunchPlanCreateRequest) -> str:
    """The message of a refusal for an invalid argument."""
    status, message = refusal(register(request))
    assert status is Code.INVALID_ARGUMENT
    return message


def container_task(asked: Resources, version: str = "v1") -> TaskCreateRequest:
    request = task_request(version=version)
    request.spec.template.container.resources.CopyFrom(asked)
    return request


def pod_task(spec: dict[str, object]) -> TaskCreateRequest:
    request = task_request()
    request.spec.template.k8s_pod.CopyFrom(K8sPod(pod_spec=ParseDict(spec, Struct())))
    return request


def pod_container(**requests: str) -> dict[str, object]:
    return {"name": "primary", "resources": {"requests": requests}}


@pytest.mark.conformance("RES-09")
def test_resources_are_named_once_parse_and_fit_their_limits() -> None:
    twice = resources(requests={"CPU": "1"})
    twice.requests.append(twice.requests[0])
    assert "can't specify CPU limit for task" in refused(container_task(twice))
    assert refused(container_task(resources({"MEMORY": "lots"}))).startswith("Parsing of MEMORY request failed")
    above = resources({"MEMORY": "2Gi"}, {"MEMORY": "1Gi"})
    assert refused(container_task(above)).startswith("Requested MEMORY default [2Gi] is greater than the limit [1Gi].")


@pytest.mark.conformance("RES-11")
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (resources({"GPU": "1500m"}), "must be a whole number, got: 1500m instead"),
        (resources({"GPU": "1"}, {"GPU": "2"}), "the default value must equal the limit value"),
        (resources({"GPU": "9"}), "Requested GPU default [9] is greater than current limit"),
    ],
)
def test_gpus_are_whole_equal_and_limited(asked: Resources, message: str) -> None:
    assert message in refused(container_task(asked))


@pytest.mark.conformance("RES-12")
def test_each_container_of_a_pod_is_checked_but_no_init_container() -> None:
    greedy = pod_container(cpu="900")
    assert "Requested CPU default [900]" in refused(pod_task({"containers": [pod_container(cpu="1"), greedy]}))
    without = task_request()
    without.spec.template.k8s_pod.CopyFrom(K8sPod())
    assert "pod tasks should specify their target as a K8sPod" in refused(without)
    registered(pod_task({"containers": [pod_container(cpu="1")], "initContainers": [greedy]}))


@pytest.mark.conformance("RES-13")
def test_whole_units_are_compared_and_a_limit_alone_with_nothing() -> None:
    registered(container_task(resources({"CPU": "1900m"}, {"CPU": "1500m"}), "v1"))
    registered(container_task(resources(limits={"CPU": "900"}), "v2"))


@pytest.mark.conformance("REG-06")
def test_a_listed_type_is_for_the_scopes_that_are_listed(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(aws, monkeypatch, "task_type_whitelist: {python-task: [{project: other}], spark: [{project: other}]}")
    assert refused(task_request()).startswith("task type must be whitelisted before use")
    configure(aws, monkeypatch, f"task_type_whitelist: {{python-task: [{{project: {PROJECT}}}]}}")
    registered(task_request())


@pytest.mark.conformance("REG-05")
def test_of_many_faults_the_first_in_upstreams_order_is_told(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is right at first; as each fault is mended the next one shows."""
    configure(aws, monkeypatch, "task_type_whitelist: {python-task: [{project: other}]}")
    whole = task_request()
    template = whole.spec.template
    request = TaskCreateRequest(id=whole.id)
    request.id.project = "nowhere"
    assert "nowhere" in refused(request)
    request.id.project = PROJECT
    assert refused(request) == "missing spec"
    request.spec.CopyFrom(TaskSpec())
    request.spec.template.container.CopyFrom(template.container)
    request.spec.template.container.ClearField("image")
    request.spec.template.container.resources.CopyFrom(resources({"CPU": "lots"}))
    assert refused(request) == "missing type"
    request.spec.template.type = template.type
    assert "whitelisted" in refused(request)
    configure(aws, monkeypatch, "{}")
    assert refused(request) == "missing metadata"
    request.spec.template.metadata.runtime.SetInParent()
    assert "runtime version" in refused(request)
    request.spec.template.metadata.CopyFrom(template.metadata)
    assert refused(request) == "missing typed interface"
    request.spec.template.interface.CopyFrom(template.interface)
    assert refused(request) == "missing image"
    request.spec.template.container.image = template.container.image
    assert "Parsing of CPU" in refused(request)
    request.spec.template.container.resources.Clear()
    registered(request)


@pytest.mark.conformance("REG-09")
def test_a_workflow_has_so_many_nodes_and_bytes(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(aws, monkeypatch, "registration: {maxWorkflowNodes: 3}")
    registered(task_request(), workflow_request(version="v1", nodes=3))
    status, message = refusal(register(workflow_request(version="v2", nodes=4)))
    assert (status, message.endswith("exceeds limit (4 > 3)")) == (Code.INVALID_ARGUMENT, True)
    configure(aws, monkeypatch, "registration: {workflowSizeLimit: 0.1Ki}")
    status, message = refusal(register(workflow_request(version="v3")))
    assert (status, "exceeds max limit [0.1Ki]" in message) == (Code.INVALID_ARGUMENT, True)


def scheduled(schedule: Schedule, version: str = "v1", **defaults: Parameter) -> LaunchPlanCreateRequest:
    request = launch_plan_request(version=version)
    request.spec.entity_metadata.schedule.CopyFrom(schedule)
    for name, default in defaults.items():
        request.spec.default_inputs.parameters[name].CopyFrom(default)
    return request


def cron(expression: str, kickoff: str = "") -> Schedule:
    return Schedule(cron_schedule=CronSchedule(schedule=expression), kickoff_time_input_arg=kickoff)


@pytest.mark.conformance("REG-13")
def test_a_schedule_binds_all_inputs_but_its_time() -> None:
    whole = workflow_request()
    timed = workflow_request("timed")
    timed.spec.template.interface.inputs.variables["when"].CopyFrom(variables(when=DATETIME).variables["when"])
    registered(task_request(), whole, timed)
    default = Parameter(var=Variable(type=LiteralType(simple=INTEGER)), default=integer(1))
    for schedule in (cron("@daily"), Schedule(rate=FixedRate(value=5, unit="MINUTE"))):
        assert "[x] is required" in refused(scheduled(schedule))
    assert refused(scheduled(cron("60 * * * *"), x=default)).startswith("Invalid cron expression")
    assert "[when] is not free or does not exist" in refused(scheduled(cron("@daily", "when"), x=default))
    assert "must reference a datetime input. [x]" in refused(scheduled(cron("@daily", "x"), x=default))
    registered(scheduled(cron("*/10 * * * *"), x=default))
    timed_plan = scheduled(cron("@hourly", "when"), "v2", x=default)
    timed_plan.spec.workflow_id.CopyFrom(timed.id)
    registered(timed_plan)


@pytest.mark.conformance("REG-14")
def test_launch_conditions_artifacts_labels_and_notifications() -> None:
    registered(task_request(), workflow_request())
    request = launch_plan_request()
    request.spec.entity_metadata.launch_conditions.CopyFrom(Packed(type_url="type.example/condition"))
    assert refused(request).startswith("Launch condition must be empty")
    request = launch_plan_request()
    query = Parameter(var=Variable(type=LiteralType(simple=INTEGER)), artifact_query=ArtifactQuery(uri="a"))
    request.spec.default_inputs.parameters["x"].CopyFrom(query)
    assert refused(request) == "artifact mode not enabled but query found default_inputs x"
    request = launch_plan_request()
    request.spec.labels.CopyFrom(Labels(values={f"key{number}": "" for number in range(17)}))
    assert refused(request) == "labels map cannot exceed 16 entries"
    request = launch_plan_request()
    nobody = LaunchPlanMetadata(notifications=[Notification(email=EmailNotification())])
    request.spec.entity_metadata.CopyFrom(nobody)
    assert refused(request) == "missing recipients"


@pytest.mark.conformance("PRJ-07")
@pytest.mark.parametrize("state", [Project.SYSTEM_GENERATED, Project.SYSTEM_ARCHIVED])
def test_a_project_of_the_systems_own_is_not_active(state: Project.ProjectState) -> None:
    write(Put(ProjectRow(project="own", name="own", state=int(state), created_at=1, updated_at=1)))
    assert refusal(register(task_request(project="own")))[1].startswith("project [own] is not active")


@pytest.mark.conformance("REG-04")
def test_very_long_differences_are_cut() -> None:
    registered(task_request(image="registry.example/task:1"))
    other = task_request(image="registry.example/task:2")
    other.spec.template.container.args.extend(f"argument-{number}" for number in range(5000))
    status, message = refusal(register(other))
    assert status is Code.INVALID_ARGUMENT
    assert 29_000 < len(message) < 32_000
    assert code(register(task_request(image="registry.example/task:1"))) is Code.ALREADY_EXISTS
