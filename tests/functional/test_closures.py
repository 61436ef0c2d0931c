"""Lives of an execution, a node and a task as propeller tells them, and the whole of what clients then read."""

from collections.abc import Mapping
from typing import Any

import pytest
from flyteidl.admin.execution_pb2 import Execution, ExecutionClosure
from flyteidl.admin.node_execution_pb2 import (
    NodeExecution,
    NodeExecutionClosure,
    NodeExecutionList,
    NodeExecutionMetaData,
    TaskNodeMetadata,
    WorkflowNodeMetadata,
)
from flyteidl.admin.task_execution_pb2 import Reason, TaskExecution, TaskExecutionClosure, TaskExecutionList
from flyteidl.core import execution_pb2
from flyteidl.core.catalog_pb2 import CACHE_HIT, CACHE_POPULATED, CatalogMetadata, CatalogReservation
from flyteidl.core.execution_pb2 import ExecutionError, LogContext, TaskLog
from flyteidl.core.identifier_pb2 import TaskExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.event import event_pb2 as event
from flyteidl.event.event_pb2 import (
    EventReason,
    ExternalResourceInfo,
    ResourcePoolInfo,
    TaskExecutionEvent,
    TaskExecutionMetadata,
)
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from flyteadmin.events.validation import Event
from functions.get_executions.handler import lambda_handler
from local.aws.data import DataAccount as Aws
from tests.aws_events import OCTETS, Context, answer_of, http_event
from tests.builders import (
    DOMAIN,
    PROJECT,
    at,
    execution_id,
    node_event,
    node_id,
    stored_execution,
    task_event,
    task_id,
    workflow_event,
)
from tests.configuration import configure
from tests.event_delivery import apply

EXECUTION = f"{PROJECT}/{DOMAIN}/run"
NODE_PHASE, TASK_PHASE = execution_pb2.NodeExecution, execution_pb2.TaskExecution


def get[M: Message](path: str, of: type[M], query: Mapping[str, str] | None = None) -> M:
    request = http_event("GET", f"/api/v1/{path}", query=query, headers={"accept": OCTETS})
    return answer_of(lambda_handler(request, Context())).message(of)


def execution(path: str = f"executions/{EXECUTION}") -> ExecutionClosure:
    return get(path, Execution).closure


def node() -> NodeExecution:
    """Return a node, which a list shows as a get does."""
    got = get(f"node_executions/{EXECUTION}/n0-0-dn0", NodeExecution)
    query = {"limit": "9", "unique_parent_id": "n0"}
    assert list(get(f"node_executions/{EXECUTION}", NodeExecutionList, query).node_executions) == [got]
    return got


def task() -> TaskExecution:
    """Return an attempt, which a list shows as a get does."""
    got = get(f"task_executions/{EXECUTION}/n0/{PROJECT}/{DOMAIN}/task/v1/2", TaskExecution)
    assert list(get(f"task_executions/{EXECUTION}/n0", TaskExecutionList, {"limit": "9"}).task_executions) == [got]
    return got


@pytest.mark.conformance("WFE-12", "WFE-14", "WFE-15", "WFE-17", "GET-02")
def test_what_is_read_of_an_execution_from_its_start_to_its_end(aws: Aws) -> None:
    stored_execution(principal="ada")
    created = execution()
    assert (created.phase, created.created_at, created.updated_at) == (0, at(0), at(0))
    assert not created.HasField("started_at")

    expected = ExecutionClosure()
    expected.CopyFrom(created)
    apply(workflow_event("RUNNING", 2))
    expected.phase = execution_pb2.WorkflowExecution.RUNNING
    expected.started_at.CopyFrom(at(2))
    expected.updated_at.CopyFrom(at(2))
    assert execution() == expected

    apply(workflow_event("SUCCEEDING", 5), workflow_event("SUCCEEDED", 7.5, output_uri="s3://out"), first=2)
    expected.phase = execution_pb2.WorkflowExecution.SUCCEEDED
    expected.updated_at.CopyFrom(at(7.5))
    expected.duration.CopyFrom(Duration(seconds=5, nanos=500_000_000))
    expected.outputs.uri = "s3://out"
    assert execution() == expected


@pytest.mark.conformance("WFE-15")
def test_an_end_without_a_start_has_no_duration(aws: Aws) -> None:
    stored_execution()
    apply(workflow_event("FAILED", 3), node_event("FAILED", 3), task_event("FAILED", 3))
    assert not execution().HasField("duration")
    assert not get(f"node_executions/{EXECUTION}/n0", NodeExecution).closure.HasField("duration")


