"""State = reduce(log, overlay), whatever the order, duplication, batching or crash in which events arrive.

CI takes the same examples each time, `make property` new ones, and twenty times as many (PROPERTY_SCALE).
"""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.consuming import Message, Plan, plans
from tests.property.model import World, assert_delivered_as_in_order
from tests.property.runs import Run, runs

OVERLAYS = ("", "", "ABORTING", "ABORTED", "FAILED")
SCALE = int(os.environ.get("PROPERTY_SCALE", "1"))
EXAMPLES = settings(max_examples=100 * SCALE, derandomize=SCALE == 1)


@EXAMPLES
@given(run=runs(), plan=plans(1, OVERLAYS))
def test_whatever_the_queue_does(world: World, run: list[Run], plan: Plan) -> None:
    assert_delivered_as_in_order(world, run, plan)


@EXAMPLES
@given(run=runs(), plan=plans(2, OVERLAYS))
def test_two_consumers_at_once(world: World, run: list[Run], plan: Plan) -> None:
    assert_delivered_as_in_order(world, run, plan)


@EXAMPLES
@given(run=runs(), plan=plans(2, OVERLAYS), random=st.randoms(use_true_random=False))
def test_any_order(world: World, run: list[Run], plan: Plan, random: object) -> None:
    def shuffled(messages: list[Message]) -> list[Message]:
        for message in messages:
            message.redriven = True
        random.shuffle(messages)  # type: ignore[attr-defined]
        return messages

    assert_delivered_as_in_order(world, run, plan, shuffled)
