"""Runs as propeller reports them, with what befell propeller on the way: restarts, aborts, clocks nobody set right.

A run is one execution and its events in the order in which they get into the queue; a launch-plan node brings a second
one. Sources: flytepropeller controller/workflow/executor.go, events/.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flyteidl.core.execution_pb2 import NodeExecution, TaskExecution, WorkflowExecution
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent
from hypothesis import strategies as st

from flyteadmin.events.projection import entity_of
from flyteadmin.events.validation import Event
from flyteadmin.timestamps import NANOSECONDS
from tests.builders import node_event, task_event, workflow_event
from tests.property.propeller_walk import Clocks, Draw, Walk, error

_TICKS = [0.4, 0.000000123, 1.0, 0.0]
_SKEWS = [0.0, 0.0, -3.0, 2.5]


@dataclass(frozen=True)
class Run:
    """One execution and its events in the order in which they are sent."""

    name: str
    events: tuple[Event, ...]

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Print it for hypothesis; a counterexample must fit on a screen."""
        printer.text(f"<{self.name}: {', '.join(map(_brief, self.events))}>")


def _brief(event: Event) -> str:
    match event:
        case WorkflowExecutionEvent():
            return WorkflowExecution.Phase.Name(event.phase)
        case NodeExecutionEvent():
            return f"{event.id.node_id} {NodeExecution.Phase.Name(event.phase)}"
        case TaskExecutionEvent():
            attempt = f"{event.parent_node_execution_id.node_id}/{event.retry_attempt}"
            return f"{attempt} {TaskExecution.Phase.Name(event.phase)}.{event.phase_version}"


_BEFALLS = ["nothing", "nothing", "restart", "restart", "swap", "swap", "abort", "late abort"]


def _changed(draw: Draw, name: str, events: Sequence[Event], clocks: Clocks) -> list[Event]:
    """Events after what befell propeller."""
    match draw(st.sampled_from(_BEFALLS)):
        case "restart":
            return _restarted(draw, events)
        case "swap":
            return _swapped(draw, events)
        case "abort":
            return _aborted(events[: draw(st.integers(1, len(events)))], name, clocks)
        case "late abort":
            return _aborted(events, name, clocks, late=True)
    return list(events)


def _restarted(draw: Draw, events: Sequence[Event]) -> list[Event]:
    """Repeat a round, or several from a stale resource: the same phases with later clocks."""
    end = draw(st.integers(1, len(events)))
    start = max(0, end - draw(st.sampled_from([1, 4, 12])))
    return [*events[:end], *map(_later, events[start:end]), *events[end:]]


def _swapped(draw: Draw, events: Sequence[Event]) -> list[Event]:
    """Some events get into the queue behind later ones, perhaps their entity's last: their calls had to be repeated."""
    events = list(events)
    for _ in range(draw(st.integers(1, 4))):
        first = draw(st.integers(0, len(events) - 1))
        own = [position for position, event in enumerate(events) if _entity(event) == _entity(events[first])]
        events.insert(draw(st.sampled_from([own[-1], own[-1], first + 1, first + 4])), events.pop(first))
    return events


def _entity(event: Event) -> tuple[type, str]:
    return type(event), entity_of(event)


def _aborted(events: Sequence[Event], name: str, clocks: Clocks, *, late: bool = False) -> list[Event]:
    """End what is open as ABORTED; an abort that is late reports it for ended entities too."""
    nodes: dict[str, NodeExecutionEvent] = {}
    attempts: dict[tuple[str, int], TaskExecutionEvent] = {}
    for event in events:
        match event:
            case NodeExecutionEvent():
                nodes[event.id.node_id] = event
            case TaskExecutionEvent():
                attempts[event.parent_node_execution_id.node_id, event.retry_attempt] = event
    ends: list[Event] = []
    for (node, number), last in attempts.items():
        if late or (not last.HasField("error") and not last.output_uri):
            now = clocks.propeller()
            ends.append(task_event("ABORTED", now, node=node, execution=name, attempt=number, error=error()))
    for node, said in nodes.items():
        if late or said.phase in _OPEN:
            aborted = node_event("ABORTED", clocks.propeller(), node=node, execution=name, error=error())
            aborted.ClearField("spec_node_id")
            ends.append(aborted)
    return [*events, *ends, workflow_event("ABORTED", clocks.propeller(), execution=name)]


_OPEN = frozenset(
    NodeExecutionEvent(phase=phase).phase for phase in ("QUEUED", "RUNNING", "DYNAMIC_RUNNING", "FAILING")
)


def _later(event: Event) -> Event:
    repeated = type(event).FromString(event.SerializeToString())
    nanoseconds = event.occurred_at.nanos + event.occurred_at.seconds * NANOSECONDS + 7 * NANOSECONDS + 1
    repeated.occurred_at.seconds, repeated.occurred_at.nanos = divmod(nanoseconds, NANOSECONDS)
    return repeated


@st.composite
def runs(draw: Draw) -> list[Run]:
    """One execution, or two where a launch-plan node has started another."""
    clocks = Clocks(draw(st.sampled_from(_TICKS)), draw(st.sampled_from(_SKEWS)), draw(st.booleans()))
    walk = Walk(draw, "run", clocks)
    walked = {"run": walk.events_to_the_end(), "run-child": walk.child}
    return [Run(name, tuple(_changed(draw, name, events, clocks))) for name, events in walked.items() if events]
