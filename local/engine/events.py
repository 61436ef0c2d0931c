"""The events that propeller sends, field by field (its nodes/ and task/transformer(s).go, workflow/executor.go)."""

from collections.abc import Callable
from dataclasses import dataclass

from flyteidl.core.execution_pb2 import ExecutionError, NodeExecution, TaskExecution, TaskLog, WorkflowExecution
from flyteidl.core.identifier_pb2 import Identifier, NodeExecutionIdentifier, WorkflowExecutionIdentifier
from flyteidl.core.tasks_pb2 import TaskTemplate
from flyteidl.event.event_pb2 import (
    EventReason,
    NodeExecutionEvent,
    ParentNodeExecutionMetadata,
    TaskExecutionEvent,
    TaskExecutionMetadata,
    TaskNodeMetadata,
    WorkflowExecutionEvent,
)

from flyteadmin.flyteworkflow.crd import NodeSpec
from flyteadmin.timestamps import to_timestamp
from local.engine.graph import START_NODE
from local.engine.identity import Lineage, unique_id

EVENT_VERSION = 1
PLUGIN = "container"


@dataclass(frozen=True)
class Place:
    """A node where it runs: its parent, the folder of its data, what it runs."""

    node: NodeSpec
    parent: Lineage | None
    data_directory: str
    target: Identifier | None = None

    @property
    def unique_id(self) -> str:
        return unique_id(self.parent, self.node.id)

    @property
    def inputs_uri(self) -> str:
        return f"{self.data_directory}/inputs.pb"

    def output_directory(self, attempt: int) -> str:
        return f"{self.data_directory}/{attempt}"

    def outputs_uri(self, attempt: int) -> str:
        return f"{self.output_directory(attempt)}/outputs.pb"


@dataclass(frozen=True)
class Attempt:
    """One attempt of a node's task."""

    place: Place
    template: TaskTemplate
    number: int


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
            execution_id=self.execution_id,
            producer_id=self.producer_id,
            phase=phase,
            occurred_at=to_timestamp(self.clock()),
        )
        if error:
            event.error.CopyFrom(error)
        elif output_uri:
            event.output_uri = output_uri
        return event

    def node(
        self,
        place: Place,
        phase: NodeExecution.Phase,
        *,
        output_uri: str = "",
        error: ExecutionError | None = None,
        checkpoint_uri: str = "",
    ) -> NodeExecutionEvent:
        event = self._node(place, phase)
        event.event_version = EVENT_VERSION
        event.spec_node_id = place.node.id
        event.node_name = place.node.name
        event.is_parent = bool(place.node.workflow and place.node.workflow.sub_workflow_ref)
        if place.node.id != START_NODE:
            event.input_uri = place.inputs_uri
        if place.parent:
            event.parent_node_metadata.CopyFrom(ParentNodeExecutionMetadata(node_id=place.parent.unique_id))
            event.retry_group = str(place.parent.attempt)
        if checkpoint_uri:
            event.task_node_metadata.CopyFrom(TaskNodeMetadata(checkpoint_uri=checkpoint_uri))
        if error:
            event.error.CopyFrom(error)
        elif output_uri:
            event.output_uri = output_uri
        return event

    def aborted_node(self, place: Place, reason: str) -> NodeExecutionEvent:
        """What propeller sends of a node that it aborts: less than of others (nodes/executor.go, Abort)."""
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
        place, now = attempt.place, to_timestamp(self.clock())
        event = TaskExecutionEvent(
            task_id=attempt.template.id,
            parent_node_execution_id=self._identifier(place),
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
            event.output_uri = place.outputs_uri(attempt.number)
        return event

    def _metadata(self, attempt: Attempt) -> TaskExecutionMetadata:
        own = attempt.place.node.interruptible
        interruptible = self.interruptible if own is None else own
        return TaskExecutionMetadata(
            generated_name=f"{self.execution_id.name}-{attempt.place.unique_id}-{attempt.number}",
            plugin_identifier=PLUGIN,
            instance_class=TaskExecutionMetadata.INTERRUPTIBLE if interruptible else TaskExecutionMetadata.DEFAULT,
        )

    def _node(self, place: Place, phase: NodeExecution.Phase) -> NodeExecutionEvent:
        now = to_timestamp(self.clock())
        return NodeExecutionEvent(
            id=self._identifier(place),
            phase=phase,
            producer_id=self.producer_id,
            occurred_at=now,
            reported_at=now,
            target_entity=place.target,
        )

    def _identifier(self, place: Place) -> NodeExecutionIdentifier:
        return NodeExecutionIdentifier(node_id=place.unique_id, execution_id=self.execution_id)
