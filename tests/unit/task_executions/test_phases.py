"""The moves of a task attempt: the events that count, and the parts of them that stay."""

import copy
from collections.abc import Sequence

import pytest
from flyteidl.admin.task_execution_pb2 import TaskExecutionClosure
from flyteidl.core.execution_pb2 import ExecutionError, TaskExecution, TaskLog
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.event.event_pb2 import EventReason, TaskExecutionEvent
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.identifiers import padded
from flyteadmin.task_executions.merging import memory_of
from flyteadmin.task_executions.phases import TERMINAL, PhaseEvent, TaskState, accepts, reduce
from tests.builders import at, task_event

PHASES = sorted(TaskExecution.Phase.keys())


def placed(events: Sequence[TaskExecutionEvent], first: int = 1) -> list[PhaseEvent]:
    return [PhaseEvent(event, padded(str(n))) for n, event in enumerate(events, first)]


def state(*events: TaskExecutionEvent) -> TaskState:
    reduced = reduce(placed(events))
    assert reduced is not None
    return reduced


def closure(*events: TaskExecutionEvent) -> TaskExecutionClosure:
    return state(*events).closure


runs = st.lists(st.tuples(st.sampled_from(PHASES), st.integers(0, 2)), max_size=7).map(
    lambda run: placed([task_event(phase, n, phase_version=version) for n, (phase, version) in enumerate(run, 1)])
)


@given(runs, st.lists(st.booleans(), min_size=7, max_size=7))
def test_an_event_that_comes_twice_counts_once(events: list[PhaseEvent], twice: list[bool]) -> None:
    repeated = [each for event, again in zip(events, twice, strict=False) for each in [event] * (1 + again)]
    assert reduce(repeated) == reduce(events)


@given(runs, st.integers(0, 7))
def test_a_batch_on_top_of_a_row_is_the_whole_log_and_leaves_the_row(events: list[PhaseEvent], cut: int) -> None:
    row = reduce(events[:cut])
    before = copy.deepcopy(row)
    assert reduce(events[cut:], row) == reduce(events)
    assert row == before


heavy = st.lists(st.tuples(st.sampled_from(PHASES), st.integers(0, 60)), max_size=7).map(
    lambda run: placed(
        [task_event(phase, n, phase_version=n, reason=f"{n}" * length) for n, (phase, length) in enumerate(run, 1)]
    )
)


