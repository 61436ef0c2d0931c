"""How an execution's phase moves: upstream's acceptance, in sequence order, as a pure reducer.

`reduce(events, control_plane)` is what a row must say (invariant 2); `refused_phases` and `fold` are the same rule as a
condition on the row and facts to write when it holds. Sources: flyteadmin execution_manager.go CreateWorkflowEvent and
transformers/execution.go UpdateExecutionModelState; deviations in docs/deviations.toml.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from flyteidl.core.execution_pb2 import ExecutionError, WorkflowExecution
from flyteidl.event.event_pb2 import WorkflowExecutionEvent

from flyteadmin.facts import Facts, Value
from flyteadmin.text import enum_name, truncate, truncate_uri
from flyteadmin.timestamps import to_nanoseconds

Phase = WorkflowExecution.Phase

UNDEFINED = "UNDEFINED"
ABORTING, ABORTED = "ABORTING", "ABORTED"
TERMINAL = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", ABORTED})

MAX_ERROR_CODE_BYTES = 256

MAX_MOVES = 50
"""Transitions that a row keeps beside its end: a run has about five, a producer that goes to and fro any number.

Nobody hears of a move beyond it; its end is always told.
"""

_OUTCOME = ("outputs_uri", "output_data", "error", "error_uri", "error_kind", "error_code")


class LaunchState(StrEnum):
    """Where a row is between its creation and its resource in the cluster."""

    LAUNCHING = "launching"
    LAUNCHED = "launched"
    REFUSED = "refused"


class Transition(NamedTuple):
    """One accepted phase: when it happened (ns), and the event's sequence ("" if the control plane set it)."""

    phase: str
    occurred_at: int
    sequence: str

    def to_text(self) -> str:
        """How it lies in the row: "phase occurred_at sequence", the sequence without its leading zeros."""
        return f"{self.phase} {self.occurred_at} {self.sequence.lstrip('0')}"

    @classmethod
    def from_text(cls, text: str) -> "Transition":
        """The transition that `to_text` wrote."""
        phase, occurred_at, sequence = text.split(" ")
        return cls(phase, int(occurred_at), sequence)


@dataclass(frozen=True)
class ControlPlanePhase:
    """What no event says: a phase that the control plane itself set, and when (ns); "" if it set none."""

    phase: str = ""
    at: int = 0


@dataclass(frozen=True)
class PhaseEvent:
    """A workflow event in its place: its padded sequence, and where its outcome lies if it was moved to S3."""

    event: WorkflowExecutionEvent
    sequence: str
    outputs_uri: str = ""
    error: bytes = b""
    error_uri: str = ""

    @property
    def phase(self) -> str:
        """The phase's enum name."""
        return Phase.Name(self.event.phase)


def accepts(stored: str, phase: str) -> bool:
    """Tell whether an event of `phase` moves an execution in phase `stored` (WFE-04…11); to UNDEFINED nothing moves."""
    if stored in TERMINAL or phase in {stored, UNDEFINED}:
        return False
    if stored == ABORTING:
        return phase in TERMINAL
    return not (stored == "RUNNING" and phase == "QUEUED")


def refused_phases(phase: str) -> frozenset[str]:
    """List the stored phases that refuse an event of `phase`: `accepts` as the fast path's condition."""
    return frozenset(stored for stored, _ in Phase.items() if not accepts(stored, phase))


def facts_of(event: PhaseEvent) -> Facts:
    """Give the facts of an accepted event (WFE-12…19)."""
    at = to_nanoseconds(event.event.occurred_at)
    phase = event.phase
    once: dict[str, Value] = {}
    latest: dict[str, Value] = {"phase": phase, "updated_at": at, "launch": LaunchState.LAUNCHED.value}
    if phase == "RUNNING":
        once["started_at"] = at
    if phase in TERMINAL:
        latest |= {"ended_at": at, "active": None}
    latest |= _outcome(event)
    return Facts(once, latest, (Transition(phase, at, event.sequence).to_text(),), event.sequence)


def _outcome(event: PhaseEvent) -> dict[str, Value]:
    nothing: dict[str, Value] = dict.fromkeys(_OUTCOME)
    match event.event.WhichOneof("output_result"):
        case "output_uri" if event.event.output_uri:
            return nothing | {"outputs_uri": truncate_uri(event.event.output_uri)}
        case "output_data" if event.outputs_uri:
            return nothing | {"outputs_uri": event.outputs_uri}
        case "output_data":
            return nothing | {"output_data": event.event.output_data.SerializeToString(deterministic=True)}
        case "error":
            return nothing | error_facts(event.event.error, event.error, event.error_uri)
    return {}


