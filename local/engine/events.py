"""The events that propeller sends, field by field (its nodes/ and task/transformer(s).go, workflow/executor.go)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flyteidl.core.execution_pb2 import ExecutionError, NodeExecution, TaskExecution, TaskLog, WorkflowExecution
from flyteidl.core.identifier_pb2 import Identifier, NodeExecutionIdentifier, WorkflowExecutionIdentifier
from flyteidl.event.event_pb2 import (
    EventReason,
    ExternalResourceInfo,
    NodeExecutionEvent,
    ParentNodeExecutionMetadata,
    TaskExecutionEvent,
    TaskExecutionMetadata,
    TaskNodeMetadata,
    WorkflowExecutionEvent,
    WorkflowNodeMetadata,
)
from google.protobuf.timestamp_pb2 import Timestamp

from flyteadmin.timestamps import to_timestamp
from local.engine.graph import START_NODE
from local.engine.identity import generated_name
from local.engine.outcome import Outcome
from local.engine.places import Attempt, Place

EVENT_VERSION = 1
PLUGIN, ARRAY_PLUGIN, ARRAY_TASK_TYPE = "container", "k8s-array", "container_array"
_NOTHING = Outcome()


@dataclass(frozen=True)
class Events:
    """Makes the events of one execution; `clock` gives nanoseconds since the epoch.

    `interruptible` holds for nodes that don't say.
    """

    execution_id: WorkflowExecutionIdentifier
    producer_id: str
    clock: Callable[[], int]
    interruptible: bool = False

    def workflow(
        self, phase: WorkflowExecution.Phase, *, output_uri: str = "", error: ExecutionError | None = None
    ) -> WorkflowExecutionEvent:
        event = WorkflowExecutionEvent(
            execution_id=self.execution_id, producer_id=self.producer_id, phase=phase, occurred_at=self._now()
        )
        if error:
            event.error.CopyFrom(error)
        elif output_uri:
            event.output_uri = output_uri
        return event

    def node(self, place: Place, phase: NodeExecution.Phase, told: Outcome = _NOTHING) -> NodeExecutionEvent:
        event = self._node(place, phase)
        event.event_version = EVENT_VERSION
        event.spec_node_id = place.node.id
        event.node_name = place.node.name
        if place.node.id != START_NODE:
            event.input_uri = place.inputs_uri
        if place.parent:
            event.parent_node_metadata.CopyFrom(ParentNodeExecutionMetadata(node_id=place.parent.unique_id))
            event.retry_group = str(place.parent.attempt)
        _mark(event, place, told)
        match told.metadata:
            case TaskNodeMetadata():
                event.task_node_metadata.CopyFrom(told.metadata)
            case WorkflowNodeMetadata():
                event.workflow_node_metadata.CopyFrom(told.metadata)
        event.deck_uri = told.deck_uri
        if told.error and not told.is_timed_out:
            event.error.CopyFrom(told.error)
        elif told.output_uri:
            event.output_uri = told.output_uri
        return event

    def aborted_node(self, place: Place, reason: str) -> NodeExecutionEvent:
        """Return the event of an aborted node, with fewer fields than others (nodes/executor.go, Abort)."""
        event = self._node(place, NodeExecution.ABORTED)
        event.error.CopyFrom(ExecutionError(code="NodeAborted", message=reason))
        return event

    def task(
        self,
        attempt: Attempt,
        phase: TaskExecution.Phase,
        *,
        reason: str = "",
        log: TaskLog | None = None,
        error: ExecutionError | None = None,
    ) -> TaskExecutionEvent:
        place, now = attempt.place, self._now()
        event = TaskExecutionEvent(
            task_id=attempt.template.id,
            parent_node_execution_id=self.node_id(place),
            retry_attempt=attempt.number,
            phase=phase,
            producer_id=self.producer_id,
            occurred_at=now,
            reported_at=now,
            task_type=attempt.template.type,
            event_version=EVENT_VERSION,
            input_uri=place.inputs_uri,
            reason=reason,
            reasons=[EventReason(reason=reason, occurred_at=now)] if reason else [],
            logs=[log] if log else [],
            metadata=self._metadata(attempt),
        )
        if error:
            event.error.CopyFrom(error)
        elif phase == TaskExecution.SUCCEEDED:
            event.output_uri = place.outputs_uri
        return event

    def array(
        self,
        place: Place,
        task_id: Identifier | None,
        phase: TaskExecution.Phase,
        elements: Iterable[ExternalResourceInfo],
        *,
        version: int = 0,
        error: ExecutionError | None = None,
    ) -> TaskExecutionEvent:
        """Return the one task of an array node, with those of its elements that have news (array/event_recorder.go)."""
        event = TaskExecutionEvent(
            task_id=task_id,
            parent_node_execution_id=self.node_id(place),
            phase=phase,
            phase_version=version,
            occurred_at=self._now(),
            task_type=ARRAY_TASK_TYPE,
            event_version=EVENT_VERSION,
            metadata=TaskExecutionMetadata(plugin_identifier=ARRAY_PLUGIN, external_resources=elements),
        )
        if phase == TaskExecution.QUEUED:
            event.input_uri = place.inputs_uri
        elif phase == TaskExecution.SUCCEEDED:
            event.output_uri = place.outputs_uri
        elif phase == TaskExecution.FAILED and error:
            event.error.CopyFrom(error)
        return event

    def node_id(self, place: Place) -> NodeExecutionIdentifier:
        return NodeExecutionIdentifier(node_id=place.unique_id, execution_id=self.execution_id)

    def _metadata(self, attempt: Attempt) -> TaskExecutionMetadata:
        own = attempt.place.node.interruptible
        interruptible = self.interruptible if own is None else own
        return TaskExecutionMetadata(
            generated_name=generated_name(self.execution_id.name, attempt.place.unique_id, attempt.number),
            plugin_identifier=PLUGIN,
            instance_class=TaskExecutionMetadata.INTERRUPTIBLE if interruptible else TaskExecutionMetadata.DEFAULT,
        )

    def _node(self, place: Place, phase: NodeExecution.Phase) -> NodeExecutionEvent:
        now = self._now()
        return NodeExecutionEvent(
            id=self.node_id(place),
            phase=phase,
            producer_id=self.producer_id,
            occurred_at=now,
            reported_at=now,
            target_entity=place.target,
            is_in_dynamic_chain=bool(place.parent and place.parent.is_dynamic),
        )

    def _now(self) -> Timestamp:
        return to_timestamp(self.clock())


def _mark(event: NodeExecutionEvent, place: Place, told: Outcome) -> None:
    """Say what kind of a parent the node is, as far as that is known by now."""
    if place.node.workflow and place.node.workflow.sub_workflow_ref:
        event.is_parent = True
    elif place.node.kind == "array":
        event.is_array = True
    elif told.is_dynamic:
        event.is_dynamic = True
        is_made = isinstance(told.metadata, TaskNodeMetadata) and told.metadata.HasField("dynamic_workflow")
        event.is_parent = is_made
