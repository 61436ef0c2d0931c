"""Executions are created, relaunched and recovered: the row, then the resource in the cluster."""

from flyteidl.admin.execution_pb2 import (
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionRecoverRequest,
    ExecutionRelaunchRequest,
)

from flyteadmin.api.handler import WithCaller, api_handler
from flyteadmin.api.identity import Identity
from flyteadmin.launching import service as launching


def create_execution(request: ExecutionCreateRequest, caller: Identity) -> ExecutionCreateResponse:
    """POST /api/v1/executions."""
    return launching.create(request, caller.principal, caller.idempotency_key, is_engine=caller.is_engine)


def relaunch_execution(request: ExecutionRelaunchRequest, caller: Identity) -> ExecutionCreateResponse:
    """POST /api/v1/executions/relaunch."""
    return launching.relaunch(request, caller.principal, caller.idempotency_key)


def recover_execution(request: ExecutionRecoverRequest, caller: Identity) -> ExecutionCreateResponse:
    """POST /api/v1/executions/recover."""
    return launching.recover(request, caller.principal, caller.idempotency_key, is_engine=caller.is_engine)


lambda_handler = api_handler(
    {
        "CreateExecution": WithCaller(create_execution),
        "RelaunchExecution": WithCaller(relaunch_execution),
        "RecoverExecution": WithCaller(recover_execution),
    }
)
