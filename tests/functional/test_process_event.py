"""Queued events through the real handler: logged first, then applied, whatever happens to them on the way."""

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from flyteidl.core.execution_pb2 import ExecutionError, TaskLog
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.clients import queue
from flyteadmin.clients.dynamodb.writes import batch_put
from flyteadmin.errors import Unavailable
from flyteadmin.events.models import LoggedEvent
from flyteadmin.events.validation import Event
from flyteadmin.executions import repository as executions
from flyteadmin.executions.models import ExecutionState
from flyteadmin.executions.phases import ControlPlanePhase, facts_of_control_plane
from flyteadmin.node_executions import repository as node_executions
from flyteadmin.node_executions.models import NodeExecutionRow
from flyteadmin.task_executions import repository as task_executions
from flyteadmin.timestamps import NANOSECONDS
from local.aws.data import DataAccount as Aws
from tests.aws_events import queue_record
from tests.builders import (
    CREATED_AT,
    DOMAIN,
    PROJECT,
    lease_of,
    message_body,
    node_event,
    stored_execution,
    task_event,
    workflow_event,
)
from tests.event_delivery import again

RUN = f"{PROJECT}:{DOMAIN}:run"


def deliver(events: Sequence[Event], *, first: int = 1, receive_count: int = 1) -> list[str]:
    """Hand events to the handler as one batch, with sequences from `first` on; the messages to deliver again."""
    records = [
        queue_record(message_body(event), sequence, receive_count=receive_count)
        for sequence, event in enumerate(events, first)
    ]
    return again(records)


def execution() -> ExecutionState:
    state = executions.read_state(RUN)
    assert state is not None
    return state


def node(node_id: str = "n0") -> NodeExecutionRow:
    row = node_executions.read(RUN, node_id)
    assert row is not None
    return row


def phases(state: ExecutionState) -> list[str]:
    return [text.split(" ")[0] for text in state.transitions]


