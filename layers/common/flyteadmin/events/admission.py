"""Admission: decides from the execution's row and the clusters' names whether an event is queued; pure.

The table is in docs/architecture.md#admission. Two of upstream's answers need node and task rows and are left out on
purpose: ALREADY_EXISTS for a repeated event, which propeller treats like OK, and NOT_FOUND for a parent, which may
still be in the queue. docs/deviations.toml has all deviations.
"""

from dataclasses import dataclass

from flyteidl.admin.event_pb2 import EventErrorAlreadyInTerminalState, EventErrorIncompatibleCluster, EventFailureReason
from flyteidl.event.event_pb2 import WorkflowExecutionEvent

from flyteadmin.clusters.sections import ClustersSection
from flyteadmin.errors import AlreadyExists, FailedPrecondition, NotFound
from flyteadmin.events.validation import Event
from flyteadmin.executions.phases import ABORTING, TERMINAL, Phase

UNNAMED = frozenset({"", "propeller"})
"""The producers that name no cluster; "propeller" is what propeller calls itself unless it is told to."""


@dataclass(frozen=True)
class Stored:
    """The parts of an execution that admission needs; `launch_plan` is the one that its lease names."""

    phase: str
    cluster: str
    launch_plan: str = ""


def check(event: Event, execution: str, stored: Stored | None, clusters: ClustersSection) -> Stored:
    """Accept an event of an execution, or raise the error that propeller expects.

    Raises:
        NotFound: there is no such execution (WFE-03, NEV-02, TEV-03).
        FailedPrecondition: it runs in another cluster, has ended, or is aborting (WFE-06…10, NEV-03); or the event
            names no cluster, where there are several and the operator wants names.
        AlreadyExists: a workflow event repeats the stored phase, QUEUED excepted (WFE-04, WFE-05).
    """
    if stored is None:
        raise NotFound(f"missing entity of type execution with identifier {execution}")
    if isinstance(event, WorkflowExecutionEvent):
        _refuse_repeated_phase(event, execution, stored)
    _refuse_other_cluster(event, execution, stored, clusters)
    if isinstance(event, WorkflowExecutionEvent):
        _refuse_invalid_move(event, execution, stored)
    return stored


def is_unnamed(event: Event, stored: Stored | None, clusters: ClustersSection) -> bool:
    """Return whether an event names no cluster though there are several, so that it may come from the wrong one."""
    return clusters.are_several and event.producer_id in UNNAMED and (stored is None or not _is_same(event, stored))


def _is_same(event: Event, stored: Stored) -> bool:
    return event.producer_id == stored.cluster


def _refuse_other_cluster(event: Event, execution: str, stored: Stored, clusters: ClustersSection) -> None:
    """Compare clusters by name and alias; a producer without a name passes for any unless names are wanted.

    That refusal has no detail: propeller tries again, so that its `cluster-id` can be set, and fails nothing at once.
    """
    if _is_same(event, stored) or clusters.are_one(event.producer_id, stored.cluster):
        return
    if event.producer_id not in UNNAMED:
        raise FailedPrecondition(
            f"execution {execution} runs in cluster {stored.cluster!r}, not in {event.producer_id[:100]!r}",
            EventFailureReason(incompatible_cluster=EventErrorIncompatibleCluster(cluster=stored.cluster)),
        )
    if clusters.are_several and clusters.refuse_unnamed_producers:
        raise FailedPrecondition(
            f"the event names no cluster, and there are several; set propeller's cluster-id to {stored.cluster!r}"
        )


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
