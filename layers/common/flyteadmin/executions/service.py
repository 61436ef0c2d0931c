"""UpdateExecution: archives an execution or takes it back, which decides whether lists show it.

The other write, an abort, is in `terminating`: it calls a cluster, whose client only its function carries.
"""

from flyteidl.admin.execution_pb2 import (
    ExecutionState,
    ExecutionStateChangeDetails,
    ExecutionUpdateRequest,
    ExecutionUpdateResponse,
)
from google.protobuf.timestamp_pb2 import Timestamp

from flyteadmin.clients.dynamodb.writes import ConditionFailed
from flyteadmin.errors import invalid
from flyteadmin.executions import repository
from flyteadmin.executions.validation import missing_execution, validate_identifier
from flyteadmin.identifiers import execution_key


def update(request: ExecutionUpdateRequest, caller: str) -> ExecutionUpdateResponse:
    """Set whether an execution is archived, in any phase; a repeat renews who did it and when (UPD-01…05).

    Raises:
        InvalidArgument: the identifier is not whole, or there is no such state.
        NotFound: there is no such execution.
    """
    validate_identifier(request.id)
    if request.state not in ExecutionState.values():
        raise invalid("state", "EXECUTION_ACTIVE or EXECUTION_ARCHIVED")
    change = ExecutionStateChangeDetails(state=request.state, principal=caller, occurred_at=Timestamp())
    change.occurred_at.GetCurrentTime()
    try:
        repository.set_archived(execution_key(request.id), request.state, change.SerializeToString(deterministic=True))
    except ConditionFailed:
        raise missing_execution(request.id) from None
    return ExecutionUpdateResponse()
