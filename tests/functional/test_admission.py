"""The admission table on both ways in, HTTPS and gRPC through a bridge; and acknowledged means queued."""

import json
from collections.abc import Callable

import pytest
from flyteidl.admin.project_pb2 import Project
from flyteidl.core.identifier_pb2 import WORKFLOW, Identifier
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent

from flyteadmin.clients.dynamodb.writes import Put, write
from flyteadmin.errors import Code
from flyteadmin.events.envelope import QueueRecord
from flyteadmin.events.validation import Event
from flyteadmin.executions import repository
from flyteadmin.executions.phases import ControlPlanePhase, facts_of_control_plane
from flyteadmin.projects.models import ProjectRow
from functions.process_event.handler import lambda_handler as process_event
from local.aws.data import DataAccount as Aws
from tests.aws_events import Context, batch, queue_record
from tests.builders import (
    CREATED_AT,
    PROJECT,
    message_body,
    node_event,
    node_id,
    stored_execution,
    task_event,
    task_id,
    workflow_event,
)
from tests.configuration import configure
from tests.sent_events import Send


def queued(aws: Aws) -> list[dict[str, str]]:
    answer = aws.endpoint.client("sqs", aws.account).receive_message(
        QueueUrl=aws.resources["EventsQueue"], MaxNumberOfMessages=10, AttributeNames=["All"]
    )
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def apply(event: Event, sequence: int = 1) -> None:
    process_event(batch([queue_record(message_body(event), sequence)]), Context())


@pytest.mark.parametrize("event", [workflow_event("RUNNING"), node_event("QUEUED"), task_event("RUNNING")])
def test_an_admitted_event_is_in_the_queue_before_it_is_acknowledged(send: Send, aws: Aws, event: Event) -> None:
    stored_execution()
    assert send(event).code is Code.OK
    [body] = queued(aws)
    assert body["launch_plan"] == "flytesnacks:development:plan"
    record = QueueRecord.model_validate(queue_record(json.dumps(body), 1))
    assert process_event(batch([queue_record(record.body, 1)]), Context()) == {"batchItemFailures": []}


@pytest.mark.conformance("WFE-03", "NEV-02", "TEV-03", "ERR-12")
@pytest.mark.parametrize("event", [workflow_event("RUNNING"), node_event("QUEUED"), task_event("RUNNING")])
def test_an_event_of_no_execution(send: Send, aws: Aws, event: Event) -> None:
    assert send(event).code is Code.NOT_FOUND
    assert queued(aws) == []
    stored_execution()
    assert send(event).code is Code.OK  # that there was none was not kept


@pytest.mark.conformance("WFE-06", "NEV-03", "TEV-03", "KD-08")
@pytest.mark.parametrize("kind", [workflow_event, node_event, task_event])
def test_an_event_of_another_cluster(send: Send, aws: Aws, kind: object) -> None:
    stored_execution(cluster="east")
    event = kind("RUNNING")  # type: ignore[operator]
    event.producer_id = "west"
    answer = send(event)
    assert answer.code is Code.FAILED_PRECONDITION
    detail = answer.reason
    assert detail is not None
    assert detail.incompatible_cluster.cluster == "east"
    event.producer_id = "east"
    assert send(event).code is Code.OK


@pytest.mark.conformance("WFE-20", "CLU-14", "KD-18")
@pytest.mark.parametrize("phase", ["UNDEFINED", "QUEUED", "RUNNING"])
def test_no_event_takes_an_execution_over_to_another_cluster(send: Send, aws: Aws, phase: str) -> None:
    stored_execution(cluster="east")
    if phase == "UNDEFINED":
        apply(workflow_event("QUEUED"))  # a repeat of UNDEFINED would be told before the cluster
    answer = send(workflow_event(phase, 1, producer_id="west"))
    assert answer.code is Code.FAILED_PRECONDITION
    assert answer.reason is not None
    assert answer.reason.incompatible_cluster.cluster == "east"
    assert queued(aws) == []


