"""The events of the soak's executions, as propeller reports them, and their expected final state; pure."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flyteidl.core.execution_pb2 import ExecutionError, TaskLog
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent

from flyteadmin.events.validation import Event
from tests.builders import node_event, task_event, workflow_event

_AT_ONCE = 8
"""Nodes that run beside each other."""

_RETRIES = (0, 1, 2)
_RETRIES_WEIGHTS = (75, 20, 5)
_ONE_IN_FAILS = 10
_TICK = 0.125
_FAILED = ("FAILING", "FAILED")


@dataclass(frozen=True)
class AttemptEnd:
    """A task attempt that has ended; times in nanoseconds, `said` is where its outputs are, or its error's message."""

    phase: str
    started_at: int
    duration: int
    said: str


@dataclass(frozen=True)
class NodeEnd:
    """A node that has ended, and its task's attempts in order."""

    phase: str
    started_at: int
    duration: int
    said: str
    attempts: tuple[AttemptEnd, ...]


@dataclass(frozen=True)
class Life:
    """One execution: its events in the order in which they are sent, and its end."""

    name: str
    events: tuple[Event, ...]
    transitions: tuple[str, ...]
    said: str
    nodes: Mapping[str, NodeEnd]

    @property
    def phase(self) -> str:
        """The last phase."""
        return self.transitions[-1]


def life(name: str, nodes: int, chance: random.Random) -> Life:
    """Return an execution of so many nodes of one task each, with retries; one in ten fails with its last node."""
    return _Teller(name, chance).told(nodes, fails=chance.randrange(_ONE_IN_FAILS) == 0)


@dataclass
class _Teller:
    name: str
    chance: random.Random
    seconds: float = 0.0
    ends: dict[str, NodeEnd] = field(default_factory=dict)

    def told(self, nodes: int, *, fails: bool) -> Life:
        names = [f"n{number}" for number in range(nodes)]
        events: list[Event] = [workflow_event("RUNNING", self._now(), execution=self.name)]
        if fails:
            last = names.pop()
            events += [*self._together(names), *self._node(last, fails=True)]
            said = f"{last} failed"
            error = ExecutionError(code="USER:Raised", message=said)
            events += [workflow_event(phase, self._now(), execution=self.name, error=error) for phase in _FAILED]
            return Life(self.name, tuple(events), ("RUNNING", *_FAILED), said, self.ends)
        events += self._together(names)
        said = f"s3://data/{self.name}/outputs.pb"
        events.append(workflow_event("SUCCEEDING", self._now(), execution=self.name))
        events.append(workflow_event("SUCCEEDED", self._now(), execution=self.name, output_uri=said))
        return Life(self.name, tuple(events), ("RUNNING", "SUCCEEDING", "SUCCEEDED"), said, self.ends)

    def _together(self, names: list[str]) -> Iterator[Event]:
        waiting = [self._node(name, fails=False) for name in names]
        running: list[Iterator[Event]] = []
        while waiting or running:
            while waiting and len(running) < _AT_ONCE:
                running.append(waiting.pop(0))
            node = self.chance.choice(running)
            event = next(node, None)
            if event is None:
                running.remove(node)
            else:
                yield event

    def _node(self, node: str, *, fails: bool) -> Iterator[Event]:
        data = f"s3://data/{self.name}/{node}"
        yield self._node_event("QUEUED", node, input_uri=f"{data}/inputs.pb")
        started = self._node_event("RUNNING", node)
        yield started
        attempts: list[AttemptEnd] = []
        [retries] = self.chance.choices(_RETRIES, _RETRIES_WEIGHTS)
        for attempt in range(retries + 1):
            is_bad = fails or attempt < retries
            running = self._task_event(
                "RUNNING", node, attempt, logs=[TaskLog(name="pod", uri=f"{data}/{attempt}.log")]
            )
            yield running
            said = f"{node} failed, attempt {attempt}" if is_bad else f"{data}/{attempt}/outputs.pb"
            ended = self._task_event(_end(is_bad=is_bad), node, attempt, **_outcome(said, is_bad=is_bad))
            yield ended
            attempts.append(AttemptEnd(_end(is_bad=is_bad), *_span(running, ended), said))
        ended_node = self._node_event(_end(is_bad=fails), node, **_outcome(said, is_bad=fails))
        yield ended_node
        self.ends[node] = NodeEnd(_end(is_bad=fails), *_span(started, ended_node), said, tuple(attempts))

    def _node_event(self, phase: str, node: str, **fields: object) -> NodeExecutionEvent:
        return node_event(phase, self._now(), node=node, execution=self.name, **fields)

    def _task_event(self, phase: str, node: str, attempt: int, **fields: object) -> TaskExecutionEvent:
        return task_event(phase, self._now(), node=node, execution=self.name, attempt=attempt, **fields)

    def _now(self) -> float:
        self.seconds += _TICK
        return self.seconds


def _end(*, is_bad: bool) -> str:
    return "FAILED" if is_bad else "SUCCEEDED"


def _outcome(said: str, *, is_bad: bool) -> dict[str, object]:
    return {"error": ExecutionError(code="USER:Raised", message=said)} if is_bad else {"output_uri": said}


def _span(
    started: NodeExecutionEvent | TaskExecutionEvent, ended: NodeExecutionEvent | TaskExecutionEvent
) -> tuple[int, int]:
    began, until = started.occurred_at.ToNanoseconds(), ended.occurred_at.ToNanoseconds()
    return began, until - began
