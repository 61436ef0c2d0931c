"""An execution followed until it ends, as a live table of its nodes."""

import time
from dataclasses import dataclass

from flyteidl.admin.execution_pb2 import Execution, WorkflowExecutionGetRequest
from flyteidl.admin.node_execution_pb2 import NodeExecution, NodeExecutionList, NodeExecutionListRequest
from flyteidl.core.execution_pb2 import NodeExecution as CoreNodeExecution
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from google.protobuf.duration_pb2 import Duration
from rich.console import Console
from rich.live import Live
from rich.table import Table

from local.admin import Admin

_POLL_SECONDS = 0.3
_PATIENCE_SECONDS = 120
_ENDS = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}
_COLORS = {"SUCCEEDED": "green", "FAILED": "red", "RUNNING": "cyan", "ABORTED": "yellow"}


@dataclass(frozen=True)
class Ended:
    """An execution after its end, and its nodes."""

    execution: Execution
    nodes: list[NodeExecution]

    @property
    def phase(self) -> str:
        """The phase's name."""
        return WorkflowExecution.Phase.Name(self.execution.closure.phase)


def follow(admin: Admin, identifier: WorkflowExecutionIdentifier, console: Console) -> Ended:
    """Show an execution until it ends.

    Raises:
        TimeoutError: it has not ended within two minutes.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with Live(console=console, refresh_per_second=8) as live:
        while (seen := _look(admin, identifier)).phase not in _ENDS:
            live.update(_table(seen))
            if time.monotonic() > deadline:
                raise TimeoutError(f"{identifier.name} is still {seen.phase} after {_PATIENCE_SECONDS} seconds")
            time.sleep(_POLL_SECONDS)
        live.update(_table(seen))
    if not console.is_terminal:  # there Live ends without an end of line
        console.line()
    return seen


def _look(admin: Admin, identifier: WorkflowExecutionIdentifier) -> Ended:
    execution = admin.call("GetExecution", WorkflowExecutionGetRequest(id=identifier), Execution)
    request = NodeExecutionListRequest(workflow_execution_id=identifier, limit=100)
    nodes = admin.call("ListNodeExecutions", request, NodeExecutionList)
    return Ended(execution, list(nodes.node_executions))


def _table(seen: Ended) -> Table:
    table = Table(title=f"{seen.execution.id.name}  {_colored(seen.phase)}", title_justify="left")
    for column in ("node", "phase", "started", "duration"):
        table.add_column(column)
    for node in seen.nodes:
        closure = node.closure
        started = closure.started_at.ToDatetime().strftime("%H:%M:%S.%f")[:-3] if closure.HasField("started_at") else ""
        phase = CoreNodeExecution.Phase.Name(closure.phase)
        table.add_row(node.id.node_id, _colored(phase), started, _seconds(closure.duration))
    return table


def _colored(phase: str) -> str:
    return f"[{_COLORS.get(phase, 'white')}]{phase}[/]"


def _seconds(duration: Duration) -> str:
    seconds = duration.seconds + duration.nanos / 1e9
    return f"{seconds:.3f} s" if seconds else ""
