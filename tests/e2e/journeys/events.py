"""Events beside the engine's: too large for the queue, sent twice, without admission, and no event at all."""

import uuid

from flyteidl.admin.event_pb2 import (
    NodeExecutionEventRequest,
    NodeExecutionEventResponse,
    TaskExecutionEventRequest,
    TaskExecutionEventResponse,
)
from flyteidl.admin.node_execution_pb2 import (
    NodeExecutionForTaskListRequest,
    NodeExecutionGetDataRequest,
    NodeExecutionGetDataResponse,
    NodeExecutionList,
)
from flyteidl.admin.task_execution_pb2 import (
    TaskExecution,
    TaskExecutionGetRequest,
)
from flyteidl.core.execution_pb2 import ExecutionError, WorkflowExecution
from flyteidl.core.execution_pb2 import TaskExecution as TaskExecutionPhase
from flyteidl.core.identifier_pb2 import (
    TASK,
    Identifier,
    NodeExecutionIdentifier,
    TaskExecutionIdentifier,
    WorkflowExecutionIdentifier,
)
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent

from flyteadmin.events.envelope import Kind, seal
from flyteadmin.events.service import group_of
from flyteadmin.identifiers import execution_key
from local.admin import CallFailed
from local.cluster.faults import Fault
from local.cluster.process import RunningCluster
from local.stack import DOMAIN, PROJECT
from tests.e2e.journeys.traveller import Traveller, create, ended, followed, now


def events_of_all_sizes(traveller: Traveller, version: str) -> None:
    """Events beside the engine's: too large for the queue, sent twice, without admission, and no event at all."""
    cluster = traveller.stack.cluster
    assert isinstance(cluster, RunningCluster)
    cluster.add_fault(Fault(verb="create", code=500))
    identifier = create(traveller, "tests.workflows.echoed_report", version)
    large_events(traveller, identifier)
    large_attempt(traveller, identifier)
    send_raw(traveller, identifier, '{"kind": "node", "event": "bm8gZXZlbnQ="}')
    failed = WorkflowExecutionEvent(
        execution_id=identifier,
        phase=WorkflowExecution.FAILED,
        occurred_at=now(),
        error=ExecutionError(code="E2E", message="x" * 10_000),
    )
    send_raw(traveller, identifier, seal(Kind.WORKFLOW, failed.SerializeToString()))
    assert ended(traveller, identifier).closure.error.code == "E2E"
    assert "INVALID_ARGUMENT" in traveller.eventually(lambda: set_aside(traveller, identifier), "a dead letter")


def large_events(traveller: Traveller, identifier: WorkflowExecutionIdentifier) -> None:
    """The outputs of a node: 4.5 MB in S3 for one event, 1 MB in the event itself for another, which comes twice."""
    bucket = traveller.stack.outputs["Bucket"]
    outputs = LiteralMap()
    outputs.literals["x"].scalar.primitive.string_value = "x" * 4_500_000
    key = f"metadata/e2e/{identifier.name}/outputs.pb"
    traveller.stack.endpoint.client("s3").put_object(Bucket=bucket, Key=key, Body=outputs.SerializeToString())
    node = NodeExecutionIdentifier(node_id="n0", execution_id=identifier)
    send_node(traveller, NodeExecutionEvent(id=node, phase=3, occurred_at=now(), output_uri=f"s3://{bucket}/{key}"))  # type: ignore[arg-type]
    other = NodeExecutionIdentifier(node_id="n1", execution_id=identifier)
    inline = LiteralMap()
    inline.literals["x"].scalar.primitive.string_value = "x" * 1_000_000
    for _ in range(2):
        send_node(traveller, NodeExecutionEvent(id=other, phase=3, occurred_at=now(), output_data=inline))  # type: ignore[arg-type]
    request = NodeExecutionGetDataRequest(id=node)

    def look() -> bytes | None:
        try:
            return followed(traveller, "GetNodeExecutionData", request)
        except CallFailed:
            return None

    body = traveller.eventually(look, "the node that was sent")
    assert NodeExecutionGetDataResponse.FromString(body).full_outputs == outputs
    of_other = NodeExecutionGetDataRequest(id=other)

    def look_again() -> NodeExecutionGetDataResponse | None:
        try:
            return traveller.admin.call("GetNodeExecutionData", of_other, NodeExecutionGetDataResponse)
        except CallFailed:
            return None

    assert traveller.eventually(look_again, "the node with the large event").full_outputs == inline


def large_attempt(traveller: Traveller, identifier: WorkflowExecutionIdentifier) -> None:
    """A task attempt whose closure outgrows its row, so that the next event finds it in S3."""
    admin = traveller.stack.admin(traveller.stack.propeller)
    attempt = TaskExecutionIdentifier(
        task_id=Identifier(resource_type=TASK, project=PROJECT, domain=DOMAIN, name="large", version="v1"),
        node_execution_id=NodeExecutionIdentifier(node_id="n0", execution_id=identifier),
    )

    def reported(phase: TaskExecutionPhase.Phase) -> TaskExecution:
        """Wait for each event: two in one batch would be folded, and nothing read back from S3."""
        event = TaskExecutionEvent(
            task_id=attempt.task_id,
            parent_node_execution_id=attempt.node_execution_id,
            phase=phase,
            occurred_at=now(),
            reason=f"{phase} {'x' * 50_000}",
        )
        admin.call("CreateTaskEvent", TaskExecutionEventRequest(event=event), TaskExecutionEventResponse)

        def look() -> TaskExecution | None:
            try:
                found = admin.call("GetTaskExecution", TaskExecutionGetRequest(id=attempt), TaskExecution)
            except CallFailed:
                return None
            return found if found.closure.phase == phase else None

        return traveller.eventually(look, "the large task's phase")

    reported(TaskExecutionPhase.RUNNING)
    found = reported(TaskExecutionPhase.SUCCEEDED)
    assert len(found.closure.reasons) == 2
    request = NodeExecutionForTaskListRequest(task_execution_id=attempt, limit=5)
    assert not admin.call("ListNodeExecutionsForTask", request, NodeExecutionList).node_executions


def send_node(traveller: Traveller, event: NodeExecutionEvent) -> None:
    admin = traveller.stack.admin(traveller.stack.propeller)
    admin.call("CreateNodeEvent", NodeExecutionEventRequest(event=event), NodeExecutionEventResponse)


def send_raw(traveller: Traveller, identifier: WorkflowExecutionIdentifier, body: str) -> None:
    """Put a message into the queue past admission, as a redrive or a foreign producer does."""
    traveller.stack.endpoint.client("sqs").send_message(
        QueueUrl=traveller.stack.outputs["EventsQueueUrl"],
        MessageBody=body,
        MessageGroupId=group_of(execution_key(identifier)),
        MessageDeduplicationId=uuid.uuid4().hex,
    )


def set_aside(traveller: Traveller, identifier: WorkflowExecutionIdentifier) -> str | None:
    """Return the cause that the dead-letter queue gives for a message of an execution."""
    sqs = traveller.stack.endpoint.client("sqs")
    answer = sqs.receive_message(
        QueueUrl=traveller.stack.outputs["DeadLetterQueueUrl"],
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        AttributeNames=["All"],
        VisibilityTimeout=0,
    )
    group = group_of(execution_key(identifier))
    for message in answer.get("Messages", []):
        if message["MessageAttributes"]["group"]["StringValue"] == group:
            cause: str = message["MessageAttributes"]["cause"]["StringValue"]
            assert message["MessageAttributes"]["sequence"]["StringValue"].isdigit()
            return cause
    return None
