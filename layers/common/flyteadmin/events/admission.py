"""Admission: decides from the execution's row alone whether an event is queued; pure (docs/architecture.md#admission).

Two of upstream's answers need node and task rows and are left out on purpose: ALREADY_EXISTS for a repeated event,
which propeller treats like OK, and NOT_FOUND for a parent, which may still be in the queue. docs/deviations.toml has
all deviations.
"""

from dataclasses import dataclass

from flyteidl.admin.event_pb2 import EventErrorAlreadyInTerminalState, EventErrorIncompatibleCluster, EventFailureReason
from flyteidl.event.event_pb2 import WorkflowExecutionEvent

from flyteadmin.errors import AlreadyExists, FailedPrecondition, NotFound
from flyteadmin.events.validation import Event
from flyteadmin.executions.phases import ABORTING, TERMINAL, Phase

_ANY_PRODUCER = frozenset({"", "propeller"})


@dataclass(frozen=True)
class Stored:
    """The parts of an execution that admission needs; `launch_plan` is the one that its lease names."""

    phase: str
    cluster: str
    launch_plan: str = ""


def check(event: Event, execution: str, stored: Stored | None) -> Stored:
    """Accept an event of an execution, or raise the error that propeller expects.

    Raises:
        NotFound: there is no such execution (WFE-03, NEV-02, TEV-03).
        FailedPrecondition: it runs in another cluster, has ended, or is aborting (WFE-06…10, NEV-03).
        AlreadyExists: a workflow event repeats the stored phase, QUEUED excepted (WFE-04, WFE-05).
    """
    if stored is None:
        raise NotFound(f"missing entity of type execution with identifier {execution}")
    if isinstance(event, WorkflowExecutionEvent):
        _refuse_repeated_phase(event, execution, stored)
    if event.producer_id not in _ANY_PRODUCER and event.producer_id != stored.cluster:
        raise FailedPrecondition(
            f"execution {execution} runs in cluster {stored.cluster!r}, not in {event.producer_id[:100]!r}",
            EventFailureReason(incompatible_cluster=EventErrorIncompatibleCluster(cluster=stored.cluster)),
        )
    if isinstance(event, WorkflowExecutionEvent):
        _refuse_invalid_move(event, execution, stored)
    return stored


def _refuse_repeated_phase(event: WorkflowExecutionEvent, execution: str, stored: Stored) -> None:
    if Phase.Name(event.phase) == stored.phase and event.phase != Phase.QUEUED:
        raise AlreadyExists(f"phase {stored.phase} of execution {execution} was already recorded")


def _refuse_invalid_move(event: WorkflowExecutionEvent, execution: str, stored: Stored) -> None:
    phase = Phase.Name(event.phase)
    if stored.phase in TERMINAL:
        raise FailedPrecondition(
            f"invalid phase change from {stored.phase} to {phase} for execution {execution}: it has ended",
            EventFailureReason(already_in_terminal_state=EventErrorAlreadyInTerminalState(current_phase=stored.phase)),
        )
    backwards = stored.phase == "RUNNING" and phase == "QUEUED"
    if backwards or (stored.phase == ABORTING and phase not in TERMINAL):
        raise FailedPrecondition(f"invalid phase change from {stored.phase} to {phase} for execution {execution}")
