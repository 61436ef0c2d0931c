"""An execution as clients read it, from its two items; pure, but for what lies in S3 because a row can't hold it."""

from flyteidl.admin.execution_pb2 import (
    AbortMetadata,
    Execution,
    ExecutionClosure,
    ExecutionSpec,
    ExecutionState,
    ExecutionStateChangeDetails,
    NotificationList,
)
from flyteidl.core.execution_pb2 import ExecutionError
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.clients import storage
from flyteadmin.executions.models import ExecutionState as StateRow
from flyteadmin.executions.phases import ABORTED, ABORTING
from flyteadmin.executions.repository import StoredExecution
from flyteadmin.identifiers import execution_identifier
from flyteadmin.text import truncate
from flyteadmin.timestamps import to_duration, to_timestamp

LISTED_ERROR_BYTES = 100
"""How much of an error lists show, of executions and of nodes."""


def execution(stored: StoredExecution) -> Execution:
    """An execution whole, its error unabridged (GET-01…03)."""
    return Execution(
        id=execution_identifier(stored.state.execution),
        spec=spec(stored),
        closure=_closure(stored, _whole_error(stored.state)),
    )


def listed(stored: StoredExecution) -> Execution:
    """An execution as lists show it: its error cut to 100 bytes, no inputs (LST-19)."""
    error = ExecutionError.FromString(stored.state.error) if stored.state.error is not None else None
    if error is not None:
        error.message = truncate(error.message, LISTED_ERROR_BYTES)
    answer = Execution(
        id=execution_identifier(stored.state.execution), spec=spec(stored), closure=_closure(stored, error)
    )
    answer.spec.ClearField("inputs")
    return answer


def blob(stored: StoredExecution) -> bytes | None:
    """A spec that is too large for its row; None where the row has it."""
    row = stored.specification
    return storage.read_immutable(row.spec_uri) if row.spec is None else None


def spec(stored: StoredExecution) -> ExecutionSpec:
    """The spec as stored; one too large for the row lies in S3."""
    return ExecutionSpec.FromString(stored.specification.spec or blob(stored) or b"")


def _whole_error(row: StateRow) -> ExecutionError | None:
    if row.error_uri:
        return ExecutionError.FromString(storage.read_referred(row.error_uri))
    return ExecutionError.FromString(row.error) if row.error is not None else None


def _closure(stored: StoredExecution, error: ExecutionError | None) -> ExecutionClosure:
    row = stored.state
    closure = ExecutionClosure(
        phase=row.phase,
        created_at=to_timestamp(row.created_at),
        updated_at=to_timestamp(row.updated_at),
        workflow_id=Identifier.FromString(stored.specification.workflow_id),
        state_change_details=_state_change(stored),
    )
    if stored.specification.notifications:
        closure.notifications.extend(NotificationList.FromString(stored.specification.notifications).notifications)
    if row.started_at is not None:
        closure.started_at.CopyFrom(to_timestamp(row.started_at))
    if row.started_at is not None and row.ended_at is not None:
        closure.duration.CopyFrom(to_duration(row.ended_at - row.started_at))
    _set_outcome(closure, row, error)
    return closure


def _set_outcome(closure: ExecutionClosure, row: StateRow, error: ExecutionError | None) -> None:
    """Set one of outputs, error and abort: the abort outranks all but what another end brings, which was faster."""
    if row.abort or row.phase == ABORTED:
        closure.abort_metadata.CopyFrom(AbortMetadata.FromString(row.abort or b""))
    if row.phase == ABORTED or (row.phase == ABORTING and row.abort):
        return
    if row.outputs_uri:
        closure.outputs.uri = row.outputs_uri
    elif error is not None:
        closure.error.CopyFrom(error)
    elif row.output_data is not None:
        closure.output_data.CopyFrom(LiteralMap.FromString(row.output_data))


def _state_change(stored: StoredExecution) -> ExecutionStateChangeDetails:
    if stored.state.state_change:
        return ExecutionStateChangeDetails.FromString(stored.state.state_change)
    return ExecutionStateChangeDetails(
        state=ExecutionState.EXECUTION_ACTIVE,
        principal=stored.specification.principal,
        occurred_at=to_timestamp(stored.state.created_at),
    )
