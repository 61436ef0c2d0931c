"""Turns an execution's two items into what clients read; reads from S3 only what is too large for a row."""

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

from flyteadmin.bounds import parsed_weight
from flyteadmin.clients import storage
from flyteadmin.executions.models import ExecutionState as StateRow
from flyteadmin.executions.models import StoredExecution
from flyteadmin.executions.phases import ABORTED, ABORTING
from flyteadmin.identifiers import execution_identifier
from flyteadmin.text import truncate
from flyteadmin.timestamps import to_duration, to_timestamp

LISTED_ERROR_BYTES = 100
"""The bytes of an error that lists show, of executions and of nodes."""

_MAX_UINT32 = 2**32 - 1


def execution(stored: StoredExecution) -> Execution:
    """Return an execution whole, with its full error (GET-01…03)."""
    return Execution(
        id=execution_identifier(stored.state.execution),
        spec=spec(stored),
        closure=_closure(stored, _whole_error(stored.state)),
    )


def listed(stored: StoredExecution) -> Execution:
    """Return an execution for a list: its error cut to 100 bytes, no inputs (LST-19)."""
    error = ExecutionError.FromString(stored.state.error) if stored.state.error is not None else None
    if error is not None:
        error.message = truncate(error.message, LISTED_ERROR_BYTES)
    answer = Execution(
        id=execution_identifier(stored.state.execution), spec=spec(stored), closure=_closure(stored, error)
    )
    answer.spec.ClearField("inputs")
    return answer


def spec(stored: StoredExecution) -> ExecutionSpec:
    """Read the spec as clients see it: as requested, under what was resolved for it (CRE-24, CRE-26, CRE-48)."""
    requested, row = requested_spec(stored), stored.specification
    return shown_spec(stored, requested, resolved_spec(stored)) if row.resolved or row.resolved_uri else requested


def requested_spec(stored: StoredExecution) -> ExecutionSpec:
    """Read the spec as requested, from S3 if it is too large for its row."""
    return ExecutionSpec.FromString(_content(stored.specification.spec, stored.specification.spec_uri))


def resolved_spec(stored: StoredExecution) -> ExecutionSpec:
    """Read the fields of a spec that other levels than the request decided, from S3 if they are too large."""
    return ExecutionSpec.FromString(_content(stored.specification.resolved, stored.specification.resolved_uri))


def offloaded_weight(stored: StoredExecution) -> int:
    """Return what those parts of a spec that lie in S3 take in memory (`bounds.parsed_weight`)."""
    row = stored.specification
    return sum(parsed_weight(storage.read_immutable(uri)) for uri in (row.spec_uri, row.resolved_uri) if uri)


def _content(inline: bytes | None, uri: str | None) -> bytes:
    return storage.read_immutable(uri) if uri else inline or b""


def shown_spec(stored: StoredExecution, requested: ExecutionSpec, resolved: ExecutionSpec) -> ExecutionSpec:
    """Set over a requested spec what the control plane decided: `resolved`, and values of the rows; pure.

    A task launched by itself keeps the parallelism and the artifacts that were requested.
    """
    shown, row = ExecutionSpec(), stored.specification
    shown.CopyFrom(requested)
    shown.metadata.principal = row.principal
    shown.metadata.nesting = min(int(row.nesting), _MAX_UINT32)
    shown.metadata.system_metadata.execution_cluster = stored.state.cluster
    shown.metadata.system_metadata.namespace = stored.state.namespace
    shown.security_context.CopyFrom(resolved.security_context)
    if resolved.HasField("cluster_assignment"):
        shown.cluster_assignment.CopyFrom(resolved.cluster_assignment)
    if row.cluster_label:
        shown.execution_cluster_label.value = row.cluster_label
    is_task = stored.state.task is not None
    if not is_task:
        shown.max_parallelism = resolved.max_parallelism
        del shown.metadata.artifact_ids[:]
    return shown


def _whole_error(row: StateRow) -> ExecutionError | None:
    if row.error_uri:
        return ExecutionError.FromString(storage.read_referenced(row.error_uri))
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
    """Set one of outputs, error and abort: the abort outranks all but the outcome of another end that was faster."""
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
