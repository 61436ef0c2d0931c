"""Reads of task executions, whole or with their data."""

from flyteidl.admin.common_pb2 import FlyteURLs
from flyteidl.admin.task_execution_pb2 import (
    TaskExecution,
    TaskExecutionGetDataRequest,
    TaskExecutionGetDataResponse,
    TaskExecutionGetRequest,
)
from flyteidl.core.identifier_pb2 import TaskExecutionIdentifier

from flyteadmin.errors import NotFound
from flyteadmin.identifiers import children_key
from flyteadmin.node_executions.repository import has_children
from flyteadmin.remote_data import RemoteData, remote_data
from flyteadmin.task_executions import messages, repository
from flyteadmin.task_executions.models import TaskExecutionRow
from flyteadmin.task_executions.validation import validate_identifier


def get(request: TaskExecutionGetRequest) -> TaskExecution:
    """GetTaskExecution (GET-17).

    Raises:
        InvalidArgument: the identifier is not whole.
        NotFound: there is no such task execution.
    """
    row = existing(request.id)
    return messages.task_execution(repository.attempt_of(row), is_parent=is_parent(row))


def get_data(request: TaskExecutionGetDataRequest) -> TaskExecutionGetDataResponse:
    """GetTaskExecutionData (GET-18); errors as `get`."""
    row = existing(request.id)
    got, given = inputs(row), outputs(row)
    return TaskExecutionGetDataResponse(
        inputs=got.url,
        outputs=given.url,
        full_inputs=got.literals,
        full_outputs=given.literals,
        flyte_urls=_flyte_urls(request.id),
    )


def inputs(row: TaskExecutionRow) -> RemoteData:
    """Read an attempt's inputs."""
    return remote_data(row.input_uri)


def outputs(row: TaskExecutionRow) -> RemoteData:
    """Read an attempt's outputs: from its event, or from the URI that the event names."""
    closure = repository.closure_of(row)
    return remote_data(closure.output_uri, closure.output_data if closure.HasField("output_data") else None)


def is_parent(row: TaskExecutionRow) -> bool:
    """Return whether a task execution created nodes."""
    return has_children(children_key(row.execution, task=row.attempt_key))


def existing(identifier: TaskExecutionIdentifier) -> TaskExecutionRow:
    """Return the row of a task execution.

    Raises:
        InvalidArgument: the identifier is not whole (VAL-05).
        NotFound: there is no such task execution.
    """
    validate_identifier(identifier)
    row = repository.read(identifier)
    if row is None:
        raise NotFound(
            "missing entity of type task execution with identifier"
            f" node:{identifier.node_execution_id.node_id} task:{identifier.task_id.name}"
            f" attempt:{identifier.retry_attempt}"
        )
    return row


def _flyte_urls(identifier: TaskExecutionIdentifier) -> FlyteURLs:
    node = identifier.node_execution_id
    execution = node.execution_id
    base = (
        f"flyte://v1/{execution.project}/{execution.domain}/{execution.name}/{node.node_id}/{identifier.retry_attempt}"
    )
    return FlyteURLs(inputs=f"{base}/i", outputs=f"{base}/o")
