"""The moves of an execution's phase: the reducer, and the fast path as the same rule."""

from collections.abc import Sequence

import pytest
from flyteidl.core.execution_pb2 import ExecutionError, WorkflowExecution
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.executions.phases import (
    TERMINAL,
    UNDEFINED,
    ControlPlanePhase,
    PhaseEvent,
    accepts,
    facts_of_control_plane,
    fold,
    reduce,
    refused_phases,
)
from flyteadmin.facts import Facts
from flyteadmin.identifiers import padded
from tests.builders import CREATED_AT, workflow_event

PHASES = WorkflowExecution.Phase.keys()


def run(phases: Sequence[str]) -> list[PhaseEvent]:
    return [PhaseEvent(workflow_event(phase, n), padded(str(n))) for n, phase in enumerate(phases, 1)]


runs = st.lists(st.sampled_from(PHASES), max_size=7).map(run)


@pytest.mark.conformance("WFE-04", "WFE-07", "WFE-08", "WFE-09", "WFE-10", "WFE-11")
@pytest.mark.parametrize(
    ("stored", "phase", "is_accepted"),
    [
        ("UNDEFINED", "SUCCEEDED", True),
        ("QUEUED", "RUNNING", True),
        ("SUCCEEDING", "RUNNING", True),
        ("FAILING", "SUCCEEDED", True),
        ("RUNNING", "RUNNING", False),
        ("RUNNING", "QUEUED", False),
        ("ABORTING", "RUNNING", False),
        ("ABORTING", "SUCCEEDED", True),
        ("ABORTING", "ABORTED", True),
        ("SUCCEEDED", "FAILED", False),
        ("FAILED", "QUEUED", False),
        ("TIMED_OUT", "ABORTED", False),
    ],
)
def test_which_phase_moves_which(stored: str, phase: str, is_accepted: bool) -> None:
    assert accepts(stored, phase) is is_accepted
    assert (stored in refused_phases(phase)) is not is_accepted


@given(runs, st.lists(st.booleans(), min_size=7, max_size=7))
def test_an_event_that_comes_twice_counts_once(events: list[PhaseEvent], twice: list[bool]) -> None:
    repeated = [each for event, again in zip(events, twice, strict=False) for each in [event] * (1 + again)]
    assert reduce(repeated, ControlPlanePhase()) == reduce(events, ControlPlanePhase())


@given(runs, st.integers(0, 7))
def test_the_fast_path_is_the_reducer(events: list[PhaseEvent], cut: int) -> None:
    """Given a row that says what the log says, when the condition holds, then folding on top equals reducing all."""
    earlier, later = events[:cut], events[cut:]
    row = reduce(earlier, ControlPlanePhase())
    if later and (row.phase or UNDEFINED) not in refused_phases(later[0].phase):
        assert row.then(fold(later)) == reduce(events, ControlPlanePhase())


def test_an_event_without_a_phase_moves_nothing_back() -> None:
    """A counterexample that the property above once found: the fast path kept QUEUED, the reducer did not."""
    assert reduce(run(["QUEUED", "UNDEFINED"]), ControlPlanePhase()).phase == "QUEUED"


@given(runs, st.sampled_from(["ABORTING", "ABORTED", "FAILED"]))
def test_an_overlay_outranks_what_has_not_ended(events: list[PhaseEvent], phase: str) -> None:
    plain, under = reduce(events, ControlPlanePhase()), reduce(events, ControlPlanePhase(phase, CREATED_AT))
    has_ended = plain.phase in TERMINAL
    assert under.phase == (plain.phase if has_ended and phase == "ABORTING" else phase)
    assert under.once == plain.once
    assert sum(text.startswith(f"{phase} {CREATED_AT}") for text in under.transitions) == 1


@given(runs)
def test_an_overlay_and_then_an_end_is_the_end_under_the_overlay(events: list[PhaseEvent]) -> None:
    """`write_control_plane_facts` and then the fast path write the same as a rebuild of both."""
    overlay = ControlPlanePhase("ABORTING", CREATED_AT)
    row = reduce(events, ControlPlanePhase())
    if row.phase in TERMINAL:
        return
    ended = PhaseEvent(workflow_event("ABORTED", 9), padded("9"))
    assert row.then(facts_of_control_plane(overlay)).then(fold([ended])).values() == {
        **reduce([*events, ended], overlay).values(),
        "overlay_phase": "ABORTING",
        "overlay_at": CREATED_AT,
    }


facts = st.builds(
    Facts,
    st.dictionaries(st.sampled_from("ab"), st.integers()),
    st.dictionaries(st.sampled_from("cd"), st.one_of(st.none(), st.integers())),
    st.lists(st.text(max_size=2), max_size=2).map(tuple),
    st.text("01", max_size=2),
)


@given(facts, facts, facts)
def test_facts_compose_in_any_grouping(a: Facts, b: Facts, c: Facts) -> None:
    assert a.then(b).then(c) == a.then(b.then(c))


@pytest.mark.conformance("WFE-14")
def test_the_first_start_is_kept() -> None:
    said = reduce(run(["RUNNING", "SUCCEEDING", "RUNNING"]), ControlPlanePhase())
    assert said.once["started_at"] == CREATED_AT + 1_000_000_000
    assert said.phase == "RUNNING"


@pytest.mark.conformance("WFE-16", "WFE-19")
def test_an_outcome_counts_in_any_phase_and_the_latest_replaces_it() -> None:
    error = ExecutionError(code="E" * 300, kind=ExecutionError.USER)
    failing = PhaseEvent(workflow_event("FAILING", 1, error=error), padded("1"), error=b"error")
    said = reduce([failing], ControlPlanePhase())
    assert (said.values()["error"], said.values()["error_kind"], said.values()["error_code"]) == (
        b"error",
        "USER",
        "E" * 256,
    )
    ended = PhaseEvent(workflow_event("SUCCEEDED", 2, output_uri="s3://out"), padded("2"))
    assert not {"error", "error_kind", "error_code"} & set(reduce([failing, ended], ControlPlanePhase()).values())
    for says_nothing in (workflow_event("FAILED", 2), workflow_event("FAILED", 2, output_uri="")):
        said = reduce([failing, PhaseEvent(says_nothing, padded("2"))], ControlPlanePhase())
        assert (said.values()["error"], "outputs_uri" in said.values()) == (b"error", False)
