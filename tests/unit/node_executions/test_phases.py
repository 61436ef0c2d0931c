"""The moves of a node execution's phase: the reducer, and the fast path as the same rule."""

from collections.abc import Sequence

import pytest
from flyteidl.admin.node_execution_pb2 import TaskNodeMetadata as StoredTaskNodeMetadata
from flyteidl.core.catalog_pb2 import CACHE_HIT, CatalogMetadata
from flyteidl.core.execution_pb2 import ExecutionError, NodeExecution
from flyteidl.core.identifier_pb2 import TaskExecutionIdentifier
from flyteidl.event.event_pb2 import (
    DynamicWorkflowNodeMetadata,
    NodeExecutionEvent,
    ParentNodeExecutionMetadata,
    ParentTaskExecutionMetadata,
    TaskNodeMetadata,
    WorkflowNodeMetadata,
)
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.facts import Value
from flyteadmin.identifiers import children_key, padded
from flyteadmin.node_executions.phases import TERMINAL, PhaseEvent, fold, metadata_of, reduce, refused_phases
from tests.builders import CREATED_AT, at, execution_id, node_event, node_id, task_id

PHASES = NodeExecution.Phase.keys()


def run(phases: Sequence[str]) -> list[PhaseEvent]:
    return [
        PhaseEvent(node_event(phase, n, deck_uri=f"s3://deck/{n}", input_uri=f"s3://in/{n}"), padded(str(n)))
        for n, phase in enumerate(phases, 1)
    ]


runs = st.lists(st.sampled_from(PHASES), max_size=7).map(run)


@given(runs, st.lists(st.booleans(), min_size=7, max_size=7))
def test_an_event_that_comes_twice_counts_once(events: list[PhaseEvent], twice: list[bool]) -> None:
    repeated = [each for event, again in zip(events, twice, strict=False) for each in [event] * (1 + again)]
    assert reduce(repeated) == reduce(events)


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


def said_by(*events: NodeExecutionEvent) -> dict[str, Value]:
    """Return a node's row after these events in this order, with its task metadata as offloading leaves it."""
    placed = [
        PhaseEvent(
            event,
            padded(str(n)),
            error=event.error.SerializeToString() if event.HasField("error") else b"",
            task_node_metadata=metadata_of(event).SerializeToString(),
            dynamic_workflow_uri=event.task_node_metadata.dynamic_workflow.id.name,
        )
        for n, event in enumerate(events, 1)
    ]
    return reduce(placed).values()


@pytest.mark.conformance("NEV-06")
@pytest.mark.parametrize("phase", PHASES)
def test_a_first_event_counts_in_any_phase(phase: str) -> None:
    assert said_by(node_event(phase))["phase"] == phase


@pytest.mark.conformance("NEV-08", "NEV-23")
def test_what_names_a_node_comes_from_the_first_event() -> None:
    said = said_by(
        node_event("QUEUED", spec_node_id="n0", retry_group="1"),
        node_event("RUNNING", spec_node_id="other", retry_group="2", event_version=2),
    )
    assert (said["spec_node_id"], said["retry_group"], said["event_version"]) == ("n0", "1", 1)
    unnamed = node_event("QUEUED")
    unnamed.ClearField("spec_node_id")
    assert said_by(unnamed, node_event("RUNNING", spec_node_id="late"))["spec_node_id"] == "late"


@pytest.mark.conformance("NEV-08")
def test_what_is_not_stored_of_a_node_event() -> None:
    plain = said_by(node_event("QUEUED"))
    assert said_by(node_event("QUEUED", is_eager=True, target_entity=task_id(), is_in_dynamic_chain=True)) == plain


@pytest.mark.conformance("NEV-10")
def test_a_node_below_a_task_execution() -> None:
    parent = TaskExecutionIdentifier(task_id=task_id(), node_execution_id=node_id("n#0"), retry_attempt=1)
    said = said_by(node_event("QUEUED", parent_task_metadata=ParentTaskExecutionMetadata(id=parent)))
    task = "n%230#flytesnacks:development:task:v1#000001"
    assert said["parent"] == children_key("flytesnacks:development:run", task=task)
    assert said_by(node_event("QUEUED"))["parent"] == children_key("flytesnacks:development:run")


@pytest.mark.conformance("NEV-11", "NEV-12")
@pytest.mark.parametrize(
    ("stored", "later"),
    [("RUNNING", "RUNNING"), ("SUCCEEDED", "SUCCEEDED"), ("SUCCEEDED", "FAILED"), ("SKIPPED", "RUNNING")],
)
def test_what_is_not_accepted_only_fills_what_is_missing(stored: str, later: str) -> None:
    """A phase again, or any after the end, with other things to say than the event that counted."""
    first = node_event(stored, 5, deck_uri="s3://deck", is_array=True, output_uri="s3://out")
    late = node_event(
        *(later, 9),
        reported_at=at(10),
        deck_uri="s3://other",
        input_uri="s3://in",
        output_uri="s3://other",
        is_parent=True,
        task_node_metadata=TaskNodeMetadata(checkpoint_uri="s3://other"),
    )
    filled = {"input_uri": "s3://in", "is_parent_node": True}
    if later == "RUNNING" and stored != "RUNNING":
        filled["started_at"] = CREATED_AT + 9_000_000_000
    before = said_by(first)
    assert said_by(first, late) == before | filled
    assert stored in refused_phases(later)