def dead_letters(aws: Aws) -> list[dict[str, object]]:
    sqs = aws.endpoint.client("sqs", aws.account)
    answer = sqs.receive_message(
        QueueUrl=aws.resources["EventsDeadLetterQueue"], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    messages: list[dict[str, object]] = answer.get("Messages", [])
    return messages


RUN_OF_A_WORKFLOW: list[Event] = [
    workflow_event("RUNNING", 1),
    node_event("QUEUED", 2),
    task_event("QUEUED", 2.1),
    node_event("RUNNING", 3),
    task_event("RUNNING", 3.1, logs=[TaskLog(name="log", uri="s3://log")]),
    task_event("SUCCEEDED", 4, output_uri="s3://bucket/outputs.pb"),
    node_event("SUCCEEDED", 5, output_uri="s3://bucket/outputs.pb"),
    workflow_event("SUCCEEDING", 6),
    workflow_event("SUCCEEDED", 7, output_uri="s3://bucket/outputs.pb"),
]


@pytest.mark.conformance("WFE-12", "WFE-14", "WFE-15", "WFE-17", "NEV-06", "NEV-17", "NEV-18", "TEV-10", "TEV-12")
@pytest.mark.parametrize("size", [1, 4, 9])
def test_a_run_is_applied_whatever_its_batches(aws: Aws, size: int) -> None:
    state = stored_execution()
    for start in range(0, len(RUN_OF_A_WORKFLOW), size):
        assert deliver(RUN_OF_A_WORKFLOW[start : start + size], first=start + 1) == []
    ended = execution()
    assert (ended.phase, ended.outputs_uri) == ("SUCCEEDED", "s3://bucket/outputs.pb")
    assert not ended.active
    assert ended.ended_at - ended.started_at == 6 * NANOSECONDS
    assert phases(ended) == ["RUNNING", "SUCCEEDING", "SUCCEEDED"]
    assert lease_of(state) is None
    row = node()
    assert (row.phase, row.ended_at - row.started_at) == ("SUCCEEDED", 2 * NANOSECONDS)
    [attempt] = task_executions.of_node(RUN, "n0")
    closure = task_executions.closure_of(attempt)
    assert (attempt.phase, closure.output_uri, closure.logs[0].uri) == (
        "SUCCEEDED",
        "s3://bucket/outputs.pb",
        "s3://log",
    )


@pytest.mark.conformance("WFE-04", "NEV-11", "TEV-06", "WFE-26")
def test_every_event_twice_and_a_malformed_one_among_them(aws: Aws) -> None:
    stored_execution()
    sequence = itertools.count(1)
    records = [queue_record(message_body(event), next(sequence)) for event in RUN_OF_A_WORKFLOW for _ in "12"]
    records.insert(5, queue_record('{"kind":"node","event":"bm8gZXZlbnQ="}', next(sequence), message_id="malformed"))
    for start in range(0, len(records), 10):
        assert again(records[start : start + 10]) == []
    assert execution().phase == "SUCCEEDED"
    assert phases(execution()) == ["RUNNING", "SUCCEEDING", "SUCCEEDED"]
    assert node().phase == "SUCCEEDED"
    [letter] = dead_letters(aws)
    attributes = letter["MessageAttributes"]
    assert isinstance(attributes, dict)
    assert attributes["sequence"]["StringValue"] == "19"
    assert attributes["cause"]["StringValue"].startswith("INVALID_ARGUMENT: invalid value for event")


def test_a_redelivery_changes_nothing_but_repeats_what_was_lost(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution()
    with monkeypatch.context() as broken:
        broken.setattr(node_executions, "apply", raise_unavailable)
        assert deliver(RUN_OF_A_WORKFLOW) == [f"message-{n}" for n in range(2, 10)]
    assert deliver(RUN_OF_A_WORKFLOW) == []
    assert (node().phase, execution().phase) == ("SUCCEEDED", "SUCCEEDED")
    version = execution().version
    assert deliver(RUN_OF_A_WORKFLOW) == []
    assert execution().version == version


def raise_unavailable(*_: object, **__: object) -> None:
    raise Unavailable("the database is throttling, try again")


def test_nothing_is_applied_that_is_not_logged(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution()
    with monkeypatch.context() as broken:
        broken.setattr("flyteadmin.events.log.batch_put", raise_unavailable)
        assert len(deliver(RUN_OF_A_WORKFLOW)) == len(RUN_OF_A_WORKFLOW)
    assert (execution().phase, node_executions.read(RUN, "n0")) == ("UNDEFINED", None)


def test_an_event_that_can_not_be_logged_does_not_hold_up_the_others_for_ever(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_execution()

    def refuse_poison(items: Sequence[LoggedEvent]) -> object:
        if any("#poison#" in item.entry for item in items):
            raise_unavailable()
        return batch_put(items)

    monkeypatch.setattr("flyteadmin.events.log.batch_put", refuse_poison)
    events = [node_event("SUCCEEDED", 1), node_event("SUCCEEDED", 2, node="poison")]
    assert deliver(events) == ["message-1", "message-2"]
    assert deliver(events, receive_count=5) == []
    assert node().phase == "SUCCEEDED"
    assert len(dead_letters(aws)) == 1


def test_the_failing_message_is_set_aside_after_its_receives_and_its_followers_are_not(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_execution()
    apply = node_executions.apply

    def refuse_running(*arguments: object, **named: object) -> None:
        facts = arguments[2]
        if facts.phase == "RUNNING":  # type: ignore[attr-defined]
            raise_unavailable()
        apply(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(node_executions, "apply", refuse_running)
    events = [node_event("QUEUED", 1), node_event("RUNNING", 2), node_event("SUCCEEDED", 3)]
    records = [
        queue_record(message_body(event), n, receive_count=5 if n == 2 else 1) for n, event in enumerate(events, 1)
    ]
    assert again(records) == []
    [letter] = dead_letters(aws)
    attributes = letter["MessageAttributes"]
    assert isinstance(attributes, dict)
    assert attributes["sequence"]["StringValue"] == "2"
    assert attributes["cause"]["StringValue"].startswith("UNAVAILABLE")
    assert node().phase == "SUCCEEDED"


def test_a_redriven_event_fills_what_its_place_in_the_log_says(aws: Aws) -> None:
    stored_execution()
    deliver([node_event("QUEUED", 1), node_event("SUCCEEDED", 9)], first=1)
    body = message_body(node_event("RUNNING", 4, input_uri="s3://bucket/inputs.pb"))
    assert again([queue_record(body, 500, redriven=1)]) == []
    row = node()
    assert (row.phase, row.input_uri) == ("SUCCEEDED", "s3://bucket/inputs.pb")
    assert row.started_at == CREATED_AT + 4 * NANOSECONDS


def test_an_event_of_an_unknown_execution_is_set_aside(aws: Aws) -> None:
    assert deliver([workflow_event("RUNNING", execution="nobody")]) == []
    [letter] = dead_letters(aws)
    attributes = letter["MessageAttributes"]
    assert isinstance(attributes, dict)
    assert attributes["cause"]["StringValue"].startswith("NOT_FOUND")


@pytest.mark.conformance("WFE-10", "TER-10")
def test_aborting_outranks_what_is_still_queued_but_not_the_end(aws: Aws) -> None:
    state = stored_execution()
    executions.write_control_plane_facts(state, facts_of_control_plane(ControlPlanePhase("ABORTING", CREATED_AT)))
    deliver([workflow_event("RUNNING", 1)])
    assert (execution().phase, execution().started_at) == ("ABORTING", CREATED_AT + NANOSECONDS)
    deliver([workflow_event("ABORTED", 2)], first=2)
    assert execution().phase == "ABORTED"
    assert phases(execution()) == ["RUNNING", "ABORTING", "ABORTED"]
    assert lease_of(state) is None


@pytest.mark.conformance("WFE-07", "KD-04", "KD-17")
def test_the_first_end_is_final(aws: Aws) -> None:
    stored_execution()
    deliver([workflow_event("FAILED", 1, error=ExecutionError(code="A", message="first"))])
    deliver([workflow_event("SUCCEEDED", 2), workflow_event("RUNNING", 3)], first=2)
    state = execution()
    assert (state.phase, ExecutionError.FromString(state.error).message) == ("FAILED", "first")
    assert state.started_at == CREATED_AT + 3 * NANOSECONDS


@pytest.mark.conformance("WFE-11", "NEV-13", "NEV-26", "TEV-07", "KD-17")
def test_what_comes_late_moves_no_phase_back(aws: Aws) -> None:
    """By its place in the queue, whatever its clock says."""
    stored_execution()
    deliver([workflow_event("SUCCEEDING", 1), node_event("RUNNING", 1), task_event("RUNNING", 1)], first=11)
    deliver([workflow_event("RUNNING", 9), node_event("QUEUED", 9), task_event("QUEUED", 9)], first=1)
    [attempt] = task_executions.of_node(RUN, "n0")
    assert (execution().phase, node().phase, attempt.phase) == ("SUCCEEDING", "RUNNING", "RUNNING")
    assert (execution().started_at, node().created_at) == (CREATED_AT + 9 * NANOSECONDS,) * 2
    assert (execution().updated_at, node().updated_at) == (CREATED_AT + NANOSECONDS,) * 2


@pytest.mark.conformance("WFE-18", "WFE-19", "NEV-19")
def test_data_and_long_errors_lie_in_s3(aws: Aws) -> None:
    stored_execution()
    error = ExecutionError(code="USER:Long", message="x" * 100_000)
    outputs = LiteralMap()
    outputs.literals["answer"].scalar.primitive.integer = 42
    deliver([node_event("FAILED", 1, error=error), node_event("SUCCEEDED", 2, node="n1", output_data=outputs)])
    row = node()
    assert len(row.error) < 2048
    assert row.error_uri.startswith(f"s3://{aws.resources['Bucket']}/metadata/{PROJECT}/{DOMAIN}/run/n0/error-")
    assert node("n1").output_uri.startswith(
        f"s3://{aws.resources['Bucket']}/metadata/{PROJECT}/{DOMAIN}/run/n1/offloaded_outputs-"
    )


def test_what_the_dead_letter_queue_can_not_take_is_not_lost(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution()
    records = [
        queue_record("no envelope", 1),
        queue_record(message_body(node_event("RUNNING")), 2, group="another"),
        queue_record(message_body(node_event("RUNNING", node="n1")), 3),
    ]
    with monkeypatch.context() as broken:
        broken.setattr(queue, "set_aside", raise_unavailable)
        assert again(records) == ["message-1", "message-3"]
    assert node().phase == "RUNNING"
    assert again(records[:1]) == []
    assert len(dead_letters(aws)) == 1


def test_a_fault_of_ours_fails_its_event_and_not_the_batch(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution()
    apply = node_executions.apply

    def trip(*arguments: object, **named: object) -> None:
        if arguments[1] == "n1":
            raise KeyError("a bug")
        apply(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(node_executions, "apply", trip)
    events = [node_event("RUNNING", 1), node_event("RUNNING", 2, node="n1")]
    assert deliver(events) == ["message-2"]
    assert deliver(events, receive_count=5) == []
    [letter] = dead_letters(aws)
    attributes = letter["MessageAttributes"]
    assert isinstance(attributes, dict)
    assert attributes["cause"]["StringValue"] == "INTERNAL: KeyError while applying"
    assert attributes["execution"]["StringValue"] == RUN


def test_a_cause_with_anything_in_it_reaches_the_dead_letter_queue(aws: Aws) -> None:
    body = r'{"kind":"node","\u0000é": 1}'
    assert again([queue_record(body, 1)]) == []
    [letter] = dead_letters(aws)
    attributes = letter["MessageAttributes"]
    assert isinstance(attributes, dict)
    assert "\\x00\\xe9" in attributes["cause"]["StringValue"]


@pytest.mark.conformance("NEV-21")
def test_a_flag_once_set_stays(aws: Aws) -> None:
    stored_execution()
    deliver([node_event("QUEUED", 1), node_event("RUNNING", 2, is_parent=True), node_event("SUCCEEDED", 3)])
    assert node().is_parent_node


def test_an_execution_whose_row_is_read_by_many_writers_at_once_ends_right(aws: Aws) -> None:
    stored_execution()
    orders = list(itertools.islice(itertools.permutations(range(3)), 6))
    groups = [RUN_OF_A_WORKFLOW[0:3], RUN_OF_A_WORKFLOW[3:6], RUN_OF_A_WORKFLOW[6:9]]

    def consume(order: Sequence[int]) -> None:
        for group in order:
            deliver(groups[group], first=group * 3 + 1)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(consume, orders))
    assert (execution().phase, node().phase) == ("SUCCEEDED", "SUCCEEDED")
    assert execution().started_at == CREATED_AT + NANOSECONDS
