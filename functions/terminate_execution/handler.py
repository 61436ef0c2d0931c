"""Executions are aborted: ABORTING on the row, then the resource is deleted from the cluster."""

from flyteidl.admin.execution_pb2 import ExecutionTerminateRequest, ExecutionTerminateResponse

from flyteadmin.api.handler import WithCaller, api_handler
from flyteadmin.api.identity import Identity
from flyteadmin.executions import terminating


def terminate_execution(request: ExecutionTerminateRequest, caller: Identity) -> ExecutionTerminateResponse:
    """DELETE /api/v1/executions/{project}/{domain}/{name}."""
    return terminating.terminate(request, caller.principal)


lambda_handler = api_handler({"TerminateExecution": WithCaller(terminate_execution)})