@pytest.mark.conformance("WFE-26")
def test_two_requests_of_one_id_are_two_events(send: Send, aws: Aws) -> None:
    stored_execution()
    for event in (workflow_event("RUNNING", 1), node_event("QUEUED", 1), node_event("RUNNING", 2)):
        assert send(event).code is Code.OK
    assert [body["kind"] for body in queued(aws)] == ["workflow", "node", "node"]


@pytest.mark.conformance("WFE-04", "WFE-05", "WFE-07", "WFE-08", "WFE-09", "WFE-10", "WFE-11")
@pytest.mark.parametrize(
    ("stored", "phase", "expected", "current"),
    [
        ("RUNNING", "RUNNING", Code.ALREADY_EXISTS, None),
        ("QUEUED", "QUEUED", Code.OK, None),
        ("SUCCEEDED", "SUCCEEDED", Code.ALREADY_EXISTS, None),
        ("SUCCEEDED", "FAILED", Code.FAILED_PRECONDITION, "SUCCEEDED"),
        ("FAILED", "QUEUED", Code.FAILED_PRECONDITION, "FAILED"),
        ("RUNNING", "QUEUED", Code.FAILED_PRECONDITION, None),
        ("SUCCEEDING", "RUNNING", Code.OK, None),
    ],
)
def test_the_admission_table(
    send: Send, aws: Aws, stored: str, phase: str, expected: Code, current: str | None
) -> None:
    stored_execution()
    apply(workflow_event(stored, 1))
    answer = send(workflow_event(phase, 2))
    assert answer.code is expected
    if expected is Code.FAILED_PRECONDITION:
        detail = answer.reason
        assert (detail.already_in_terminal_state.current_phase if detail else None) == current


@pytest.mark.conformance("WFE-10")
def test_an_aborting_execution_takes_ends_only(send: Send, aws: Aws) -> None:
    repository.write_control_plane_facts(
        stored_execution(), facts_of_control_plane(ControlPlanePhase("ABORTING", CREATED_AT))
    )
    refused = send(workflow_event("RUNNING"))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, None)
    assert send(workflow_event("ABORTED")).code is Code.OK


@pytest.mark.conformance("NEV-04")
def test_late_ends_of_nodes_are_taken(send: Send, aws: Aws) -> None:
    stored_execution()
    apply(workflow_event("SUCCEEDED", 1))
    assert send(node_event("SUCCEEDED", 2)).code is Code.OK


@pytest.mark.conformance("NEV-04", "WFE-28", "UPD-06")
@pytest.mark.parametrize("event", [workflow_event("RUNNING"), node_event("QUEUED"), task_event("RUNNING")])
def test_an_archived_execution_of_an_archived_project_goes_on(send: Send, aws: Aws, event: Event) -> None:
    write(Put(ProjectRow(project=PROJECT, name=PROJECT, state=int(Project.ARCHIVED), created_at=1, updated_at=1)))
    state = stored_execution()
    repository.set_archived(state.execution, 1, b"")
    assert send(event).code is Code.OK
    apply(event)
    if isinstance(event, WorkflowExecutionEvent):
        row = repository.read_state(state.execution)
        assert row is not None
        assert (row.phase, row.archived) == ("RUNNING", 1)


def task_of(execution: str) -> dict[str, object]:
    """Return a task execution of another execution."""
    return {"task_id": task_id(), "node_execution_id": node_id("n0", execution), "retry_attempt": 0}


def workflow_id() -> Identifier:
    return Identifier(resource_type=WORKFLOW, project="p", domain="d", name="n", version="v")


def without(part: str, event: Event) -> Event:
    """Return an event whose execution's id lacks a part."""
    match event:
        case WorkflowExecutionEvent():
            event.execution_id.ClearField(part)
        case NodeExecutionEvent():
            event.id.execution_id.ClearField(part)
        case TaskExecutionEvent():
            event.parent_node_execution_id.execution_id.ClearField(part)
    return event


