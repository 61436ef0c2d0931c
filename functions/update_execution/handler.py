"""Executions are archived, and taken back."""

from flyteidl.admin.execution_pb2 import ExecutionUpdateRequest, ExecutionUpdateResponse

from flyteadmin.api.handler import WithCaller, api_handler
from flyteadmin.api.identity import Identity
from flyteadmin.executions import service as executions


def update_execution(request: ExecutionUpdateRequest, caller: Identity) -> ExecutionUpdateResponse:
    """PUT /api/v1/executions/{project}/{domain}/{name}."""
    return executions.update(request, caller.principal)


lambda_handler = api_handler({"UpdateExecution": WithCaller(update_execution)})
