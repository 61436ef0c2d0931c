"""Executions, node executions and task executions are read: read only."""

from flyteidl.admin.common_pb2 import ResourceListRequest
from flyteidl.admin.execution_pb2 import (
    Execution,
    ExecutionList,
    WorkflowExecutionGetDataRequest,
    WorkflowExecutionGetDataResponse,
    WorkflowExecutionGetRequest,
)
from flyteidl.admin.node_execution_pb2 import (
    DynamicNodeWorkflowResponse,
    GetDynamicNodeWorkflowRequest,
    NodeExecution,
    NodeExecutionForTaskListRequest,
    NodeExecutionGetDataRequest,
    NodeExecutionGetDataResponse,
    NodeExecutionGetRequest,
    NodeExecutionList,
    NodeExecutionListRequest,
)
from flyteidl.admin.task_execution_pb2 import (
    TaskExecution,
    TaskExecutionGetDataRequest,
    TaskExecutionGetDataResponse,
    TaskExecutionGetRequest,
    TaskExecutionList,
    TaskExecutionListRequest,
)

from flyteadmin.api.handler import api_handler
from flyteadmin.api.identity import Identity
from flyteadmin.clients.storage import offload_answer
from flyteadmin.executions import listing as execution_lists
from flyteadmin.executions import reading as executions
from flyteadmin.node_executions import listing as node_execution_lists
from flyteadmin.node_executions import reading as node_executions
from flyteadmin.task_executions import listing as task_execution_lists
from flyteadmin.task_executions import reading as task_executions


def get_execution(request: WorkflowExecutionGetRequest, _caller: Identity) -> Execution:
    """GET /api/v1/executions/{project}/{domain}/{name}."""
    return executions.get(request)


def get_execution_data(request: WorkflowExecutionGetDataRequest, _caller: Identity) -> WorkflowExecutionGetDataResponse:
    """GET /api/v1/data/executions/{project}/{domain}/{name}."""
    return executions.get_data(request)


def list_executions(request: ResourceListRequest, _caller: Identity) -> ExecutionList:
    """GET /api/v1/executions/{project}/{domain}."""
    return execution_lists.list_executions(request)


def get_node_execution(request: NodeExecutionGetRequest, _caller: Identity) -> NodeExecution:
    """GET /api/v1/node_executions/{project}/{domain}/{name}/{node_id}."""
    return node_executions.get(request)


def get_node_execution_data(request: NodeExecutionGetDataRequest, _caller: Identity) -> NodeExecutionGetDataResponse:
    """GET /api/v1/data/node_executions/{project}/{domain}/{name}/{node_id}."""
    return node_executions.get_data(request)


def list_node_executions(request: NodeExecutionListRequest, _caller: Identity) -> NodeExecutionList:
    """GET /api/v1/node_executions/{project}/{domain}/{name}."""
    return node_execution_lists.list_nodes(request)


def list_node_executions_for_task(request: NodeExecutionForTaskListRequest, _caller: Identity) -> NodeExecutionList:
    """GET /api/v1/children/task_executions/{…}/{retry_attempt}."""
    return task_execution_lists.list_nodes(request)


def get_dynamic_node_workflow(request: GetDynamicNodeWorkflowRequest, _caller: Identity) -> DynamicNodeWorkflowResponse:
    """GET /api/v1/node_executions/{project}/{domain}/{name}/{node_id}/dynamic_workflow."""
    return node_executions.get_dynamic_workflow(request)


def get_task_execution(request: TaskExecutionGetRequest, _caller: Identity) -> TaskExecution:
    """GET /api/v1/task_executions/{…}/{retry_attempt}."""
    return task_executions.get(request)


def get_task_execution_data(request: TaskExecutionGetDataRequest, _caller: Identity) -> TaskExecutionGetDataResponse:
    """GET /api/v1/data/task_executions/{…}/{retry_attempt}."""
    return task_executions.get_data(request)


def list_task_executions(request: TaskExecutionListRequest, _caller: Identity) -> TaskExecutionList:
    """GET /api/v1/task_executions/{project}/{domain}/{name}/{node_id}."""
    return task_execution_lists.list_attempts(request)


lambda_handler = api_handler(
    {
        "GetExecution": get_execution,
        "GetExecutionData": get_execution_data,
        "ListExecutions": list_executions,
        "GetNodeExecution": get_node_execution,
        "GetNodeExecutionData": get_node_execution_data,
        "ListNodeExecutions": list_node_executions,
        "ListNodeExecutionsForTask": list_node_executions_for_task,
        "GetDynamicNodeWorkflow": get_dynamic_node_workflow,
        "GetTaskExecution": get_task_execution,
        "GetTaskExecutionData": get_task_execution_data,
        "ListTaskExecutions": list_task_executions,
    },
    offload=offload_answer,
)