def of_task(**fields: object) -> TaskExecutionEvent:
    """Return a task event whose task has another id."""
    event = task_event("RUNNING")
    for field, value in fields.items():
        setattr(event.task_id, field, value)
    return event


def of_no_node() -> TaskExecutionEvent:
    event = task_event("RUNNING")
    event.ClearField("parent_node_execution_id")
    return event


def timeless(kind: Callable[[str], Event]) -> Event:
    event = kind("RUNNING")
    event.ClearField("occurred_at")
    return event


def of_no_task() -> TaskExecutionEvent:
    event = task_event("RUNNING")
    event.ClearField("task_id")
    return event


def dynamic_event(**dynamic: object) -> NodeExecutionEvent:
    return node_event("DYNAMIC_RUNNING", task_node_metadata={"dynamic_workflow": dynamic})


@pytest.mark.conformance("WFE-01", "TEV-01", "NEV-01", "NEV-27", "KD-09", "KD-10")
@pytest.mark.parametrize(
    ("event", "field"),
    [
        (WorkflowExecutionEvent(), "execution_id.project"),
        (workflow_event("RUNNING", execution=""), "execution_id.name"),
        (NodeExecutionEvent(), "missing id"),
        (NodeExecutionEvent(id={"node_id": "n0"}), "missing execution_id"),
        (TaskExecutionEvent(), "missing parent_node_execution_id"),
        (of_no_task(), "missing task_id"),
        (without("project", workflow_event("RUNNING")), "execution_id.project"),
        (without("domain", node_event("RUNNING")), "execution_id.domain"),
        (without("name", task_event("RUNNING")), "execution_id.name"),
        (of_task(project=""), "task_id.project"),
        (of_task(domain=""), "task_id.domain"),
        (of_task(name=""), "task_id.name"),
        (of_task(version=""), "task_id.version"),
        (of_task(resource_type=WORKFLOW), "task_id.resource_type"),
        (task_event("RUNNING", node=""), "node_id"),
        (of_no_node(), "parent_node_execution_id"),
        *((timeless(event), "occurred_at") for event in (workflow_event, node_event, task_event)),
        (node_event("RUNNING", node=""), "node_id"),
        (node_event("RUNNING", node="n" * 513), "node_id"),
        (node_event("RUNNING", retry_group="1" * 513), "retry_group"),
        (node_event("RUNNING", parent_node_metadata={"node_id": "n" * 513}), "parent_node_metadata.node_id"),
        (node_event("RUNNING", parent_task_metadata={"id": {}}), "parent_task_metadata.id.node_execution_id"),
        (node_event("RUNNING", parent_task_metadata={"id": task_of("another")}), "parent_task_metadata.id"),
        (node_event("RUNNING", workflow_node_metadata={"execution_id": {"project": "p"}}), "execution_id.domain"),
        (dynamic_event(), "dynamic_workflow.id.resource_type"),
        (dynamic_event(id=workflow_id()), "dynamic_workflow.compiled_workflow"),
        (dynamic_event(id=workflow_id(), compiled_workflow={}), "compiled_workflow.primary.template"),
        (dynamic_event(id=workflow_id(), compiled_workflow={"primary": {"template": {}}}), "primary.id.resource_type"),
        (task_event("RUNNING", reported_at={"seconds": 1 << 60}), "reported_at"),
        (task_event("RUNNING", logs=[{}] * 100_001), "at most 100000 logs"),
        (task_event("RUNNING", metadata={"external_resources": [{"logs": [{}] * 50_000}] * 2}), "at most 100000 logs"),
    ],
)
def test_a_bad_event_names_its_field(send: Send, aws: Aws, event: Event, field: str) -> None:
    answer = send(event)
    assert answer.code is Code.INVALID_ARGUMENT
    assert field in answer.message
    assert answer.reason is None


