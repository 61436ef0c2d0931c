"""The rule by which an execution's phase moves: upstream's acceptance, as a pure reducer over ordered events.

`reduce(events, control_plane)` is what a row must hold (invariant 2); `refused_phases` and `fold` are the same rule as
a condition on the row and facts to write when it holds. Sources: flyteadmin execution_manager.go CreateWorkflowEvent
and transformers/execution.go UpdateExecutionModelState; deviations in docs/deviations.toml.
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
"""The most transitions that a row keeps besides its end; an ordinary run has about five.

A faulty producer may move between two phases without end. Later transitions are not announced; the end always is.
"""

_OUTCOME = ("outputs_uri", "output_data", "error", "error_uri", "error_kind", "error_code")


class LaunchState(StrEnum):
    """The state of a row between its creation and its resource in the cluster."""

    LAUNCHING = "launching"
    LAUNCHED = "launched"
    REFUSED = "refused"


class Transition(NamedTuple):
    """One accepted phase: when it happened (ns), and the event's sequence ("" if the control plane set it)."""

    phase: str
    occurred_at: int
    sequence: str

    def to_text(self) -> str:
        """Write the transition for the row: "phase occurred_at sequence", the sequence without leading zeros."""
        return f"{self.phase} {self.occurred_at} {self.sequence.lstrip('0')}"

    @classmethod
    def from_text(cls, text: str) -> "Transition":
        """Parse what `to_text` wrote."""
        phase, occurred_at, sequence = text.split(" ")
        return cls(phase, int(occurred_at), sequence)


@dataclass(frozen=True)
class ControlPlanePhase:
    """A phase that the control plane itself set, and when (ns); "" if it set none. No event tells it."""

    phase: str = ""
    at: int = 0


@dataclass(frozen=True)
class PhaseEvent:
    """A workflow event with its padded sequence, and the URI of its outputs or error if they were moved to S3."""

    event: WorkflowExecutionEvent
    sequence: str
    outputs_uri: str = ""
    error: bytes = b""
    error_uri: str = ""

    @property
    def phase(self) -> str:
        """Return the phase's enum name."""
        return Phase.Name(self.event.phase)


def accepts(stored: str, phase: str) -> bool:
    """Return whether an event of `phase` moves an execution in phase `stored` (WFE-04…11); UNDEFINED moves nothing."""
    if stored in TERMINAL or phase in {stored, UNDEFINED}:
        return False
    if stored == ABORTING:
        return phase in TERMINAL
    return not (stored == "RUNNING" and phase == "QUEUED")


def refused_phases(phase: str) -> frozenset[str]:
    """Return the stored phases in which an event of `phase` is refused: `accepts` as the fast path's condition."""
    return frozenset(stored for stored, _ in Phase.items() if not accepts(stored, phase))


def facts_of(event: PhaseEvent) -> Facts:
    """Return the facts of an accepted event (WFE-12…19)."""
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
    """Return the facts of an error: `stored` is all of it, or its beginning if the whole is at `uri` (WFE-19)."""
    return {
        "error": stored,
        "error_uri": uri or None,
        "error_kind": enum_name(ExecutionError.ErrorKind, error.kind),
        "error_code": truncate(error.code, MAX_ERROR_CODE_BYTES),
    }


def fold(events: Iterable[PhaseEvent]) -> Facts:
    """Combine the facts of consecutive events of one execution, the first of which is accepted."""
    facts = Facts()
    for event in events:
        facts = _after(facts, event, facts_of(event))
    return facts


def _after(facts: Facts, event: PhaseEvent, event_facts: Facts) -> Facts:
    if not accepts(facts.phase or UNDEFINED, event.phase):
        return facts.filled_by(event_facts)
    return facts.then(without_moves(event_facts) if is_full(facts.transitions) else event_facts)


def moves_of(transitions: Iterable[str]) -> tuple[str, ...]:
    """Return the transitions that are not terminal."""
    return tuple(text for text in transitions if Transition.from_text(text).phase not in TERMINAL)


def is_full(transitions: Sequence[str]) -> bool:
    """Return whether a list of transitions has room for a terminal one only."""
    return len(transitions) >= MAX_MOVES and len(moves_of(transitions)) >= MAX_MOVES


def without_moves(facts: Facts) -> Facts:
    """Keep only the terminal transition of these facts, for a row whose list of transitions is full."""
    moves = set(moves_of(facts.transitions))
    return replace(facts, transitions=tuple(text for text in facts.transitions if text not in moves))


def _without_outcome(facts: Facts) -> Facts:
    """Drop an event's outcome unless it is terminal: while the control plane aborts, only the final outcome counts."""
    if facts.phase in TERMINAL:
        return facts
    return replace(facts, latest={name: value for name, value in facts.latest.items() if name not in _OUTCOME})


def reduce(events: Iterable[PhaseEvent], control_plane: ControlPlanePhase) -> Facts:
    """Return the facts of a row after these events, given in sequence order, and a phase that the control plane set.

    ABORTING outranks every phase that is not terminal. A terminal phase that the control plane set is final; the log
    then only fills in what is missing. The log does not tell when the control plane set its phase: its transition is
    put behind those of events, but before a terminal one that an event brought.
    """
    facts = Facts()
    names: set[str] = set()
    for event in events:
        event_facts = facts_of(event)
        names.update(event_facts.latest)
        facts = _after(facts, event, _without_outcome(event_facts) if control_plane.phase else event_facts)
    facts = facts.removing_stale(names)
    if not control_plane.phase:
        return facts
    moves = moves_of(facts.transitions)
    ends = facts.transitions[len(moves) :]
    set_here = Transition(control_plane.phase, control_plane.at, "").to_text()
    if control_plane.phase == ABORTING and facts.phase in TERMINAL:
        return replace(facts, transitions=(*moves, set_here, *ends))
    return _with_control_plane_phase(replace(facts, transitions=(*moves, set_here)), control_plane)


def onto(phase: str, base: str, transitions: Sequence[str], events: Iterable[PhaseEvent]) -> Facts:
    """Return what events add to a row in `phase` that is the truth up to the sequence `base`.

    An event at or below it fills what is missing; only an end still moves an execution that has not ended.
    """
    facts = Facts(sequence=base)
    for event in events:
        event_facts = facts_of(event)
        if (event.sequence <= base and event.phase not in TERMINAL) or not accepts(facts.phase or phase, event.phase):
            facts = facts.filled_by(event_facts)
        elif is_full((*transitions, *facts.transitions)):
            facts = facts.then(without_moves(event_facts))
        else:
            facts = facts.then(event_facts)
    return facts


def facts_of_control_plane(control_plane: ControlPlanePhase) -> Facts:
    """Return the facts of a phase that the control plane sets; they remove the outcome that events reported before."""
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
