"""The state of a node: running, or how it ended."""

from dataclasses import dataclass, field

from flyteidl.core.execution_pb2 import ExecutionError, NodeExecution
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.event.event_pb2 import TaskNodeMetadata, WorkflowNodeMetadata


@dataclass(frozen=True)
class Outcome:
    """The outputs of a node or its error; the URIs and metadata are set where propeller sets them."""

    outputs: LiteralMap = field(default_factory=LiteralMap)
    output_uri: str = ""
    deck_uri: str = ""
    error: ExecutionError | None = None
    is_retryable: bool = False
    is_timed_out: bool = False
    metadata: TaskNodeMetadata | WorkflowNodeMetadata | None = None
    is_dynamic: bool = False
    is_recovered: bool = False

    @property
    def phase(self) -> NodeExecution.Phase:
        """The terminal phase of the node."""
        if self.is_timed_out:
            return NodeExecution.TIMED_OUT
        if self.is_recovered:
            return NodeExecution.RECOVERED
        return NodeExecution.FAILED if self.error else NodeExecution.SUCCEEDED