@pytest.mark.conformance("WFE-13")
def test_a_time_that_is_missing_or_out_of_range(send: Send, aws: Aws) -> None:
    stored_execution()
    assert "occurred_at" in send(timeless(workflow_event)).message
    late = workflow_event("RUNNING")
    late.occurred_at.seconds = 1 << 60
    assert send(late).code is Code.INVALID_ARGUMENT
    unknown = workflow_event("RUNNING")
    unknown.phase = 99  # type: ignore[assignment]
    assert "phase" in send(unknown).message


def test_a_large_event_travels_as_a_claim(send: Send, aws: Aws) -> None:
    stored_execution()
    outputs = LiteralMap()
    outputs.literals["big"].scalar.primitive.string_value = "x" * 1_000_000
    event = node_event("SUCCEEDED", 1, output_data=outputs)
    assert send(event).code is Code.OK
    [body] = queued(aws)
    assert body["claim"].startswith(f"s3://{aws.resources['Bucket']}/claims/")
    assert process_event(batch([queue_record(json.dumps(body), 1)]), Context()) == {"batchItemFailures": []}


def with_outputs(event: Event, size: int) -> Event:
    event.output_data.literals["x"].scalar.primitive.string_value = "x" * size
    return event


@pytest.mark.conformance("WFE-02", "TEV-02", "NEV-01", "KD-09")
@pytest.mark.parametrize("kind", [workflow_event, node_event, task_event])
def test_outputs_larger_than_the_operator_allows(
    send: Send, aws: Aws, monkeypatch: pytest.MonkeyPatch, kind: object
) -> None:
    stored_execution()
    configure(aws, monkeypatch, "remoteData: {maxSizeInBytes: 1000}")
    answer = send(with_outputs(kind("SUCCEEDED"), 1000))  # type: ignore[operator]
    assert answer.code is Code.RESOURCE_EXHAUSTED
    assert "output data size exceeds platform configured threshold" in answer.message
    assert send(with_outputs(kind("SUCCEEDED"), 900)).code is Code.OK  # type: ignore[operator]


@pytest.mark.conformance("WFE-02", "KD-38")
@pytest.mark.parametrize(
    ("file", "expected"), [("{}", Code.RESOURCE_EXHAUSTED), ("remoteData: {maxSizeInBytes: 0}", Code.OK)]
)
def test_outputs_of_three_megabytes(
    send: Send, aws: Aws, monkeypatch: pytest.MonkeyPatch, file: str, expected: Code
) -> None:
    stored_execution()
    configure(aws, monkeypatch, file)
    assert send(with_outputs(node_event("SUCCEEDED"), 3_000_000)).code is expected


@pytest.mark.conformance("NEV-27")
def test_an_event_too_large_for_anything(send: Send, aws: Aws) -> None:
    outputs = LiteralMap()
    outputs.literals["big"].scalar.primitive.string_value = "x" * 5_000_000
    answer = send(node_event("SUCCEEDED", 1, output_data=outputs))
    assert answer.code is Code.RESOURCE_EXHAUSTED
    assert "message larger than max" in answer.message
    assert answer.reason is None


@pytest.mark.parametrize("field", ["resource_pool_info", "custom_info"])
def test_an_event_has_the_bounds_of_any_request(send: Send, aws: Aws, field: str) -> None:
    """Two million empty elements take two bytes each on the wire, and a hundred in the functions that read them."""
    stored_execution()
    event = task_event("RUNNING")
    if field == "custom_info":
        event.custom_info.update({"x": float("nan")})
    else:
        event.metadata.MergeFromString(b"\x1a\x00" * 600_000)
        assert len(event.metadata.resource_pool_info) == 600_000
    answer = send(event)
    assert answer.code is Code.INVALID_ARGUMENT
    assert answer.message.startswith(f"invalid value for event.{'metadata.' if 'pool' in field else ''}{field}")
    assert queued(aws) == []
