"""TerminateExecution: sets ABORTING on the row, then deletes the resource.

The rest is propeller's: a finalizer keeps the resource until propeller has aborted what runs and reported ABORTED,
which ends the execution. Children are aborted by propeller too, each by a call of its own (HIE-09).
"""

import time

from flyteidl.admin.event_pb2 import EventErrorAlreadyInTerminalState, EventFailureReason
from flyteidl.admin.execution_pb2 import AbortMetadata, ExecutionTerminateRequest, ExecutionTerminateResponse
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier

from flyteadmin.clients import cluster, clusters
from flyteadmin.clients.cluster_answers import Refused
from flyteadmin.clusters.targets import Cluster
from flyteadmin.errors import FailedPrecondition, Internal
from flyteadmin.executions import reading, repository
from flyteadmin.executions.models import ExecutionState
from flyteadmin.executions.phases import (
    ABORTED,
    ABORTING,
    TERMINAL,
    ControlPlanePhase,
    LaunchState,
    facts_of_control_plane,
)
from flyteadmin.facts import Facts
from flyteadmin.text import truncate

MAX_CAUSE_BYTES = 2000
"""A longer cause is cut: it lies in the row that every event rewrites."""


def terminate(request: ExecutionTerminateRequest, caller: str) -> ExecutionTerminateResponse:
    """Abort an execution (TER-01…07); a repeat continues where an earlier call stopped.

    The first cause and its principal stay, also when others call again (KD-15). An execution that the cluster never got
    ends here, since no event would end it (KD-14).

    Raises:
        InvalidArgument: the identifier is not whole.
        NotFound: there is no such execution.
        FailedPrecondition: it has ended; the detail says how.
        Internal: the cluster refuses to delete the resource, or the deployment has no such cluster any more.
        Unavailable: the cluster or the database did not answer clearly; the row may be ABORTING already.
    """
    stored = reading.existing(request.id)
    _refuse_ended(stored.state)
    target = clusters.of_row(stored.state.cluster)
    at = time.time_ns()
    abort = AbortMetadata(cause=truncate(request.cause, MAX_CAUSE_BYTES), principal=caller)
    state = repository.update_optimistically(stored.state, lambda row: _aborting(row, abort, at))
    was_there = _deleted(target, state, request.id)
    if state.launch == LaunchState.LAUNCHING:
        repository.update_optimistically(state, lambda row: _launched(row) if was_there else _never_launched(row, at))
    return ExecutionTerminateResponse()


def _refuse_ended(row: ExecutionState) -> None:
    if row.phase in TERMINAL:
        raise FailedPrecondition(
            "Cannot abort an already terminated workflow execution",
            EventFailureReason(already_in_terminal_state=EventErrorAlreadyInTerminalState(current_phase=row.phase)),
        )


def _aborting(row: ExecutionState, abort: AbortMetadata, at: int) -> Facts | None:
    _refuse_ended(row)
    if row.phase == ABORTING:
        return None
    return facts_of_control_plane(ControlPlanePhase(ABORTING, at)).then(
        Facts(latest={"abort": abort.SerializeToString(deterministic=True)})
    )


def _deleted(target: Cluster, state: ExecutionState, execution: WorkflowExecutionIdentifier) -> bool:
    try:
        return cluster.delete(target, state.namespace, execution)
    except Refused as refusal:
        raise Internal(f"failed to terminate execution {execution.name}: {refusal}") from refusal


def _launched(row: ExecutionState) -> Facts | None:
    """Mark a row as launched, because the cluster had its resource: propeller reports its end."""
    return Facts(latest={"launch": LaunchState.LAUNCHED.value}) if row.launch == LaunchState.LAUNCHING else None


def _never_launched(row: ExecutionState, at: int) -> Facts | None:
    """End an execution that the cluster never got and of which no event came.

    Should its create still be under way, propeller's first event is refused (events/admission.py), before any task.
    """
    is_waiting = row.launch == LaunchState.LAUNCHING and row.phase not in TERMINAL
    return facts_of_control_plane(ControlPlanePhase(ABORTED, at)) if is_waiting else None