@pytest.mark.conformance("NEV-14")
def test_a_child_execution_is_linked_once() -> None:
    first = WorkflowNodeMetadata(execution_id=execution_id("child"))
    second = WorkflowNodeMetadata(execution_id=execution_id("another"))
    said = said_by(
        node_event("QUEUED"),
        node_event("RUNNING", workflow_node_metadata=first),
        node_event("SUCCEEDED", workflow_node_metadata=second),
    )
    assert said["child_execution"] == "flytesnacks:development:child"


@pytest.mark.conformance("NEV-15")
def test_task_metadata_is_replaced() -> None:
    cached = TaskNodeMetadata(cache_status=CACHE_HIT, catalog_key=CatalogMetadata(), checkpoint_uri="s3://checkpoint")
    first = node_event("RUNNING", task_node_metadata=cached)
    said = said_by(first)
    assert (said["cache_status"], StoredTaskNodeMetadata.FromString(kept(said)).cache_status) == (
        "CACHE_HIT",
        CACHE_HIT,
    )
    without_key = TaskNodeMetadata(cache_status=CACHE_HIT, checkpoint_uri="s3://newer")
    later = StoredTaskNodeMetadata.FromString(
        kept(said_by(first, node_event("SUCCEEDED", task_node_metadata=without_key)))
    )
    assert later == StoredTaskNodeMetadata(checkpoint_uri="s3://newer")
    assert StoredTaskNodeMetadata.FromString(kept(said_by(first, node_event("SUCCEEDED")))).HasField("catalog_key")


def kept(said: dict[str, Value]) -> bytes:
    metadata = said["task_node_metadata"]
    assert isinstance(metadata, bytes)
    return metadata


@pytest.mark.conformance("NEV-05", "NEV-16")
def test_a_dynamic_workflow_is_not_erased_and_comes_late_if_it_must() -> None:
    dynamic = DynamicWorkflowNodeMetadata(id=task_id("wf"), dynamic_job_spec_uri="s3://spec")
    event = node_event("DYNAMIC_RUNNING", task_node_metadata=TaskNodeMetadata(dynamic_workflow=dynamic))
    links = {"dynamic_workflow_uri": "wf", "dynamic_job_spec_uri": "s3://spec"}
    plain = node_event("RUNNING", task_node_metadata=TaskNodeMetadata())
    assert said_by(event, plain).items() >= links.items()
    late = said_by(node_event("SUCCEEDED"), event)
    assert late.items() >= {"phase": "SUCCEEDED", **links}.items()
    newer = DynamicWorkflowNodeMetadata(id=task_id("retried"))
    retried = node_event("RUNNING", task_node_metadata=TaskNodeMetadata(dynamic_workflow=newer))
    assert said_by(event, retried)["dynamic_workflow_uri"] == "retried"
    assert said_by(event, node_event("SUCCEEDED"), retried)["dynamic_workflow_uri"] == "wf"


@pytest.mark.conformance("NEV-17", "NEV-18", "KD-11")
def test_the_deck_is_what_a_start_or_an_end_says() -> None:
    running = node_event("RUNNING", deck_uri="s3://deck/1")
    assert said_by(node_event("QUEUED", deck_uri="s3://deck/0")).get("deck_uri") is None
    assert said_by(running, node_event("FAILED", deck_uri="s3://deck/2"))["deck_uri"] == "s3://deck/2"
    assert said_by(running, node_event("DYNAMIC_RUNNING"))["deck_uri"] == "s3://deck/1"
    assert "deck_uri" not in said_by(running, node_event("SUCCEEDED"))


@pytest.mark.conformance("NEV-19")
def test_outcomes_count_at_the_end_only() -> None:
    error = ExecutionError(code="E", kind=ExecutionError.SYSTEM)
    early = said_by(node_event("RUNNING", output_uri="s3://out"), node_event("FAILING", error=error))
    assert not {"output_uri", "error", "error_code"} & set(early)
    ended = said_by(node_event("FAILED", error=error))
    assert (ended["error_kind"], ended["error_code"]) == ("SYSTEM", "E")


@pytest.mark.conformance("NEV-20")
def test_inputs_are_set_once() -> None:
    first, second = node_event("QUEUED", input_uri="s3://in/1"), node_event("RUNNING", input_uri="s3://in/2")
    assert said_by(first, second)["input_uri"] == "s3://in/1"
    assert said_by(node_event("QUEUED"), node_event("SUCCEEDED"), second)["input_uri"] == "s3://in/2"


@pytest.mark.conformance("NEV-21")
def test_flags_are_switched_on_and_never_off() -> None:
    said = said_by(node_event("QUEUED"), node_event("RUNNING", is_parent=True, is_array=True), node_event("SUCCEEDED"))
    assert (said["is_parent_node"], said["is_array"], "is_dynamic" in said) == (True, True, False)


@pytest.mark.conformance("NEV-22")
@pytest.mark.parametrize("node", ["start-node", "end-node"])
def test_start_and_end_are_nodes_like_others(node: str) -> None:
    assert said_by(node_event("SUCCEEDED", node=node, output_uri="s3://out"))["output_uri"] == "s3://out"


def test_uris_that_no_store_has_are_cut() -> None:
    long = "s3://" + "x" * 500_000
    said = said_by(node_event("SUCCEEDED", input_uri=long, output_uri=long, deck_uri=long))
    assert {len(str(said[name])) for name in ("input_uri", "output_uri", "deck_uri")} == {2048}
