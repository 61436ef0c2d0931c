"""Checks an event before it is queued, and again before it is applied; pure.

A valid event can be applied: all keys that its rows need were made of it once.
"""

from collections.abc import Iterator

from flyteidl.core import identifier_pb2
from flyteidl.core.execution_pb2 import NodeExecution, TaskExecution, WorkflowExecution
from flyteidl.core.identifier_pb2 import (
    TASK,
    WORKFLOW,
    Identifier,
    NodeExecutionIdentifier,
    TaskExecutionIdentifier,
    WorkflowExecutionIdentifier,
)
from flyteidl.event.event_pb2 import (
    DynamicWorkflowNodeMetadata,
    NodeExecutionEvent,
    TaskExecutionEvent,
    WorkflowExecutionEvent,
)
from google.protobuf.timestamp_pb2 import Timestamp

from flyteadmin.errors import ResourceExhausted, invalid, missing, too_long
from flyteadmin.identifiers import MAX_NODE_ID_BYTES, execution_key, node_execution_key, task_execution_key
from flyteadmin.node_executions.phases import parent_of
from flyteadmin.task_executions.merging import parts_of
from flyteadmin.timestamps import is_valid
from flyteadmin.validation import validate_set

MAX_PARTS = 100_000
"""The most logs, reasons and external resources of one event; of real length, no more fit into four megabytes.

It stands beside `bounds.MAX_ELEMENTS`, which holds for every request: that one bounds what decoding and JSON take, this
one what merging takes, since these parts are copied into the attempt's lists at each of its events.
"""

_MAX_IDENTIFIER_BYTES = 8 * 1024
"""A row holds the identifier whole; this also bounds the parts that are in no key, such as the organisation."""

type Event = WorkflowExecutionEvent | NodeExecutionEvent | TaskExecutionEvent


def validate(event: Event) -> WorkflowExecutionIdentifier:
    """Check an event and return the execution that it belongs to.

    Raises:
        InvalidArgument: a part of an identifier is missing, does not fit or is of another type, the phase is unknown,
            or a time is missing or out of protobuf's range (WFE-01, WFE-13, TEV-01; node events are checked too,
            unlike KD-09).
    """
    match event:
        case WorkflowExecutionEvent():
            execution = event.execution_id
            _known(event.phase in WorkflowExecution.Phase.values())
        case NodeExecutionEvent():
            if not event.HasField("id"):
                raise missing("id")
            execution = _node(event.id)
            _known(event.phase in NodeExecution.Phase.values())
            _node_links(event)
        case TaskExecutionEvent():
            execution = _attempt(attempt_identifier(event), "parent_node_execution_id")
            _known(event.phase in TaskExecution.Phase.values())
            _countable(event)
    _execution(execution)
    if not event.HasField("occurred_at"):
        raise missing("occurred_at")
    for field, timestamp in _times(event):
        if not is_valid(timestamp):
            raise invalid(field, "expected a time in the years 1 to 9999")
    return execution


def validate_output_size(event: Event, limit: int) -> None:
    """Check the size of inline outputs; `limit` 0 means no limit, as it does for reads (KD-38).

    Raises:
        ResourceExhausted: it is above `remoteData.maxSizeInBytes` (WFE-02, TEV-02).
    """
    size = event.output_data.ByteSize()
    if limit and size > limit:
        raise ResourceExhausted(f"output data size exceeds platform configured threshold ({size} > {limit})")


def _times(event: Event) -> Iterator[tuple[str, Timestamp]]:
    yield "occurred_at", event.occurred_at
    if not isinstance(event, WorkflowExecutionEvent):
        yield "reported_at", event.reported_at


def _known(is_known: bool) -> None:  # noqa: FBT001  # reads as a statement
    if not is_known:
        raise invalid("phase", "unknown phase number")


