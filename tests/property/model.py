"""Asserts that a run's events leave the same rows in any delivery as in their order."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from typing import Any

from flyteidl.event.event_pb2 import NodeExecutionEvent, WorkflowExecutionEvent

from flyteadmin.events import offloading
from flyteadmin.events.envelope import Envelope, parse, payload_of
from flyteadmin.events.projection import entity_of
from flyteadmin.events.validation import Event
from flyteadmin.executions import phases as workflow_phases
from flyteadmin.executions import repository as executions
from flyteadmin.executions.phases import TERMINAL, ControlPlanePhase, Phase
from flyteadmin.identifiers import execution_key, padded
from flyteadmin.node_executions import phases as node_phases
from flyteadmin.node_executions.models import NodeExecutionRow
from flyteadmin.notifications.rules import notification_id
from flyteadmin.notifications.service import StreamRecord, notifications_of
from flyteadmin.task_executions import phases as task_phases
from flyteadmin.task_executions import repository as task_executions
from flyteadmin.task_executions.models import TaskExecutionRow
from tests.builders import execution_id, stored_execution
from tests.property.delivery_plans import Plan
from tests.property.emulator_in_process import Store
from tests.property.interleaving import Scheduler
from tests.property.propeller_runs import Run
from tests.property.queue_consumers import Queue, queued
from tests.property.stored_outcome import Left, execution_request, execution_row, left


@dataclass(frozen=True)
class World:
    """A store and what stands in its way."""

    store: Store
    scheduler: Scheduler

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text("<in process>")

    def begin(self, runs: Sequence[Run]) -> None:
        """Executions that were created and have no event yet."""
        self.store.clear()
        for run in runs:
            stored_execution(run.name)


def assert_delivered_as_in_order(world: World, runs: Sequence[Run], plans: Sequence[Plan]) -> None:
    """Deliver runs by each plan, and one by one in order: the same is left."""
    expected: dict[frozenset[tuple[str, ControlPlanePhase]], Left] = {}
    for plan in plans:
        queue = delivered(world, runs, plan)
        is_late = bool(plan.order or queue.letters)
        outcome = left(world.store, runs)
        assert_announced(world.store, runs, twice=is_late)
        assert_ended(world.store, runs)
        set_here = frozenset(queue.overlays.items())
        if set_here not in expected:
            expected[set_here] = in_order(world, runs, queue.overlays)
        undecided = [run.name for run in runs if is_late and len(ends(run)) > 1]
        assert_same(_without_ends(outcome, undecided), _without_ends(expected[set_here], undecided))


def delivered(world: World, runs: Sequence[Run], plan: Plan) -> Queue:
    """Deliver runs by a plan, from the beginning."""
    world.begin(runs)
    queue = Queue(world.scheduler, queued(runs, plan))
    queue.consume(plan)
    return queue


def in_order(world: World, runs: Sequence[Run], overlays: Mapping[str, ControlPlanePhase]) -> Left:
    """Deliver runs one by one in order, under what the control plane set before; the reducer says the same."""
    world.begin(runs)
    queue = Queue(world.scheduler, queued(runs, Plan()))
    for overlay in overlays.values():
        queue.write_control_plane_facts(overlay.phase)
    queue.consume(Plan(batch=1))
    assert not queue.letters, "a valid event was refused"
    assert_reduced(world.store, runs, overlays)
    return left(world.store, runs)


def assert_same(outcome: Left, expected: Left) -> None:
    _assert_same(outcome.seen, expected.seen)
    _assert_same(outcome.rows, expected.rows)


def _assert_same(outcome: Mapping[str, object], expected: Mapping[str, object]) -> None:
    assert outcome.keys() == expected.keys()
    for name, said in expected.items():
        assert outcome[name] == said, name


def ends(run: Run) -> set[str]:
    """Return the ends that a run's events tell of; of several, the first that is *stored* is final (invariant 2)."""
    phases = {Phase.Name(event.phase) for event in run.events if isinstance(event, WorkflowExecutionEvent)}
    return phases & TERMINAL


def _without_ends(what: Left, names: Sequence[str]) -> Left:
    """Return the outcome without the rows and messages of some executions."""
    seen, rows = dict(what.seen), dict(what.rows)
    for name in names:
        seen.pop(execution_request(name))
        rows.pop(execution_row(name))
    return Left(seen, rows)


