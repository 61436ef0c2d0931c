"""Reads of executions, whole or with their data."""

from flyteidl.admin.execution_pb2 import (
    Execution,
    WorkflowExecutionGetDataRequest,
    WorkflowExecutionGetDataResponse,
    WorkflowExecutionGetRequest,
)
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.executions import messages, repository
from flyteadmin.executions.models import StoredExecution
from flyteadmin.executions.validation import missing_execution, validate_identifier
from flyteadmin.identifiers import execution_key
from flyteadmin.remote_data import remote_data


def get(request: WorkflowExecutionGetRequest) -> Execution:
    """Return an execution (GetExecution).

    Raises:
        InvalidArgument: the identifier is not whole.
        NotFound: there is no such execution.
    """
    return messages.execution(existing(request.id))


def get_data(request: WorkflowExecutionGetDataRequest) -> WorkflowExecutionGetDataResponse:
    """Return inputs as resolved at create, and outputs once there are any (GET-05…10); errors as `get`."""
    stored = existing(request.id)
    inline = stored.state.output_data
    inputs = remote_data(stored.specification.inputs_uri)
    outputs = remote_data(stored.state.outputs_uri, LiteralMap.FromString(inline) if inline else None)
    return WorkflowExecutionGetDataResponse(
        inputs=inputs.url, outputs=outputs.url, full_inputs=inputs.literals, full_outputs=outputs.literals
    )


def existing(identifier: WorkflowExecutionIdentifier) -> StoredExecution:
    """Read both items of an execution; errors as `get`."""
    validate_identifier(identifier)
    stored = repository.read(execution_key(identifier))
    if stored is None:
        raise missing_execution(identifier)
    return stored