@given(heavy, st.integers(0, 7))
def test_beyond_its_bound_a_closure_only_moves_in_batches_as_in_the_whole_log(
    events: list[PhaseEvent], cut: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flyteadmin.task_executions.phases.MAX_CLOSURE_MEMORY", 500)
        bounded = reduce(events)
        assert reduce(events[cut:], reduce(events[:cut])) == bounded
    free = reduce(events)
    if bounded is None or free is None:
        assert bounded == free
        return
    assert (bounded.closure.phase, bounded.ended_at) == (free.closure.phase, free.ended_at)
    assert memory_of(bounded.closure) <= 500 + 200, "about"


def test_an_end_beyond_the_bound_has_its_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flyteadmin.task_executions.phases.MAX_CLOSURE_MEMORY", 500)
    first = task_event("RUNNING", 1, logs=[TaskLog(name="seen while it runs", uri="s3://l", HideOnceFinished=True)])
    error = ExecutionError(message="x" * 1000)
    last = closure(first, task_event("FAILED", 2, reason="never told", error=error))
    assert (last.phase, last.error, list(last.logs), last.reason) == (TaskExecution.FAILED, error, [], "")
    assert last.duration.ToSeconds() == 1


@pytest.mark.conformance("TEV-05")
@pytest.mark.parametrize("phase", PHASES)
def test_a_first_event_counts_in_any_phase(phase: str) -> None:
    assert TaskExecution.Phase.Name(closure(task_event(phase)).phase) == phase


@pytest.mark.conformance("TEV-06", "TEV-07", "TEV-08")
@pytest.mark.parametrize(
    ("stored", "version", "phase", "newer", "is_accepted"),
    [
        ("RUNNING", 1, "RUNNING", 1, False),
        ("RUNNING", 1, "RUNNING", 0, False),
        ("RUNNING", 1, "RUNNING", 2, True),
        ("RUNNING", 5, "QUEUED", 0, True),
        ("RUNNING", 5, "SUCCEEDED", 0, True),
        ("RETRYABLE_FAILED", 0, "RUNNING", 0, True),
        ("SUCCEEDED", 0, "FAILED", 0, False),
        ("FAILED", 0, "FAILED", 7, False),
        ("ABORTED", 0, "RUNNING", 0, False),
    ],
)
def test_which_event_moves_which_state(stored: str, version: int, phase: str, newer: int, is_accepted: bool) -> None:
    event = task_event(phase, phase_version=newer)
    assert accepts(state(task_event(stored, phase_version=version)), event) is is_accepted


@pytest.mark.conformance("TEV-06", "TEV-08")
@pytest.mark.parametrize(
    ("stored", "later"),
    [("RUNNING", "RUNNING"), ("SUCCEEDED", "SUCCEEDED"), ("SUCCEEDED", "FAILED"), ("ABORTED", "RUNNING")],
)
def test_what_is_not_accepted_only_fills_what_is_missing(stored: str, later: str) -> None:
    """A phase again in no higher version, or any after the end, that says other things than the event that counted."""
    first = task_event(stored, 5, phase_version=1, reason="first", output_uri="s3://out")
    late = task_event(
        *(later, 9),
        phase_version=1,
        reported_at=at(10),
        reason="other",
        logs=[TaskLog(uri="s3://other")],
        input_uri="s3://in",
        output_uri="s3://other",
        metadata={"generated_name": "other"},
    )
    expected = closure(first)
    if later == "RUNNING" and stored != "RUNNING":
        expected.started_at.CopyFrom(at(9))
        expected.duration.seconds = -4
    after = state(first, late)
    assert after.closure == expected
    assert after.input_uri == "s3://in"


@given(runs)
def test_the_first_end_is_kept(events: list[PhaseEvent]) -> None:
    ends = [event for event in events if event.event.phase in TERMINAL]
    reduced = reduce(events)
    if ends:
        assert reduced is not None
        assert reduced.closure.phase == ends[0].event.phase
        assert reduced.ended_at == ends[0].event.occurred_at.ToNanoseconds()


@pytest.mark.conformance("TEV-10")
def test_what_a_first_event_says() -> None:
    said = closure(task_event("QUEUED", 1, reported_at=at(1.5), event_version=1))
    assert (said.created_at, said.updated_at) == (at(1), at(1.5))
    assert (said.task_type, said.event_version) == ("python-task", 1)
    assert closure(task_event("QUEUED", 1)).updated_at == at(1)


@pytest.mark.conformance("TEV-10")
def test_the_task_type_never_changes() -> None:
    assert closure(task_event("QUEUED"), task_event("RUNNING", task_type="other")).task_type == "python-task"


@pytest.mark.conformance("TEV-12")
def test_the_first_start_is_kept() -> None:
    said = closure(
        task_event("QUEUED", 1),
        task_event("RUNNING", 2),
        task_event("RUNNING", 3, phase_version=1),
        task_event("QUEUED", 4),
        task_event("RUNNING", 5),
    )
    assert said.started_at == at(2)


@pytest.mark.conformance("TEV-13")
def test_an_end_brings_outcome_and_duration() -> None:
    outputs = LiteralMap()
    outputs.literals["x"].scalar.primitive.integer = 1
    ended = closure(task_event("RUNNING", 2), task_event("SUCCEEDED", 5.5, output_uri="s3://out"))
    assert (ended.output_uri, ended.duration.ToNanoseconds()) == ("s3://out", 3_500_000_000)
    never_started = closure(task_event("SUCCEEDED", 5))
    assert not never_started.HasField("duration")
    inline = PhaseEvent(task_event("SUCCEEDED", output_data=outputs), padded("1"))
    reduced = reduce([inline])
    assert reduced is not None
    assert reduced.closure.output_data == outputs
    offloaded = reduce([PhaseEvent(inline.event, padded("1"), outputs_uri="s3://offloaded")])
    assert offloaded is not None
    assert offloaded.closure.output_uri == "s3://offloaded"
    assert closure(task_event("FAILED", error=ExecutionError(code="E"))).error.code == "E"


@pytest.mark.conformance("TEV-13")
@pytest.mark.parametrize("phase", ["RUNNING", "RETRYABLE_FAILED"])
def test_what_is_no_end_brings_neither(phase: str) -> None:
    said = closure(task_event("RUNNING", 1), task_event(phase, 2, phase_version=1, error=ExecutionError(code="E")))
    assert said.WhichOneof("output_result") is None
    assert not said.HasField("duration")


@pytest.mark.conformance("TEV-12", "TEV-13")
def test_a_start_that_comes_late_still_gives_the_duration() -> None:
    assert closure(task_event("SUCCEEDED", 5), task_event("RUNNING", 2)).duration.ToSeconds() == 3


@pytest.mark.conformance("TEV-11")
def test_reasons() -> None:
    said = closure(
        task_event("QUEUED", 1, reason="waiting"),
        task_event("RUNNING", 2, reason="waiting"),
        task_event("RUNNING", 3, phase_version=1, reason="pulling"),
        task_event(
            "RUNNING",
            9,
            phase_version=2,
            reason="ignored beside a list",
            reasons=[EventReason(reason="pulled", occurred_at=at(4)), EventReason(reason="pulled", occurred_at=at(5))],
        ),
        task_event("SUCCEEDED", 10),
    )
    assert [(reason.message, reason.occurred_at) for reason in said.reasons] == [
        ("waiting", at(1)),
        ("pulling", at(3)),
        ("pulled", at(4)),
        ("pulled", at(5)),
    ]
    assert said.reason == "pulled"


@pytest.mark.conformance("TEV-11")
def test_reasons_of_a_first_event() -> None:
    reasons = [EventReason(reason="a", occurred_at=at(1)), EventReason(reason="b", occurred_at=at(2))]
    said = closure(task_event("QUEUED", 3, reasons=reasons))
    assert ([reason.message for reason in said.reasons], said.reason) == (["a", "b"], "b")


@pytest.mark.conformance("TEV-20")
def test_the_event_version_only_grows() -> None:
    assert closure(task_event("QUEUED", event_version=2), task_event("RUNNING", event_version=1)).event_version == 2
    assert closure(task_event("QUEUED", event_version=1), task_event("RUNNING", event_version=3)).event_version == 3


@pytest.mark.conformance("TEV-21")
def test_inputs_are_set_once() -> None:
    first, second = task_event("QUEUED"), task_event("RUNNING", input_uri="s3://in/1")
    third = task_event("SUCCEEDED", input_uri="s3://in/2")
    assert state(first, second, third).input_uri == "s3://in/1"
    late = task_event("RUNNING", input_uri="s3://in/late")
    assert state(first, task_event("SUCCEEDED"), late).input_uri == "s3://in/late"


def test_a_uri_that_no_store_has_is_cut() -> None:
    assert len(state(task_event("QUEUED", input_uri="s3://" + "é" * 500_000)).input_uri.encode()) in {2047, 2048}
