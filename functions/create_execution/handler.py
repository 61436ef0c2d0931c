"""Executions are created: the row, then the resource in the cluster."""

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionCreateResponse

from flyteadmin.api.handler import WithCaller, api_handler
from flyteadmin.api.identity import Identity
from flyteadmin.launching import service as launching


def create_execution(request: ExecutionCreateRequest, caller: Identity) -> ExecutionCreateResponse:
    """POST /api/v1/executions."""
    return launching.create(request, caller.principal, caller.idempotency_key, is_engine=caller.is_engine)


lambda_handler = api_handler({"CreateExecution": WithCaller(create_execution)})
