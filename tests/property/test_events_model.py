"""State = reduce(log, overlay), whatever the order, duplication, batching or crash in which events arrive.

CI takes the same examples each time; `make property` takes others, from PROPERTY_SEED on, PROPERTY_SCALE times as many.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flyteidl.core.execution_pb2 import ExecutionError
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from flyteadmin.events.validation import Event
from tests.builders import node_event, task_event, workflow_event
from tests.property.delivery_plans import Order, Plan, Receive, Step, plans
from tests.property.interleaving import KINDS, POINTS, SET_ASIDE, Fault, Kind
from tests.property.model import World, assert_delivered_as_in_order, delivered
from tests.property.propeller_runs import Run, runs
from tests.property.propeller_walk import LONG
from tests.property.queue_consumers import Queue

SCALE = int(os.environ.get("PROPERTY_SCALE", "1"))
SEED = int(os.environ.get("PROPERTY_SEED", "0"))
PARTS = 8
RUNS = 110
"""Runs of one part, each delivered by some plans."""

OVERLAYS = ("", "", "ABORTING", "ABORTED", "FAILED")
_plans = st.sampled_from(OVERLAYS).flatmap(lambda overlay: st.lists(plans(overlay), min_size=2, max_size=8))

REFUSALS = [
    ("ConditionalCheckFailedException", ("UpdateItem", "executions")),
    ("ConditionalCheckFailedException", ("UpdateItem", "node_executions")),
    ("ConditionalCheckFailedException", ("PutItem", "task_executions")),
    ("TransactionCanceledException", ("TransactWriteItems", "executions")),
]
"""Conditions that must have failed: without, the fast path alone would have been tested."""


@pytest.mark.parametrize("part", range(PARTS * SCALE))
def test_however_events_arrive(world: World, part: int, record_property: Callable[[str, object], None]) -> None:
    deliveries = 0
    met = world.scheduler.forget()

    @seed(SEED + part)
    @settings(max_examples=RUNS, database=None)
    @given(run=runs(), by=_plans)
    def explore(run: list[Run], by: list[Plan]) -> None:
        nonlocal deliveries
        deliveries += len(by)
        assert_delivered_as_in_order(world, run, by)

    explore()
    assert not (unknown := set(met.calls) - set(POINTS)), unknown
    assert not (missed := [refusal for refusal in REFUSALS if not met.refused[refusal]]), missed
    record_property(
        "figure",
        f"model test: part {part}: {RUNS} runs in {deliveries} deliveries: {len(met.calls)} calls, "
        f"{met.befallen.total()} faults of {len(met.befallen)} kinds, "
        f"{sum(met.refused[refusal] for refusal in REFUSALS)} conditions failed",
    )


def run_that_makes_every_call() -> Run:
    """Among its events are long errors, a large claim, a late start, and an end that a rebuild takes back."""
    long = ExecutionError(code="USER:Raised", message="x" * LONG)
    return Run(
        "run",
        (
            workflow_event("QUEUED", 1),
            node_event("RUNNING", 2),
            task_event("RUNNING", 3, reason="pulling"),
            task_event("FAILED", 4, error=long),
            node_event("FAILED", 5, error=long),
            task_event("QUEUED", 1, reason="submitted"),
            node_event("QUEUED", 1),
            workflow_event("FAILING", 6, error=long),
            workflow_event("RUNNING", 2),
            workflow_event("FAILED", 7, error=long),
        ),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_at_every_call(world: World, kind: Kind, record_property: Callable[[str, object], None]) -> None:
    run = [run_that_makes_every_call()]
    steps = (Step((Receive(6),)), Step((Receive(10),)))
    order = Order(exactly=(0, 2, 1, 3, 5, 4, 6, 8, 7, 9))
    plan = Plan(steps, order=order, claims_above=400, names_launch_plan=False)
    met = world.scheduler.forget()
    plans = [*_with_each_fault(kind, plan, delivered(world, run, plan)), *_with_each_fault_while_set_aside(kind, plan)]
    assert_delivered_as_in_order(world, run, plans)
    assert {point for _, point in met.befallen} == set(KINDS[kind])
    assert not (unknown := set(met.calls) - set(POINTS)), unknown
    record_property("figure", f"model test: {kind} at each of {len(plans)} calls")


def _with_each_fault(kind: Kind, plan: Plan, quiet: Queue) -> Iterator[Plan]:
    """Yield the plan with one fault each, at each call that its steps made without."""
    for place, step in enumerate(plan.steps):
        for number, point in enumerate(quiet.consumers[place].made):
            if point in KINDS[kind]:
                faulty = Step((replace(step.receives[0], faults=(Fault(kind, number),)),))
                yield replace(plan, steps=(*plan.steps[:place], faulty, *plan.steps[place + 1 :]))


def _with_each_fault_while_set_aside(kind: Kind, plan: Plan) -> Iterator[Plan]:
    """Yield the same for the calls that set messages aside, when none of a node's can be applied for the last time."""
    throttled = Fault("throttled", 0, 1, ("UpdateItem", "node_executions"))
    if SET_ASIDE in KINDS[kind]:
        for number in range(2):
            receive = Receive(10, faults=(throttled, Fault(kind, number, 0, SET_ASIDE)))
            yield replace(plan, steps=(Step((receive,)),), receives=4)


LATE = (3, 4, 5, 0, 1, 2, 6, 7, 8)
"""The order of events: first those of running entities, then the earlier ones, then the ends."""

OTHERS = {
    "with the ends": Step((Receive(3), Receive(3, skips=3))),
    "with the same and the ends": Step((Receive(3), Receive(6))),
    "with the same": Step((Receive(6), Receive(6))),
    "ABORTING": Step((Receive(6),), overlay="ABORTING"),
    "ABORTED": Step((Receive(6),), overlay="ABORTED"),
}


@pytest.mark.conformance("KD-04")
@pytest.mark.parametrize("other", OTHERS)
def test_another_goes_all_its_way_between_any_two_calls(
    world: World, other: str, record_property: Callable[[str, object], None]
) -> None:
    """A consumer stands still after each of its calls while another one, or the control plane, goes all its way."""
    events: list[Event] = [
        *(workflow_event("QUEUED", 1), node_event("QUEUED", 1), task_event("QUEUED", 1, reason="submitted")),
        *(workflow_event("RUNNING", 2), node_event("RUNNING", 2), task_event("RUNNING", 2, reason="pulled")),
        *(task_event("SUCCEEDED", 3), node_event("SUCCEEDED", 3), workflow_event("SUCCEEDED", 3, output_uri="s3://o")),
    ]
    run = [Run("run", tuple(events))]
    both = [Plan((Step((Receive(3),)), OTHERS[other]), order=Order(exactly=LATE))]
    _, *alone = delivered(world, run, both[0]).consumers
    plans = [
        replace(both[0], steps=(both[0].steps[0], replace(OTHERS[other], turns=(*[who] * calls, *[1 - who] * 100))))
        for who in (0, 1)
        for calls in range(max(len(consumer.made) for consumer in alone) + 2)
    ]
    assert_delivered_as_in_order(world, run, plans)
    record_property("figure", f"model test: another {other} between each of {len(plans)} pairs of calls")
