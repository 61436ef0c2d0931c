"""How a node execution's phase moves: the reducer, and that the fast path is the same rule."""

from collections.abc import Sequence

import pytest
from flyteidl.core.catalog_pb2 import CACHE_HIT, CatalogMetadata
from flyteidl.core.execution_pb2 import NodeExecution
from flyteidl.event.event_pb2 import ParentNodeExecutionMetadata, TaskNodeMetadata, WorkflowNodeMetadata
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.identifiers import padded
from flyteadmin.node_executions.phases import TERMINAL, PhaseEvent, fold, reduce, refused_phases
from tests.builders import CREATED_AT, at, execution_id, node_event

PHASES = NodeExecution.Phase.keys()


def run(phases: Sequence[str]) -> list[PhaseEvent]:
    return [
        PhaseEvent(node_event(phase, n, deck_uri=f"s3://deck/{n}", input_uri=f"s3://in/{n}"), padded(str(n)))
        for n, phase in enumerate(phases, 1)
    ]


runs = st.lists(st.sampled_from(PHASES), max_size=7).map(run)


@given(runs, st.randoms())
def test_the_order_of_arrival_does_not_matter(events: list[PhaseEvent], random: object) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert reduce(shuffled + shuffled[:2]) == reduce(events)


@given(runs, st.integers(0, 7))
def test_the_fast_path_is_the_reducer(events: list[PhaseEvent], cut: int) -> None:
    row, later = reduce(events[:cut]), events[cut:]
    if later and (not row.phase or row.phase not in refused_phases(later[0].phase)):
        assert row.then(fold(later)) == reduce(events)


@pytest.mark.conformance("NEV-12", "NEV-13")
@given(runs)
def test_the_first_end_is_kept_and_nothing_else_is_final(events: list[PhaseEvent]) -> None:
    phases = [event.phase for event in events]
    end = next((phase for phase in phases if phase in TERMINAL), None)
    assert reduce(events).phase == (end or (phases[-1] if phases else ""))


@pytest.mark.conformance("NEV-07", "NEV-08", "NEV-20")
def test_the_first_event_says_when_and_where_from() -> None:
    parent = ParentNodeExecutionMetadata(node_id="n#1")
    first = node_event("QUEUED", 1, parent_node_metadata=parent, retry_group="0", input_uri="s3://in/1")
    second = node_event("RUNNING", 2, parent_node_metadata=ParentNodeExecutionMetadata(node_id="other"))
    said = reduce([PhaseEvent(first, padded("1")), PhaseEvent(second, padded("2"))])
    assert said.once["parent"] == "flytesnacks:development:run#n%231"
    assert (said.once["parent_node_id"], said.once["input_uri"]) == ("n#1", "s3://in/1")
    assert said.once["created_at"] == CREATED_AT + 1_000_000_000


@pytest.mark.conformance("NEV-07")
def test_updated_at_is_when_it_was_reported() -> None:
    said = reduce([PhaseEvent(node_event("QUEUED", 1, reported_at=at(1.5)), padded("1"))])
    assert said.latest["updated_at"] == CREATED_AT + 1_500_000_000


@pytest.mark.conformance("NEV-14", "NEV-15", "NEV-16")
def test_targets() -> None:
    child = node_event("RUNNING", 1, workflow_node_metadata=WorkflowNodeMetadata(execution_id=execution_id("child")))
    assert reduce([PhaseEvent(child, padded("1"))]).once["child_execution"] == "flytesnacks:development:child"
    cached = TaskNodeMetadata(cache_status=CACHE_HIT, catalog_key=CatalogMetadata(), checkpoint_uri="s3://checkpoint")
    said = reduce([PhaseEvent(node_event("RUNNING", 1, task_node_metadata=cached), padded("1"))])
    assert isinstance(said.latest["task_node_metadata"], bytes)