@pytest.mark.conformance("WFE-16", "WFE-19", "NEV-19", "TEV-13")
def test_an_error_that_says_nothing_is_an_error_and_a_blank_uri_is_none(aws: Aws) -> None:
    stored_execution()
    blank = ExecutionError()
    apply(workflow_event("FAILED", 3, error=blank), node_event("FAILED", 3, error=blank), task_event("FAILED", 3))
    assert execution().HasField("error")
    assert get(f"node_executions/{EXECUTION}/n0", NodeExecution).closure.HasField("error")
    listed = get(f"node_executions/{EXECUTION}", NodeExecutionList, {"limit": "9"}).node_executions
    assert listed[0].closure.HasField("error")
    apply(*(make("SUCCEEDED", 3, node="n1", output_uri="") for make in (node_event, task_event)), first=4)
    of_node = get(f"node_executions/{EXECUTION}/n1", NodeExecution).closure
    of_task = get(f"task_executions/{EXECUTION}/n1/{PROJECT}/{DOMAIN}/task/v1/0", TaskExecution).closure
    assert (of_node.WhichOneof("output_result"), of_task.WhichOneof("output_result")) == (None, None)


@pytest.mark.conformance("WFE-18", "NEV-19")
def test_outputs_without_a_value_are_shown_as_such_where_they_stay_inline(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(aws, monkeypatch, "remoteData: {inlineEventDataPolicy: StoreInline}")
    stored_execution()
    apply(*(make("SUCCEEDED", 3, output_data=LiteralMap()) for make in (workflow_event, node_event)))
    assert execution().WhichOneof("output_result") == "output_data"
    of_node = get(f"node_executions/{EXECUTION}/n0", NodeExecution).closure
    assert of_node.WhichOneof("output_result") == "output_data"


def child(phase: str, seconds: float, **fields: Any) -> Event:
    """An event of the first child of a dynamic node's first attempt, as propeller reports it half a second later."""
    return node_event(
        phase,
        seconds,
        node="n0-0-dn0",
        spec_node_id="dn0",
        reported_at=at(seconds + 0.5),
        node_name="my node",
        is_in_dynamic_chain=True,
        target_entity=task_id(),
        parent_node_metadata={"node_id": "n0"},
        retry_group="0",
        **fields,
    )


@pytest.mark.conformance(
    *("NEV-06", "NEV-07", "NEV-08", "NEV-15", "NEV-17", "NEV-18", "NEV-19", "NEV-20", "NEV-21", "NEV-23")
)
def test_what_is_read_of_a_node_from_its_first_event_to_its_end(aws: Aws) -> None:
    stored_execution()
    apply(node_event("RUNNING", 0, is_parent=True), child("QUEUED", 1, input_uri="s3://in", deck_uri="s3://early"))
    expected = NodeExecution(
        id=node_id("n0-0-dn0"),
        input_uri="s3://in",
        closure=NodeExecutionClosure(phase=NODE_PHASE.QUEUED, created_at=at(1), updated_at=at(1.5)),
        metadata=NodeExecutionMetaData(retry_group="0", spec_node_id="dn0"),
    )
    assert node() == expected

    cached = event.TaskNodeMetadata(
        cache_status=CACHE_HIT,
        catalog_key=CatalogMetadata(dataset_id=task_id("cached")),
        reservation_status=CatalogReservation.RESERVATION_ACQUIRED,
        checkpoint_uri="s3://checkpoint",
    )
    running = {"deck_uri": "s3://deck", "is_array": True, "is_parent": True, "input_uri": "s3://other"}
    apply(child("RUNNING", 2, task_node_metadata=cached, **running), first=3)
    expected.closure.phase = NODE_PHASE.RUNNING
    expected.closure.started_at.CopyFrom(at(2))
    expected.closure.updated_at.CopyFrom(at(2.5))
    expected.closure.deck_uri = "s3://deck"
    expected.closure.task_node_metadata.CopyFrom(
        TaskNodeMetadata(cache_status=CACHE_HIT, catalog_key=cached.catalog_key, checkpoint_uri="s3://checkpoint")
    )
    expected.metadata.is_array = expected.metadata.is_parent_node = True
    assert node() == expected

    apply(child("SUCCEEDED", 4, output_uri="s3://out", deck_uri="s3://last"), first=4)
    expected.closure.phase = NODE_PHASE.SUCCEEDED
    expected.closure.updated_at.CopyFrom(at(4.5))
    expected.closure.duration.CopyFrom(Duration(seconds=2))
    expected.closure.output_uri = "s3://out"
    expected.closure.deck_uri = "s3://last"
    assert node() == expected


@pytest.mark.conformance("NEV-14", "NEV-18", "NEV-19", "NEV-21", "HIE-08")
def test_what_is_read_of_a_node_that_launches_an_execution_and_fails(aws: Aws) -> None:
    stored_execution()
    missed = event.TaskNodeMetadata(catalog_key=CatalogMetadata(dataset_id=task_id("cached")))
    launched = event.WorkflowNodeMetadata(execution_id=execution_id("child"))
    error = ExecutionError(
        code="USER:Child", message="it failed", kind=ExecutionError.USER, worker="w", timestamp=at(3)
    )
    apply(
        node_event("RUNNING", 0),
        child("QUEUED", 1, task_node_metadata=missed),
        child("RUNNING", 2, workflow_node_metadata=launched, deck_uri="s3://deck"),
        child("FAILED", 4, error=error, is_dynamic=True, workflow_node_metadata=launched),
    )
    assert node() == NodeExecution(
        id=node_id("n0-0-dn0"),
        closure=NodeExecutionClosure(
            phase=NODE_PHASE.FAILED,
            created_at=at(1),
            started_at=at(2),
            updated_at=at(4.5),
            duration=Duration(seconds=2),
            error=error,
            workflow_node_metadata=WorkflowNodeMetadata(executionId=execution_id("child")),
        ),
        metadata=NodeExecutionMetaData(retry_group="0", spec_node_id="dn0", is_dynamic=True),
    )


def attempt(phase: str, seconds: float, **fields: Any) -> TaskExecutionEvent:
    """Return an event of a task's third attempt, reported half a second later."""
    pod = LogContext(primary_pod_name="pod")
    return task_event(phase, seconds, attempt=2, reported_at=at(seconds + 0.5), log_context=pod, **fields)


def custom_info(**said: object) -> Struct:
    return ParseDict(said, Struct())


def resource(phase: execution_pb2.TaskExecution.Phase, pod: str, **fields: Any) -> ExternalResourceInfo:
    context = LogContext(primary_pod_name=pod)
    return ExternalResourceInfo(index=1, phase=phase, log_context=context, **fields)


@pytest.mark.conformance(
    *("TEV-05", "TEV-07", "TEV-09", "TEV-10", "TEV-11", "TEV-12", "TEV-13", "TEV-14", "TEV-15", "TEV-17", "TEV-18"),
    *("TEV-19", "TEV-20", "TEV-21"),
)
def test_what_is_read_of_a_task_from_its_first_event_to_its_end(aws: Aws) -> None:
    stored_execution()
    console = TaskLog(name="console", uri="s3://console", HideOnceFinished=True)
    more = TaskLog(name="more", uri="s3://more")
    described = TaskExecutionMetadata(
        generated_name="made",
        plugin_identifier="container",
        resource_pool_info=[ResourcePoolInfo(allocation_token="token", namespace="pool")],
        external_resources=[resource(TASK_PHASE.QUEUED, "first", external_id="pod")],
    )
    waits = [EventReason(reason="waits", occurred_at=at(0.1)), EventReason(reason="still", occurred_at=at(1))]
    queued = attempt("QUEUED", 1, phase_version=3, logs=[console], reasons=waits, metadata=described)
    queued.MergeFrom(TaskExecutionEvent(input_uri="s3://in", custom_info=custom_info(url="first", kept=1.0)))
    apply(node_event("RUNNING", 0), queued)
    expected = TaskExecution(
        id=TaskExecutionIdentifier(task_id=task_id(), node_execution_id=node_id("n0"), retry_attempt=2),
        input_uri="s3://in",
        closure=TaskExecutionClosure(
            phase=TASK_PHASE.QUEUED,
            created_at=at(1),
            updated_at=at(1.5),
            logs=[console],
            reason="still",
            reasons=[Reason(occurred_at=at(0.1), message="waits"), Reason(occurred_at=at(1), message="still")],
            task_type="python-task",
            custom_info=custom_info(url="first", kept=1.0),
            metadata=described,
            event_version=1,
        ),
    )
    assert task() == expected

    moved = TaskExecutionMetadata(
        instance_class=TaskExecutionMetadata.INTERRUPTIBLE,
        external_resources=[resource(TASK_PHASE.RUNNING, "second", cache_status=CACHE_POPULATED)],
    )
    running = attempt("RUNNING", 2, logs=[more], reason="runs", metadata=moved, input_uri="s3://other")
    running.MergeFrom(TaskExecutionEvent(custom_info=custom_info(url="second"), event_version=2, task_type="other"))
    apply(running, first=3)
    closure = expected.closure
    closure.phase = TASK_PHASE.RUNNING
    closure.started_at.CopyFrom(at(2))
    closure.updated_at.CopyFrom(at(2.5))
    closure.logs.insert(0, more)
    closure.reason = "runs"
    closure.reasons.add(occurred_at=at(2), message="runs")
    closure.custom_info["url"] = "second"
    closure.metadata.instance_class = TaskExecutionMetadata.INTERRUPTIBLE
    del closure.metadata.resource_pool_info[:]
    closure.metadata.external_resources[0].phase = TASK_PHASE.RUNNING
    closure.metadata.external_resources[0].cache_status = CACHE_POPULATED
    closure.event_version = 2
    assert task() == expected

    apply(attempt("SUCCEEDED", 5, output_uri="s3://out", reason="runs"), first=4)
    closure.phase = TASK_PHASE.SUCCEEDED
    closure.updated_at.CopyFrom(at(5.5))
    closure.duration.CopyFrom(Duration(seconds=3))
    closure.output_uri = "s3://out"
    del closure.logs[1]
    assert task() == expected
