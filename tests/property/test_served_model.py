"""Runs a few examples of the model against the emulator as a server: emulator_in_process.py may hide faults."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.delivery_plans import Plan, plans
from tests.property.model import World, assert_delivered_as_in_order
from tests.property.propeller_runs import Run, runs


def test_however_events_arrive_over_http(served_world: World) -> None:
    @settings(max_examples=12, derandomize=True, database=None)
    @given(run=runs(), by=st.lists(plans("ABORTING"), min_size=1, max_size=2))
    def explore(run: list[Run], by: list[Plan]) -> None:
        assert_delivered_as_in_order(served_world, run, by)

    explore()