def error_facts(error: ExecutionError, stored: bytes, uri: str) -> dict[str, Value]:
    """An error as a row holds it: `stored` is all or the beginning of it, the whole is at `uri` then (WFE-19)."""
    return {
        "error": stored,
        "error_uri": uri or None,
        "error_kind": enum_name(ExecutionError.ErrorKind, error.kind),
        "error_code": truncate(error.code, MAX_ERROR_CODE_BYTES),
    }


def fold(events: Iterable[PhaseEvent]) -> Facts:
    """The facts of consecutive events of one execution, the first being accepted."""
    facts = Facts()
    for event in events:
        facts = _after(facts, event, facts_of(event))
    return facts


def _after(facts: Facts, event: PhaseEvent, event_facts: Facts) -> Facts:
    if not accepts(facts.phase or UNDEFINED, event.phase):
        return facts.filled_by(event_facts)
    return facts.then(without_moves(event_facts) if is_full(facts.transitions) else event_facts)


def moves_of(transitions: Iterable[str]) -> tuple[str, ...]:
    """Those of a row's or a fold's transitions that are not an end."""
    return tuple(text for text in transitions if Transition.from_text(text).phase not in TERMINAL)


def is_full(transitions: Sequence[str]) -> bool:
    """Tell whether a list of transitions has room for an end alone."""
    return len(transitions) >= MAX_MOVES and len(moves_of(transitions)) >= MAX_MOVES


def without_moves(facts: Facts) -> Facts:
    """Facts for a row whose list of transitions is full: of theirs, only an end is kept."""
    moves = set(moves_of(facts.transitions))
    return replace(facts, transitions=tuple(text for text in facts.transitions if text not in moves))


def _without_outcome(facts: Facts) -> Facts:
    """Drop the outcome of an event that is no end: once the control plane aborts, only the end's outcome counts."""
    if facts.phase in TERMINAL:
        return facts
    return replace(facts, latest={name: value for name, value in facts.latest.items() if name not in _OUTCOME})


def reduce(events: Iterable[PhaseEvent], control_plane: ControlPlanePhase) -> Facts:
    """What a row says after these events, in the order of their sequences, under what the control plane itself set.

    ABORTING outranks every phase that is not terminal; a terminal phase that the control plane set is final, the log
    then fills only what is missing. Where the overlay stands among the log's events is not known: its transition comes
    after theirs, but before an end that an event brought.
    """
    facts = Facts()
    names: set[str] = set()
    for event in events:
        said = facts_of(event)
        names.update(said.latest)
        facts = _after(facts, event, _without_outcome(said) if control_plane.phase else said)
    facts = facts.removing_stale(names)
    if not control_plane.phase:
        return facts
    moves = moves_of(facts.transitions)
    ends = facts.transitions[len(moves) :]
    set_here = Transition(control_plane.phase, control_plane.at, "").to_text()
    if control_plane.phase == ABORTING and facts.phase in TERMINAL:
        return replace(facts, transitions=(*moves, set_here, *ends))
    return _with_control_plane_phase(replace(facts, transitions=(*moves, set_here)), control_plane)


def facts_of_control_plane(control_plane: ControlPlanePhase) -> Facts:
    """What the control plane sets on a row, as facts of its own; what a failing execution said of its error goes."""
    facts = Facts({}, dict.fromkeys(_OUTCOME)).then(_with_control_plane_phase(Facts(), control_plane))
    return replace(facts, transitions=(Transition(control_plane.phase, control_plane.at, "").to_text(),))


def _with_control_plane_phase(facts: Facts, control_plane: ControlPlanePhase) -> Facts:
    kept = {name: value for name, value in facts.latest.items() if name == "launch"}
    latest: dict[str, Value] = {
        **kept,
        "phase": control_plane.phase,
        "updated_at": control_plane.at,
        "overlay_phase": control_plane.phase,
        "overlay_at": control_plane.at,
    }
    if control_plane.phase in TERMINAL:
        latest |= {"ended_at": control_plane.at, "active": None}
    return replace(facts, latest=latest)
