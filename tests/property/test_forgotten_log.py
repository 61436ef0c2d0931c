"""Asserts that rows keep what the events before decided, whatever part of the log is gone, and go on from there."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from flyteadmin.events.models import LoggedEvent
from flyteadmin.executions.phases import TERMINAL as WORKFLOW_ENDS
from flyteadmin.identifiers import execution_key
from flyteadmin.node_executions.phases import TERMINAL as NODE_ENDS
from flyteadmin.task_executions import repository as task_executions
from flyteadmin.task_executions.models import TaskExecutionRow
from tests.builders import execution_id
from tests.event_delivery import forget
from tests.property.delivery_plans import Order, Plan
from tests.property.emulator_in_process import Store
from tests.property.model import World
from tests.property.propeller_runs import Run, runs
from tests.property.queue_consumers import Message, Queue, queued

SCALE = int(os.environ.get("PROPERTY_SCALE", "1"))
SEED = int(os.environ.get("PROPERTY_SEED", "0"))
RUNS = 40

TASK_ENDS = frozenset({"SUCCEEDED", "FAILED", "ABORTED"})
ENDS = {"executions": WORKFLOW_ENDS, "node_executions": NODE_ENDS, "task_executions": TASK_ENDS}
ONCE = ("created_at", "started_at", "input_uri", "child_execution", "parent", "retry_group", "is_parent_node")

type Rows = Mapping[tuple[str, str], Mapping[str, Any]]
"""Rows by table and key."""


@dataclass(frozen=True)
class Loss:
    """After `cut` parts in a hundred of a run, that many of the log's entries are gone; some events come again."""

    cut: int
    gone: int
    order: Order
    repeats: int
    chance: int


_losses = st.builds(
    Loss,
    st.integers(0, 100),
    st.sampled_from([10, 50, 90, 100]),
    st.builds(Order, st.sampled_from([0, 0, 3, 1000]), st.sampled_from([0, 2]), st.integers(0, 2**16)),
    st.sampled_from([0, 3, 12]),
    st.integers(0, 2**16),
)


@pytest.mark.conformance("KD-17", "WFE-07", "NEV-12", "TEV-08")
@pytest.mark.parametrize("part", range(4 * SCALE))
def test_rows_keep_what_their_log_has_lost(
    world: World, part: int, record_property: Callable[[str, object], None]
) -> None:
    forgotten = ended = 0

    @seed(SEED + part)
    @settings(max_examples=RUNS, database=None)
    @given(run=runs(), loss=_losses)
    def explore(run: list[Run], loss: Loss) -> None:
        nonlocal forgotten, ended
        before, whole, _ = _delivered(world, run, loss, loses=False)
        kept, after, gone = _delivered(world, run, loss, loses=True)
        forgotten += gone
        assert kept == before
        for key, row in before.items():
            ended += _has_ended(key, row)
            _assert_kept(key, row, after[key])
        assert after.keys() == whole.keys()
        for key, row in whole.items():
            assert _has_ended(key, after[key]) == _has_ended(key, row), key
        if not loss.order:
            assert after == whole

    explore()
    assert forgotten > RUNS
    assert ended > RUNS
    record_property(
        "figure", f"forgotten log: part {part}: {RUNS} runs lost {forgotten} entries, {ended} ended rows stayed"
    )


def _delivered(world: World, run: Sequence[Run], loss: Loss, *, loses: bool) -> tuple[Rows, Rows, int]:
    """Deliver a run's beginning, lose a part of the log, deliver the rest; rows before and after, entries lost."""
    world.begin(run)
    chance = Random(loss.chance)
    messages = queued(run, Plan())
    cut = len(messages) * loss.cut // 100
    _deliver(world, messages[:cut], late=False)
    before = _rows(world.store)
    gone = 0
    for each in run:
        names = [item["entry"]["S"] for item in world.store.rows("execution_events") if _is_of(item, each)]
        lost = {name for name in sorted(names) if chance.randrange(100) < loss.gone}
        if loses:
            forget(execution_key(execution_id(each.name)), partial(_is_among, lost))
            gone += len(lost)
    again = [chance.choice(messages[:cut]) for _ in range(loss.repeats)] if cut else []
    _deliver(world, [*again, *loss.order.of(messages[cut:])], late=True)
    return before, _rows(world.store), gone


def _is_among(lost: Collection[str], item: LoggedEvent) -> bool:
    return item.entry in lost


def _is_of(item: Mapping[str, Any], run: Run) -> bool:
    return bool(item["execution"]["S"] == execution_key(execution_id(run.name)))


def _deliver(world: World, messages: Sequence[Message], *, late: bool) -> None:
    copies = [
        Message(message.body, message.group, message.sequence, is_late=late, copy=copy)
        for copy, message in enumerate(messages)
    ]
    queue = Queue(world.scheduler, copies)
    queue.drain(1 if not late else 3)


def _rows(store: Store) -> Rows:
    rows: dict[tuple[str, str], Mapping[str, Any]] = {}
    for table in ENDS:
        for item in store.rows(table):
            if item.get("part", {}).get("S") != "spec":
                name = " ".join(item[part]["S"] for part in ("execution", "node_id", "attempt_key") if part in item)
                rows[table, name] = {field: value for field, value in item.items() if field != "version"}
    return rows


def _has_ended(key: tuple[str, str], row: Mapping[str, Any]) -> bool:
    return row["phase"]["S"] in ENDS[key[0]]


def _assert_kept(key: tuple[str, str], before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Assert that what a row had decided stays."""
    may_change = {"sequence", "applied", "places", "closure", "closure_uri"}
    if _has_ended(key, before):
        kept = {name: value for name, value in before.items() if name not in may_change}
        assert {name: after.get(name) for name in kept} == kept, key
    kept = {name: before[name] for name in ONCE if name in before and key[0] != "executions"}
    assert {name: after.get(name) for name in kept} == kept, key
    transitions = before.get("transitions", {"L": []})["L"]
    assert after.get("transitions", {"L": []})["L"][: len(transitions)] == transitions, key
    if key[0] == "task_executions":
        _assert_closure_kept(before, after, is_final=_has_ended(key, before))


def _assert_closure_kept(before: Mapping[str, Any], after: Mapping[str, Any], *, is_final: bool) -> None:
    rows = [TaskExecutionRow.from_raw_data(dict(item)) for item in (before, after)]
    old, new = map(task_executions.closure_of, rows)
    assert list(new.reasons)[: len(old.reasons)] == list(old.reasons)
    assert new.created_at == old.created_at
    assert not old.HasField("started_at") or new.started_at == old.started_at
    if is_final:
        for closure in (old, new):
            closure.ClearField("started_at")
            closure.ClearField("duration")
        assert new == old