def _countable(event: TaskExecutionEvent) -> None:
    """Limit the parts of an event: four megabytes hold two million empty logs, which need a gigabyte when merged."""
    lists = len(event.logs) + len(event.reasons) + len(event.metadata.external_resources)
    if lists > MAX_PARTS or parts_of(event) > MAX_PARTS:
        raise invalid("event", f"at most {MAX_PARTS} logs, reasons and external resources are allowed")


def _execution(identifier: WorkflowExecutionIdentifier) -> None:
    for field, value in (
        ("project", identifier.project),
        ("domain", identifier.domain),
        ("name", identifier.name),
    ):
        if not value:
            raise missing(f"execution_id.{field}")
    execution_key(identifier)


def _node(identifier: NodeExecutionIdentifier) -> WorkflowExecutionIdentifier:
    if not identifier.HasField("execution_id"):
        raise missing("execution_id")
    if not identifier.node_id:
        raise missing("node_id")
    node_execution_key(identifier)
    return identifier.execution_id


def _attempt(identifier: TaskExecutionIdentifier, node_field: str) -> WorkflowExecutionIdentifier:
    if not identifier.HasField("node_execution_id"):
        raise missing(node_field)
    execution = _node(identifier.node_execution_id)
    if not identifier.HasField("task_id"):
        raise missing("task_id")
    _entity(identifier.task_id, TASK, "task_id")
    task_execution_key(identifier)
    if identifier.ByteSize() > _MAX_IDENTIFIER_BYTES:
        raise too_long("the task execution's identifier", _MAX_IDENTIFIER_BYTES)
    return execution


def _entity(identifier: Identifier, expected: identifier_pb2.ResourceType, field: str) -> None:
    if identifier.resource_type != expected:
        raise invalid(f"{field}.resource_type", f"expected {identifier_pb2.ResourceType.Name(expected)}")
    validate_set(identifier, "project", "domain", "name", "version", path=f"{field}.")


def _node_links(event: NodeExecutionEvent) -> None:
    for field, value in (
        ("parent_node_metadata.node_id", event.parent_node_metadata.node_id),
        ("spec_node_id", event.spec_node_id),
        ("retry_group", event.retry_group),
    ):
        if len(value.encode()) > MAX_NODE_ID_BYTES:
            raise too_long(field, MAX_NODE_ID_BYTES)
    if event.HasField("parent_task_metadata"):
        execution = _attempt(event.parent_task_metadata.id, "parent_task_metadata.id.node_execution_id")
        if execution != event.id.execution_id:
            raise invalid("parent_task_metadata.id", "expected a task execution of the same execution")
    parent_of(event)
    if event.workflow_node_metadata.HasField("execution_id"):
        _execution(event.workflow_node_metadata.execution_id)
    if event.task_node_metadata.HasField("dynamic_workflow"):
        _dynamic_workflow(event.task_node_metadata.dynamic_workflow)


def _dynamic_workflow(dynamic: DynamicWorkflowNodeMetadata) -> None:
    """Check a dynamic workflow as upstream does, which only logs the result (KD-09)."""
    _entity(dynamic.id, WORKFLOW, "dynamic_workflow.id")
    if not dynamic.HasField("compiled_workflow"):
        raise missing("dynamic_workflow.compiled_workflow")
    if not dynamic.compiled_workflow.primary.HasField("template"):
        raise missing("dynamic_workflow.compiled_workflow.primary.template")
    _entity(dynamic.compiled_workflow.primary.template.id, WORKFLOW, "dynamic_workflow.compiled_workflow.primary.id")


def attempt_identifier(event: TaskExecutionEvent) -> TaskExecutionIdentifier:
    """Return the task execution of a task event; without a node where the event names none."""
    return TaskExecutionIdentifier(
        task_id=event.task_id if event.HasField("task_id") else None,
        node_execution_id=event.parent_node_execution_id if event.HasField("parent_node_execution_id") else None,
        retry_attempt=event.retry_attempt,
    )
