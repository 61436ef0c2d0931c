"""Entities are registered through the real handler: what is stored, what is refused, and that there is one winner."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flyteidl.admin.common_pb2 import ObjectGetRequest
from flyteidl.admin.launch_plan_pb2 import (
    ACTIVE,
    INACTIVE,
)
from flyteidl.admin.matchable_resource_pb2 import MatchingAttributes, TaskResourceAttributes, TaskResourceSpec
from flyteidl.admin.project_pb2 import InactiveProject, Project
from flyteidl.admin.workflow_pb2 import CreateWorkflowFailureReason
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, WORKFLOW, Identifier
from flyteidl.core.interface_pb2 import Parameter, ParameterMap, Variable
from flyteidl.core.types_pb2 import INTEGER, LiteralType
from flyteidl.core.workflow_pb2 import WorkflowNode
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from flyteadmin.attributes.models import AttributesRow
from flyteadmin.attributes.repository import scope_key
from flyteadmin.clients import storage
from flyteadmin.clients.aws import client
from flyteadmin.clients.dynamodb.writes import Put, write
from flyteadmin.errors import Code
from flyteadmin.launch_plans import repository as launch_plans
from flyteadmin.projects.models import ProjectRow
from flyteadmin.tasks import reading as task_reading
from flyteadmin.workflows import repository as workflows
from flyteadmin.workflows import service as workflow_service
from local.aws.data import DataAccount
from tests.aws_events import Answer
from tests.builders import DOMAIN, PROJECT
from tests.entities import (
    identifier,
    integer,
    launch_plan_request,
    resources,
    task_request,
    text,
    variables,
    workflow_request,
)
from tests.register_calls import change_state, code, launch_plan, refusal, register, registered

pytestmark = pytest.mark.usefixtures("aws")

REQUESTS: list[Callable[..., Message]] = [task_request, workflow_request, launch_plan_request]


def detail[M: Message](answer: Answer, of: type[M]) -> M:
    unpacked = of()
    (packed,) = answer.message(Status).details
    assert packed.Unpack(unpacked)
    return unpacked


@contextmanager
def requests_counted() -> Iterator[list[str]]:
    """The operations that go to DynamoDB and S3 meanwhile."""
    sent: list[str] = []

    def count(model: object, **_: object) -> None:
        sent.append(str(getattr(model, "name", model)))

    for service in (client("dynamodb"), client("s3")):
        service.meta.events.register("before-call", count, unique_id="counted")
    yield sent
    for service in (client("dynamodb"), client("s3")):
        service.meta.events.unregister("before-call", unique_id="counted")


@pytest.mark.conformance("REG-01")
@pytest.mark.parametrize("number", range(3))
def test_the_very_same_again_already_exists(number: int) -> None:
    registered(*(make() for make in REQUESTS))
    kind = ("task", "workflow", "launch plan")[number]
    assert refusal(register(REQUESTS[number]())) == (
        Code.ALREADY_EXISTS,
        f"{kind} with identical structure already exists",
    )


@pytest.mark.conformance("REG-02")
def test_another_task_under_the_identifier_is_refused_with_what_differs() -> None:
    registered(task_request(image="registry.example/task:1"))
    answer = register(task_request(image="registry.example/task:2"))
    assert refusal(answer) == (
        Code.INVALID_ARGUMENT,
        "double task with different structure already exists. (Please register a new version of the task):\n"
        "/template/container/image:\n\t- registry.example/task:1\n\t+ registry.example/task:2",
    )


@pytest.mark.conformance("REG-02", "REG-03", "KD-39")
def test_another_workflow_under_the_identifier_is_refused_with_what_differs_and_the_detail() -> None:
    registered(task_request(), workflow_request(nodes=1))
    answer = register(workflow_request(nodes=2))
    status, message = refusal(answer)
    assert status == Code.INVALID_ARGUMENT
    assert message.startswith(
        "doubling workflow with different structure already exists. (Please register a new version of the workflow):\n"
    )
    assert "\t- n0\n\t+ n1" in message
    different = detail(answer, CreateWorkflowFailureReason).exists_different_structure
    assert different.id == identifier(WORKFLOW, "doubling")


@pytest.mark.conformance("REG-03")
def test_the_same_workflow_again_has_its_detail() -> None:
    registered(task_request(), workflow_request())
    reason = detail(register(workflow_request()), CreateWorkflowFailureReason)
    assert reason.exists_identical_structure.id == identifier(WORKFLOW, "doubling")


@pytest.mark.conformance("REG-02")
def test_another_launch_plan_under_the_identifier_is_refused_with_what_differs() -> None:
    registered(task_request(), workflow_request(), launch_plan_request())
    other = launch_plan_request()
    other.spec.max_parallelism = 3
    status, message = refusal(register(other))
    assert status == Code.INVALID_ARGUMENT
    assert message.endswith("(Please register a new version of the launch plan):\n/max_parallelism:\n\t+ 3")


@pytest.mark.conformance("PRJ-06")
@pytest.mark.parametrize("number", range(3))
def test_nothing_is_registered_in_an_archived_project(number: int) -> None:
    registered(*(make() for make in REQUESTS[:number]))
    archived = ProjectRow(project=PROJECT, name=PROJECT, state=int(Project.ARCHIVED), created_at=1, updated_at=1)
    write(Put(archived))
    answer = register(REQUESTS[number]())
    assert refusal(answer) == (Code.INVALID_ARGUMENT, f"project [{PROJECT}] is not active")
    assert detail(answer, InactiveProject).id == PROJECT


@pytest.mark.conformance("VAL-01", "VAL-02")
@pytest.mark.parametrize("make", REQUESTS)
def test_the_identifier_is_checked_first(make: Callable[..., Message]) -> None:
    wrong = make(name="")
    assert refusal(register(wrong)) == (Code.INVALID_ARGUMENT, "missing name")
    unknown = make(project="nobodys")
    if make is not launch_plan_request:
        assert "project [nobodys] not found" in refusal(register(unknown))[1]


@pytest.mark.conformance("VAL-06")
def test_a_name_of_two_megabytes_is_refused_by_its_field() -> None:
    assert refusal(register(task_request(name="x" * 2_000_000))) == (
        Code.INVALID_ARGUMENT,
        "size of name exceeded length 512",
    )


@pytest.mark.conformance("REG-07")
def test_a_task_that_does_not_compile_is_refused_with_the_finding() -> None:
    request = task_request()
    del request.spec.template.container.args[:]
    status, message = refusal(register(request))
    assert status == Code.INVALID_ARGUMENT
    assert message.startswith("task failed compilation with Collected Errors: 1")
    assert "Value required [command]" in message


@pytest.mark.conformance("RES-10")
def test_the_platforms_limits_come_from_the_project_and_domain_if_they_are_set_there() -> None:
    request = task_request()
    request.spec.template.container.resources.CopyFrom(resources(requests={"CPU": "3"}))
    assert "greater than current limit set in the platform configuration [2]" in refusal(register(request))[1]
    limits = TaskResourceAttributes(limits=TaskResourceSpec(cpu="4"))
    row = AttributesRow(
        scope=scope_key(PROJECT, DOMAIN, "", ""),
        updated_at=1,
        task_resource=MatchingAttributes(task_resource_attributes=limits).SerializeToString(),
    )
    write(Put(row))
    registered(request)


@pytest.mark.conformance("REG-08")
def test_a_workflow_needs_its_tasks_and_launch_plans() -> None:
    status, message = refusal(register(workflow_request()))
    assert status == Code.INVALID_ARGUMENT
    assert message.startswith("failed to compile workflow for [resource_type:WORKFLOW")
    assert "with err: missing entity of type TASK with identifier" in message
    child = workflow_request(name="parent")
    child.spec.template.nodes[0].workflow_node.CopyFrom(WorkflowNode(launchplan_ref=identifier(LAUNCH_PLAN, "nowhere")))
    assert "missing entity of type LAUNCH_PLAN with identifier" in refusal(register(child))[1]


def test_a_workflow_whose_tasks_are_too_large_together_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    registered(task_request())
    with monkeypatch.context() as patch:
        patch.setattr(workflow_service, "MAX_TASKS_WEIGHT", 100)
        status, message = refusal(register(workflow_request()))
    assert (status, "its tasks together are larger than 100 bytes" in message) == (Code.INVALID_ARGUMENT, True)
    registered(workflow_request())


@pytest.mark.conformance("REG-08")
def test_a_workflow_whose_types_do_not_fit_is_refused() -> None:
    registered(task_request())
    request = workflow_request()
    request.spec.template.interface.inputs.CopyFrom(variables())
    status, message = refusal(register(request))
    assert status == Code.INVALID_ARGUMENT
    assert message.startswith("failed to compile workflow for [")
    assert "Collected Errors:" in message


@pytest.mark.parametrize("field", ["project", "name", "version"])
def test_a_reference_with_a_blank_part_is_missing_and_no_fault_of_ours(field: str) -> None:
    task = identifier(TASK, "double")
    task.ClearField(field)
    status, message = refusal(register(workflow_request(task=task)))
    assert status == Code.INVALID_ARGUMENT
    assert "missing entity of type TASK" in message


def test_a_workflow_may_start_a_launch_plan() -> None:
    registered(task_request(), workflow_request(), launch_plan_request())
    parent = workflow_request(name="parent")
    (node,) = parent.spec.template.nodes
    node.inputs[0].var = "x"
    node.workflow_node.CopyFrom(WorkflowNode(launchplan_ref=identifier(LAUNCH_PLAN, "doubling")))
    parent.spec.template.outputs[0].binding.promise.var = "y"
    registered(parent)


@pytest.mark.conformance("REG-10")
def test_the_compiled_closure_lies_under_upstreams_prefix_and_is_written_once(aws: DataAccount) -> None:
    registered(task_request(), workflow_request())
    row = workflows.read(identifier(WORKFLOW, "doubling"))
    assert row is not None
    prefix = f"s3://{aws.resources['Bucket']}/metadata/admin/{PROJECT}/{DOMAIN}/doubling/v1"
    assert row.closure_uri.startswith(prefix)
    closure = CompiledWorkflowClosure.FromString(storage.read(row.closure_uri))
    assert [node.id for node in closure.primary.template.nodes] == ["start-node", "end-node", "n0"]
    assert register(workflow_request(nodes=2)).status == 400
    assert workflows.closure(row) == closure


def test_a_task_whose_closure_is_large_lies_in_the_store_and_reads_the_same() -> None:
    request = task_request()
    request.spec.template.container.args.append("x" * 100_000)
    registered(request)
    stored = task_reading.get(ObjectGetRequest(id=identifier(TASK, "double")))
    assert stored.closure.compiled_task.template.container.args[1] == "x" * 100_000
    assert code(register(request)) == Code.ALREADY_EXISTS


def test_an_interface_that_no_row_can_hold_is_read_from_the_closure() -> None:
    registered(task_request())
    request = workflow_request()
    request.spec.template.interface.outputs.variables["y"].description = "y" * 500_000
    registered(request, launch_plan_request())
    assert launch_plan().closure.expected_outputs == request.spec.template.interface.outputs
    assert code(register(launch_plan_request())) == Code.ALREADY_EXISTS


def test_a_workflow_that_takes_and_gives_nothing_has_a_launch_plan() -> None:
    registered(task_request())
    request = workflow_request()
    request.spec.template.ClearField("interface")
    request.spec.template.ClearField("outputs")
    request.spec.template.nodes[0].inputs[0].binding.scalar.primitive.integer = 1
    registered(request, launch_plan_request())
    assert launch_plan().closure.HasField("expected_outputs")
    assert not launch_plan().closure.expected_outputs.variables


def test_texts_that_no_row_can_hold_are_refused_by_name() -> None:
    typed, described = task_request(), task_request()
    typed.spec.template.type = "t" * 256
    described.spec.description.short_description = "d" * 40_000
    assert refusal(register(typed)) == (Code.INVALID_ARGUMENT, "size of type exceeded length 255")
    assert refusal(register(described)) == (Code.INVALID_ARGUMENT, "size of short_description exceeded length 32768")


@pytest.mark.conformance("REG-11")
def test_a_launch_plan_needs_its_workflow() -> None:
    status, message = refusal(register(launch_plan_request()))
    assert status == Code.NOT_FOUND
    assert message.startswith("missing entity of type WORKFLOW with identifier")


@pytest.mark.conformance("REG-11")
def test_inputs_that_the_workflow_has_not_are_refused() -> None:
    registered(task_request(), workflow_request())
    request = launch_plan_request()
    request.spec.fixed_inputs.literals["x"].CopyFrom(text("one"))
    assert refusal(register(request))[1].startswith("invalid fixed_input wrong type x")


@pytest.mark.conformance("REG-12", "REG-15")
def test_a_new_launch_plan_is_inactive_and_says_what_it_expects_and_gives() -> None:
    registered(task_request(), workflow_request())
    request = launch_plan_request()
    default = Parameter(var=Variable(type=LiteralType(simple=INTEGER)), default=integer(7))
    request.spec.default_inputs.CopyFrom(ParameterMap(parameters={"x": default}))
    registered(request, launch_plan_request(version="v2"))
    stored = launch_plan()
    assert stored.closure.state == INACTIVE
    assert dict(stored.closure.expected_inputs.parameters) == {"x": default}
    assert stored.closure.expected_outputs == variables(y=INTEGER)
    unbound = launch_plan("v2")
    assert unbound.spec.default_inputs == unbound.closure.expected_inputs
    assert unbound.closure.expected_inputs.parameters["x"].required


def test_a_launch_plans_row_says_where_its_workflows_closure_is() -> None:
    registered(task_request(), workflow_request(), launch_plan_request())
    row = launch_plans.read(identifier(LAUNCH_PLAN, "doubling"))
    workflow = workflows.read(identifier(WORKFLOW, "doubling"))
    assert row is not None
    assert workflow is not None
    assert row.closure_uri == workflow.closure_uri


def test_registering_costs_few_requests() -> None:
    costs = []
    for request in (task_request(), workflow_request(), launch_plan_request()):
        with requests_counted() as sent:
            registered(request)
        costs.append(sent)
    assert costs == [
        ["BatchGetItem", "TransactWriteItems"],
        ["BatchGetItem", "PutObject", "TransactWriteItems"],
        ["BatchGetItem", "TransactWriteItems"],
    ]
    for request in (task_request(version="v2"), launch_plan_request(version="v2")):
        with requests_counted() as sent:
            registered(request)
        assert sent == ["BatchGetItem", "PutItem"]
    with requests_counted() as sent:
        change_state("v2", ACTIVE)
    assert sent == ["BatchGetItem", "TransactWriteItems"]
    with requests_counted() as sent:
        assert code(register(task_request())) == Code.ALREADY_EXISTS
    assert sent == ["BatchGetItem"]


@pytest.mark.conformance("VAL-07")
def test_any_version_that_is_not_blank_is_one() -> None:
    for version in ("v 1", "1.0/rc+2?", "ü%2F#"):
        registered(task_request(version=version))
        assert task_reading.get(ObjectGetRequest(id=identifier(TASK, "double", version))).id.version == version


def test_the_identifier_of_the_request_counts_not_the_templates() -> None:
    request = task_request()
    request.spec.template.id.CopyFrom(Identifier(name="other"))
    registered(request)
    stored = task_reading.get(ObjectGetRequest(id=identifier(TASK, "double")))
    assert stored.closure.compiled_task.template.id == identifier(TASK, "double")
