"""Checks the depth of an event's data, which lists nest one message deeper than its request does; pure."""

from flyteidl.admin.execution_pb2 import Execution, ExecutionClosure, ExecutionList
from flyteidl.admin.node_execution_pb2 import NodeExecution, NodeExecutionClosure, NodeExecutionList
from flyteidl.admin.task_execution_pb2 import TaskExecution, TaskExecutionClosure, TaskExecutionList
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent

from flyteadmin.events.validation import Event
from flyteadmin.validation import validate_depth

_OF_A_TASK = ("output_data", "custom_info", "metadata")
"""The fields of a task event that may be nested to any depth; in other events only their outputs are."""


def validate_nesting(event: Event) -> None:
    """Check that an event does not make a list too deep to be parsed, which would hide all other rows in it.

    Raises:
        InvalidArgument: it is nested too deep.
    """
    match event:
        case WorkflowExecutionEvent() if event.HasField("output_data"):
            execution = Execution(closure=ExecutionClosure(output_data=event.output_data))
            validate_depth(ExecutionList(executions=[execution]))
        case NodeExecutionEvent() if event.HasField("output_data"):
            node = NodeExecution(closure=NodeExecutionClosure(output_data=event.output_data))
            validate_depth(NodeExecutionList(node_executions=[node]))
        case TaskExecutionEvent():
            nested = {name: getattr(event, name) for name in _OF_A_TASK if event.HasField(name)}
            if nested:
                task = TaskExecution(closure=TaskExecutionClosure(**nested))
                validate_depth(TaskExecutionList(task_executions=[task]))
