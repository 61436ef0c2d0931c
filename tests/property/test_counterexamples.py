"""Counterexamples that the model test found, shrunk, each as a test of its own."""

from collections.abc import Sequence

from flyteidl.core.execution_pb2 import ExecutionError
from flyteidl.event.event_pb2 import TaskNodeMetadata

from flyteadmin.events.validation import Event
from tests.builders import node_event, workflow_event
from tests.property.delivery_plans import Order, Plan, Receive, Step
from tests.property.model import World, assert_delivered_as_in_order
from tests.property.propeller_runs import Run

ERROR = ExecutionError(code="USER:Raised", message="raised")


def assert_order_does_not_matter(world: World, events: Sequence[Event], *order: int) -> None:
    """Let events arrive in an order of their positions, each with the sequence that it had in the queue."""
    assert_delivered_as_in_order(world, [Run("run", tuple(events))], [Plan(batch=1, order=Order(exactly=order))])


def assert_overlay_may_come_after(world: World, events: Sequence[Event], applied: int, overlay: str) -> None:
    """Let the control plane set its phase after so many events were applied, instead of before all."""
    one = Receive(1)
    steps = [*[Step((one,))] * (applied - 1), Step((one,), (0,), overlay)]
    assert_delivered_as_in_order(world, [Run("run", tuple(events))], [Plan(tuple(steps), batch=1)])


def test_a_late_end_takes_back_what_an_event_behind_it_had_said(world: World) -> None:
    """A rebuild left the error of a later ABORTED on a node that had SUCCEEDED."""
    ends = [node_event("SUCCEEDED", 1), node_event("ABORTED", 2, error=ERROR)]
    assert_order_does_not_matter(world, ends, 1, 0)


def test_a_late_end_takes_back_metadata_too(world: World) -> None:
    metadata = TaskNodeMetadata(checkpoint_uri="s3://data/checkpoint")
    again = node_event("RUNNING", 3, task_node_metadata=metadata)
    assert_order_does_not_matter(world, [node_event("QUEUED", 1), node_event("SUCCEEDED", 2), again], 0, 2, 1)


def test_an_overlay_says_when_it_was_set(world: World) -> None:
    """`updated_at` was that of the last event before the overlay, which depends on what had arrived."""
    assert_overlay_may_come_after(world, [workflow_event("RUNNING", 1)], 1, "ABORTING")


def test_an_abort_forgets_the_error_that_was_on_its_way(world: World) -> None:
    """FAILING before the abort left its error on the row, FAILING after it did not."""
    events = [workflow_event("RUNNING", 1), workflow_event("FAILING", 2, error=ERROR), workflow_event("ABORTED", 3)]
    for overlay in ("ABORTING", "ABORTED"):
        assert_overlay_may_come_after(world, events, 2, overlay)
