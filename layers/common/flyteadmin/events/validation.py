"""What an event must hold before it is queued, and again before it is applied; pure."""

from flyteidl.core import identifier_pb2
from flyteidl.core.execution_pb2 import NodeExecution, TaskExecution, WorkflowExecution
from flyteidl.core.identifier_pb2 import TASK, Identifier, NodeExecutionIdentifier, WorkflowExecutionIdentifier
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent

from flyteadmin.errors import invalid, missing
from flyteadmin.identifiers import node_execution_key, task_execution_key
from flyteadmin.timestamps import is_valid

type Event = WorkflowExecutionEvent | NodeExecutionEvent | TaskExecutionEvent


def validate(event: Event) -> WorkflowExecutionIdentifier:
    """Check an event and give the execution that it belongs to.

    Raises:
        InvalidArgument: a part of the identifier is missing, the phase is unknown, or `occurred_at` is missing or out
            of protobuf's range (WFE-01, WFE-13, TEV-01; node events are held to it too, unlike KD-09).
    """
    match event:
        case WorkflowExecutionEvent():
            execution = event.execution_id
            _known(event.phase in WorkflowExecution.Phase.values())
        case NodeExecutionEvent():
            execution = _node(event.id)
            _known(event.phase in NodeExecution.Phase.values())
            node_execution_key(event.id)
        case TaskExecutionEvent():
            execution = _task(event)
            _known(event.phase in TaskExecution.Phase.values())
    _execution(execution)
    if not event.HasField("occurred_at"):
        raise missing("occurred_at")
    if not is_valid(event.occurred_at):
        raise invalid("occurred_at", "expected a time in the years 1 to 9999")
    return execution


def _known(is_known: bool) -> None:  # noqa: FBT001  # reads as a statement
    if not is_known:
        raise invalid("phase", "unknown phase number")


def _execution(identifier: WorkflowExecutionIdentifier) -> None:
    for field, value in (
        ("project", identifier.project),
        ("domain", identifier.domain),
        ("name", identifier.name),
    ):
        if not value:
            raise missing(f"execution_id.{field}")


def _node(identifier: NodeExecutionIdentifier) -> WorkflowExecutionIdentifier:
    if not identifier.node_id:
        raise missing("node_id")
    return identifier.execution_id


def _task(event: TaskExecutionEvent) -> WorkflowExecutionIdentifier:
    _task_identifier(event.task_id)
    execution = _node(event.parent_node_execution_id)
    task_execution_key(attempt_identifier(event))
    return execution


def _task_identifier(identifier: Identifier) -> None:
    if identifier.resource_type != TASK:
        raise invalid("task_id.resource_type", "expected TASK")
    for field in ("project", "domain", "name", "version"):
        if not getattr(identifier, field):
            raise missing(f"task_id.{field}")


def attempt_identifier(event: TaskExecutionEvent) -> identifier_pb2.TaskExecutionIdentifier:
    """The task execution that a task event is about."""
    return identifier_pb2.TaskExecutionIdentifier(
        task_id=event.task_id,
        node_execution_id=event.parent_node_execution_id,
        retry_attempt=event.retry_attempt,
    )
