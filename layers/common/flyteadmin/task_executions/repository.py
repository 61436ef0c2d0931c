"""Task executions in DynamoDB: written whole, on the version that was read; read by key, listed by node."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from flyteidl.admin.task_execution_pb2 import TaskExecutionClosure
from flyteidl.core.execution_pb2 import TaskExecution
from flyteidl.core.identifier_pb2 import TaskExecutionIdentifier

from flyteadmin.clients import storage
from flyteadmin.clients.dynamodb.keys import Key
from flyteadmin.clients.dynamodb.reads import Found, batch_get, get, query_each
from flyteadmin.clients.dynamodb.writes import Put, write
from flyteadmin.identifiers import node_prefix, task_execution_blob_parts, task_execution_key
from flyteadmin.task_executions.models import TaskExecutionRow
from flyteadmin.task_executions.phases import TaskState

INLINE_BYTES = 32 * 1024


@dataclass(frozen=True)
class Attempt:
    """A task execution with its parts decoded."""

    row: TaskExecutionRow
    identifier: TaskExecutionIdentifier
    closure: TaskExecutionClosure


def key(execution: str, attempt_key: str) -> Key[TaskExecutionRow]:
    """Return the address of a task execution."""
    return Key(TaskExecutionRow, execution, attempt_key)


def read(identifier: TaskExecutionIdentifier) -> TaskExecutionRow | None:
    """Read a task execution; a consistent read."""
    return get(key(*task_execution_key(identifier)))


def read_all(keys: Sequence[Key[TaskExecutionRow]]) -> Found:
    """Read task executions by key; consistent, 100 a request."""
    return batch_get(keys)


def read_again(identifier: TaskExecutionIdentifier) -> TaskExecutionRow | None:
    """Read a task execution that another writer changed; by BatchGetItem, which needs no further permission."""
    address = key(*task_execution_key(identifier))
    return batch_get([address]).get(address)


def of_node(execution: str, node_id: str, most: int | None = None) -> list[TaskExecutionRow]:
    """Read the attempts of a node's tasks, or the first `most`, in the order of their keys; a consistent read."""
    attempts = query_each(TaskExecutionRow, execution, TaskExecutionRow.attempt_key.startswith(node_prefix(node_id)))
    return list(islice(attempts, most))


def state_of(row: TaskExecutionRow) -> TaskState:
    """Return the state that a row holds."""
    return TaskState(
        closure=closure_of(row),
        phase_version=int(row.phase_version),
        sequence=row.sequence,
        input_uri=row.input_uri or "",
        ended_at=int(row.ended_at),
        applied=int(row.applied),
        places=row.places or b"",
    )


def attempt_of(row: TaskExecutionRow) -> Attempt:
    """Decode a row; a closure that is too large for it is read from S3."""
    return Attempt(row, TaskExecutionIdentifier.FromString(row.identifier), closure_of(row))


def closure_of(row: TaskExecutionRow) -> TaskExecutionClosure:
    """Return a row's closure, from S3 where it is too large for the row."""
    blob = row.closure if row.closure is not None else storage.read_referenced(row.closure_uri)
    return TaskExecutionClosure.FromString(blob)


def store(identifier: TaskExecutionIdentifier, state: TaskState, old: TaskExecutionRow | None) -> None:
    """Write a task execution if it still has the version that was read, or is still absent.

    Raises:
        ConditionFailed: another writer was faster.
    """
    execution, attempt_key = task_execution_key(identifier)
    row = TaskExecutionRow(
        execution=execution,
        attempt_key=attempt_key,
        version=old.version + 1 if old else 1,
        identifier=identifier.SerializeToString(deterministic=True),
        phase=TaskExecution.Phase.Name(state.closure.phase),
        phase_version=state.phase_version,
        sequence=state.sequence,
        ended_at=state.ended_at,
        applied=state.applied,
        places=state.places or None,
        input_uri=state.input_uri or None,
    )
    blob = state.closure.SerializeToString(deterministic=True)
    if len(blob) <= INLINE_BYTES:
        row.closure = blob
    else:
        row.closure_uri = storage.write_once(blob, *task_execution_blob_parts(identifier), "closure")
    unchanged = TaskExecutionRow.version == old.version if old else TaskExecutionRow.attempt_key.does_not_exist()
    write(Put(row, unchanged))