def assert_announced(store: Store, runs: Sequence[Run], *, twice: bool) -> None:
    """Each phase that an execution keeps was announced, once as long as none of its events comes back late.

    A late event may take a phase away that comes again; it is then announced again, under the id that it always has.
    """
    announced: Counter[tuple[str, str]] = Counter()
    for record in store.stream("executions"):
        if record["dynamodb"]["Keys"]["part"]["S"] == "state":
            for notification in notifications_of(StreamRecord.model_validate(record)):
                announced[notification.execution.name, notification.phase] += 1
                execution = execution_key(execution_id(notification.execution.name))
                assert notification.id == notification_id(execution, notification.phase)
    assert twice or set(announced.values()) <= {1}, announced
    for run in runs:
        state = executions.read_state(execution_key(execution_id(run.name)))
        assert state is not None
        kept = {text.split(" ")[0] for text in state.transitions}
        assert kept <= {phase for name, phase in announced if name == run.name}


def assert_ended(store: Store, runs: Sequence[Run]) -> None:
    """An end that was stored is final, whatever comes; the lease goes with it (invariants 2 and 5)."""
    phases: dict[str, list[str]] = defaultdict(list)
    for record in store.stream("executions"):
        image = record["dynamodb"].get("NewImage", {})
        if "phase" in image:
            phases[image["execution"]["S"]].append(image["phase"]["S"])
    leased = {item["execution"]["S"] for item in store.rows("leases")}
    for run in runs:
        execution = execution_key(execution_id(run.name))
        stored = phases[execution]
        since = list(dropwhile(lambda phase: phase not in TERMINAL, stored))
        assert len(set(since)) <= 1, stored
        assert (execution in leased) == (not since), stored


def assert_reduced(store: Store, runs: Sequence[Run], overlays: Mapping[str, ControlPlanePhase]) -> None:
    """Assert that the fast path, event by event, wrote what the reducer makes of all events at once."""
    logged = _logged(runs)
    for run in runs:
        key = execution_key(execution_id(run.name))
        state = executions.read_state(key)
        assert state is not None
        placed = [offloading.workflow(event, sequence) for event, sequence in logged[key, ""]]
        facts = workflow_phases.reduce(placed, overlays.get(run.name, ControlPlanePhase()))
        assert {name: value for name, value in _values(state).items() if name in facts.values()} == facts.values()
        assert tuple(state.transitions) == facts.transitions
        assert state.by_phase == executions.index_key(state.listing, state.phase)
    parents = _parents(logged)
    for item in store.rows("node_executions"):
        node = NodeExecutionRow.from_raw_data(item)
        events = logged[node.execution, node.node_id]
        is_parent = (node.execution, node.node_id) in parents
        assert bool(node.has_children) is is_parent, "whatever came first, child or parent"
        if not events:
            continue  # a mark that waits for its node
        said = node_phases.reduce([offloading.node(event, sequence) for event, sequence in events])
        assert _values(node) == said.values()
    for item in store.rows("task_executions"):
        attempt = TaskExecutionRow.from_raw_data(item)
        events = logged[attempt.execution, attempt.attempt_key]
        reduced = task_phases.reduce(offloading.task(event, sequence) for event, sequence in events)
        assert task_executions.state_of(attempt) == reduced


def _parents(logged: Mapping[tuple[str, str], Sequence[tuple[Any, str]]]) -> set[tuple[str, str]]:
    """Return the nodes that events name as a parent."""
    return {
        (execution, event.parent_node_metadata.node_id)
        for (execution, _), events in logged.items()
        for event, _ in events
        if isinstance(event, NodeExecutionEvent) and event.parent_node_metadata.node_id
    }


def _values(row: Any) -> dict[str, Any]:
    not_said = {"has_children", "execution", "node_id", "part", "version", "sequence", "transitions"}
    return {name: value for name, value in row.attribute_values.items() if name not in not_said and value is not None}


def _logged(runs: Sequence[Run]) -> dict[tuple[str, str], list[tuple[Any, str]]]:
    logged = defaultdict[tuple[str, str], list[tuple[Any, str]]](list)
    for message in queued(runs, Plan()):
        envelope = Envelope.model_validate_json(message.body)
        event: Event = parse(envelope.kind, payload_of(envelope))
        key = execution_key(execution_id(message.group))
        logged[key, entity_of(event)].append((event, padded(str(message.sequence))))
    return logged
