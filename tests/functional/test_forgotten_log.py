"""A late or repeated event on a row whose log is gone, whole or in parts: what the row knows stays."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flyteidl.core.execution_pb2 import ExecutionError, TaskLog

from flyteadmin.clients.dynamodb.writes import Put, write
from flyteadmin.events.models import LoggedEvent
from flyteadmin.events.validation import Event
from flyteadmin.executions import repository as executions
from flyteadmin.executions.models import ExecutionState
from flyteadmin.node_executions import repository as node_executions
from flyteadmin.node_executions.models import NodeExecutionRow
from flyteadmin.task_executions import repository as task_executions
from local.aws.data import DataAccount as Aws
from tests.builders import (
    CREATED_AT,
    DOMAIN,
    PROJECT,
    lease_of,
    node_event,
    stored_execution,
    task_event,
    workflow_event,
)
from tests.event_delivery import apply, forget

RUN = f"{PROJECT}:{DOMAIN}:run"
NODE: list[Event] = [
    node_event("QUEUED", 1, input_uri="s3://inputs"),
    node_event("RUNNING", 2, deck_uri="s3://early-deck"),
    node_event("SUCCEEDED", 3, output_uri="s3://outputs", deck_uri="s3://deck"),
]
TASK: list[Event] = [
    task_event("QUEUED", 1, reason="submitted"),
    task_event("RUNNING", 2, reason="pulled", logs=[TaskLog(name="log", uri="s3://log")]),
    task_event("SUCCEEDED", 3, output_uri="s3://outputs"),
]
EXECUTION: list[Event] = [
    workflow_event("QUEUED", 1),
    workflow_event("RUNNING", 2),
    workflow_event("SUCCEEDED", 3, output_uri="s3://outputs"),
]
ERROR = ExecutionError(code="USER:Late", message="late")


def node() -> NodeExecutionRow:
    row = node_executions.read(RUN, "n0")
    assert row is not None
    return row


def execution() -> ExecutionState:
    state = executions.read_state(RUN)
    assert state is not None
    return state


def _is_all(_: LoggedEvent) -> bool:
    return True


def _is_end(entry: LoggedEvent) -> bool:
    return entry.entry.endswith("13")


def _is_beginning(entry: LoggedEvent) -> bool:
    return entry.entry.endswith(("11", "12"))


PARTS = {"all": _is_all, "the end": _is_end, "the beginning": _is_beginning}
LATE = {"in an earlier place": 5, "in a later place": 50}


def values(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.attribute_values.items() if name not in {"version", "sequence"}}


def before_and_after(
    read: Callable[[], Any], events: Sequence[Event], gone: str, late: Event, place: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Apply events, forget a part of the log, apply a late event; return the row's values before it and after it."""
    stored_execution()
    apply(*events, first=11)
    before = values(read())
    forget(RUN, PARTS[gone])
    apply(late, first=LATE[place])
    return before, values(read())


@pytest.mark.conformance("NEV-12", "NEV-13", "KD-17")
@pytest.mark.parametrize("place", LATE)
@pytest.mark.parametrize("gone", PARTS)
@pytest.mark.parametrize(
    "late",
    [
        node_event("RUNNING", 2.5, deck_uri="s3://late-deck"),
        node_event("FAILED", 4, error=ERROR),
        node_event("SUCCEEDED", 4, output_uri="s3://other"),
        node_event("QUEUED", 0.5, input_uri="s3://other-inputs"),
    ],
    ids=["RUNNING", "FAILED", "SUCCEEDED", "QUEUED"],
)
def test_an_ended_node_keeps_what_it_knows(aws: Aws, gone: str, late: Event, place: str) -> None:
    before, after = before_and_after(node, NODE, gone, late, place)
    assert after == before


@pytest.mark.conformance("TEV-08", "KD-17")
@pytest.mark.parametrize("place", LATE)
@pytest.mark.parametrize("gone", PARTS)
@pytest.mark.parametrize("phase", ["QUEUED", "RUNNING", "FAILED", "SUCCEEDED"])
def test_an_ended_task_keeps_output_logs_and_reasons(aws: Aws, gone: str, phase: str, place: str) -> None:
    stored_execution()
    apply(*TASK, first=11)
    [attempt] = task_executions.of_node(RUN, "n0")
    before = task_executions.closure_of(attempt)
    forget(RUN, PARTS[gone])
    apply(task_event(phase, 9, reason="late", output_uri="s3://other"), first=LATE[place])
    [attempt] = task_executions.of_node(RUN, "n0")
    assert task_executions.closure_of(attempt) == before
    assert before.output_uri == "s3://outputs"
    assert [reason.message for reason in before.reasons] == ["submitted", "pulled"]
    assert attempt.phase == "SUCCEEDED"


def reasons() -> list[str]:
    [attempt] = task_executions.of_node(RUN, "n0")
    return [reason.message for reason in task_executions.closure_of(attempt).reasons]


