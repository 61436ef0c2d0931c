"""Executions, node executions and task executions are read: read only."""

from flyteadmin.api.handler import api_handler
from flyteadmin.clients.storage import offload_answer
from flyteadmin.executions import listing as execution_lists
from flyteadmin.executions import reading as executions
from flyteadmin.node_executions import listing as node_execution_lists
from flyteadmin.node_executions import reading as node_executions
from flyteadmin.task_executions import listing as task_execution_lists
from flyteadmin.task_executions import reading as task_executions

lambda_handler = api_handler(
    {
        "GetExecution": executions.get,
        "GetExecutionData": executions.get_data,
        "ListExecutions": execution_lists.list_executions,
        "GetNodeExecution": node_executions.get,
        "GetNodeExecutionData": node_executions.get_data,
        "ListNodeExecutions": node_execution_lists.list_nodes,
        "ListNodeExecutionsForTask": task_execution_lists.list_nodes,
        "GetDynamicNodeWorkflow": node_executions.get_dynamic_workflow,
        "GetTaskExecution": task_executions.get,
        "GetTaskExecutionData": task_executions.get_data,
        "ListTaskExecutions": task_execution_lists.list_attempts,
    },
    offload=offload_answer,
)
