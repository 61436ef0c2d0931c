"""Events arrive over HTTPS: admitted, then queued."""

from flyteidl.admin.event_pb2 import (
    NodeExecutionEventRequest,
    NodeExecutionEventResponse,
    TaskExecutionEventRequest,
    TaskExecutionEventResponse,
    WorkflowExecutionEventRequest,
    WorkflowExecutionEventResponse,
)

from flyteadmin.api.handler import api_handler
from flyteadmin.events.service import record


def create_workflow_event(request: WorkflowExecutionEventRequest) -> WorkflowExecutionEventResponse:
    """POST /api/v1/events/workflows."""
    record(request.event)
    return WorkflowExecutionEventResponse()


def create_node_event(request: NodeExecutionEventRequest) -> NodeExecutionEventResponse:
    """POST /api/v1/events/nodes."""
    record(request.event)
    return NodeExecutionEventResponse()


def create_task_event(request: TaskExecutionEventRequest) -> TaskExecutionEventResponse:
    """POST /api/v1/events/tasks."""
    record(request.event)
    return TaskExecutionEventResponse()


lambda_handler = api_handler(
    {
        "CreateWorkflowEvent": create_workflow_event,
        "CreateNodeEvent": create_node_event,
        "CreateTaskEvent": create_task_event,
    }
)