def test_a_task_of_an_earlier_version_which_did_not_count_events_keeps_what_it_knows(aws: Aws) -> None:
    stored_execution()
    apply(*TASK, first=11)
    [attempt] = task_executions.of_node(RUN, "n0")
    attempt.applied, attempt.places = 0, None
    write(Put(attempt))
    forget(RUN, _is_beginning)
    apply(task_event("QUEUED", 0.5, reason="late"), first=5)
    assert reasons() == ["submitted", "pulled"]
    apply(task_event("RUNNING", 0.6, reason="later"), first=6)
    assert reasons() == ["submitted", "pulled"], "nor is it taken for one whose events were all counted"


def test_a_task_with_more_events_than_a_row_remembers_keeps_what_it_knows(aws: Aws) -> None:
    stored_execution()
    updates = [task_event("RUNNING", second, phase_version=second, reason=f"r{second}") for second in range(80)]
    for start in range(0, 80, 10):
        apply(*updates[start : start + 10], first=11 + start)
    before = reasons()
    assert len(before) == 80
    late = task_event("QUEUED", 0, reason="late")
    apply(late, first=5)
    assert reasons() == ["late", *before], "a whole log is reduced anew"
    forget(RUN, lambda entry: int(entry.entry[-3:]) in range(81, 89))
    apply(task_event("QUEUED", 0, reason="lost"), first=6)
    assert reasons() == ["late", *before]


def test_an_entry_whose_blob_is_gone_is_lost_like_any_other(aws: Aws) -> None:
    stored_execution()
    large = task_event("RUNNING", 2, reason="x" * 100_000)
    apply(TASK[0], large, TASK[2], first=11)
    before = reasons()
    objects = aws.client("s3").list_objects_v2(Bucket=aws.resources["Bucket"], Prefix="events/")["Contents"]
    for each in objects:
        aws.client("s3").delete_object(Bucket=aws.resources["Bucket"], Key=each["Key"])
    apply(task_event("QUEUED", 0.5, reason="late"), first=5)
    assert reasons() == before
    assert len(before) == 2


@pytest.mark.conformance("WFE-07", "WFE-11", "KD-17")
@pytest.mark.parametrize("place", LATE)
@pytest.mark.parametrize("gone", PARTS)
@pytest.mark.parametrize("phase", ["QUEUED", "RUNNING", "FAILED", "SUCCEEDED"])
def test_an_ended_execution_keeps_output_and_transitions(aws: Aws, gone: str, phase: str, place: str) -> None:
    late = workflow_event(phase, 9, output_uri="s3://other")
    before, after = before_and_after(execution, EXECUTION, gone, late, place)
    assert after == before
    assert [text.split(" ")[0] for text in before["transitions"]] == ["QUEUED", "RUNNING", "SUCCEEDED"]


def test_a_late_event_still_fills_what_a_row_does_not_know(aws: Aws) -> None:
    stored_execution()
    apply(node_event("SUCCEEDED", 3), task_event("SUCCEEDED", 3), workflow_event("SUCCEEDED", 3), first=11)
    forget(RUN, _is_all)
    apply(
        node_event("RUNNING", 2, input_uri="s3://inputs"),
        task_event("RUNNING", 2),
        workflow_event("RUNNING", 2),
        first=5,
    )
    [attempt] = task_executions.of_node(RUN, "n0")
    assert (node().phase, attempt.phase, execution().phase) == ("SUCCEEDED",) * 3
    started = CREATED_AT + 2 * 10**9
    assert (node().started_at, node().input_uri, execution().started_at) == (started, "s3://inputs", started)
    assert task_executions.closure_of(attempt).duration.seconds == 1


def test_a_running_entity_goes_on_to_an_end_in_any_place(aws: Aws) -> None:
    """A redriven end is not lost because the log is: the entity would run on, and hold its lease."""
    state = stored_execution()
    apply(node_event("RUNNING", 1), task_event("RUNNING", 1), workflow_event("RUNNING", 1), first=11)
    forget(RUN, _is_all)
    apply(node_event("QUEUED", 0), task_event("QUEUED", 0), workflow_event("QUEUED", 0), first=2)
    [attempt] = task_executions.of_node(RUN, "n0")
    assert (node().phase, attempt.phase, execution().phase) == ("RUNNING",) * 3
    forget(RUN, _is_all)
    apply(
        node_event("FAILED", 3, error=ERROR), task_event("FAILED", 3), workflow_event("FAILED", 3, error=ERROR), first=6
    )
    [attempt] = task_executions.of_node(RUN, "n0")
    assert (node().phase, attempt.phase, execution().phase) == ("FAILED",) * 3
    assert [text.split(" ")[0] for text in execution().transitions] == ["RUNNING", "FAILED"]
    assert execution().error_code == "USER:Late"
    assert lease_of(state) is None


def test_imported_rows_have_no_log_at_all(aws: Aws) -> None:
    state = stored_execution()
    state.phase, state.started_at, state.ended_at = "SUCCEEDED", CREATED_AT, CREATED_AT
    state.outputs_uri = "s3://outputs"
    write(Put(state))
    apply(workflow_event("RUNNING", 5), workflow_event("FAILED", 6, error=ERROR))
    after = execution()
    assert (after.phase, after.outputs_uri, after.started_at) == ("SUCCEEDED", "s3://outputs", CREATED_AT)
