"""Events while things go wrong: throttling at every call, a death after any of them, two consumers at once."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from flyteidl.core.execution_pb2 import ExecutionError
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.clients import aws as aws_clients
from flyteadmin.events.service import admit
from flyteadmin.events.validation import Event
from flyteadmin.executions import repository as executions
from flyteadmin.executions.phases import ControlPlanePhase, facts_of_control_plane
from flyteadmin.facts import Facts
from flyteadmin.node_executions import repository as node_executions
from flyteadmin.task_executions import repository as task_executions
from functions.process_event.handler import lambda_handler
from local.aws.data import DataAccount as Aws
from tests.aws_events import Context, batch, queue_record
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
from tests.faults import answering, in_one_order

RUN = f"{PROJECT}:{DOMAIN}:run"


def large_outputs() -> LiteralMap:
    made = LiteralMap()
    made.literals["x"].scalar.primitive.string_value = "x" * 300_000
    return made


def events_of(run: str) -> list[Event]:
    """Return an execution of one node and one task, from its start to its end."""
    return [
        workflow_event("RUNNING", 1, execution=run),
        node_event("RUNNING", 2, execution=run),
        task_event("RUNNING", 3, execution=run, reason="starting"),
        task_event("SUCCEEDED", 4, execution=run, output_uri="s3://out"),
        node_event("SUCCEEDED", 5, execution=run, output_data=large_outputs()),
        workflow_event("SUCCEEDED", 6, execution=run, output_uri="s3://out"),
    ]


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off, ours and botocore's, without the sleep."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def records(run: str = "run") -> list[dict[str, object]]:
    """Return the events as they lie in the queue once they are admitted, the large one as a claim."""
    return [
        queue_record(admit(event).body if event.ByteSize() > 180_000 else message_body(event), n)
        for n, event in enumerate(events_of(run), 1)
    ]


def state(run: str = "run") -> str:
    """Render the rows of an execution without its name and without versions, which count the writes."""
    key = f"{PROJECT}:{DOMAIN}:{run}"
    execution, node = executions.read_state(key), node_executions.read(key, "n0")
    assert execution is not None
    said = [
        {name: value for name, value in row.attribute_values.items() if name != "version"}
        for row in (execution, node)
        if row is not None
    ]
    tasks = [(row.phase, str(task_executions.closure_of(row))) for row in task_executions.of_node(key, "n0")]
    return str((said, tasks, lease_of(execution))).replace(execution.listing, "*").replace(run, "*")


CALLS = [
    ("s3", "GetObject", "SlowDown"),
    ("s3", "PutObject", "SlowDown"),
    ("dynamodb", "BatchWriteItem", "ProvisionedThroughputExceededException"),
    ("dynamodb", "BatchGetItem", "ThrottlingException"),
    ("dynamodb", "UpdateItem", "ThrottlingException"),
    ("dynamodb", "UpdateItem", "TransactionConflictException"),
    ("dynamodb", "PutItem", "ProvisionedThroughputExceededException"),
    ("dynamodb", "PutItem", "TransactionConflictException"),
    ("dynamodb", "TransactWriteItems", "ThrottlingException"),
]


@pytest.mark.conformance("WFE-25", "NEV-25", "TEV-23")
@pytest.mark.parametrize(("service", "operation", "code"), CALLS)
def test_a_throttle_is_sat_out_in_the_function(aws: Aws, service: str, operation: str, code: str) -> None:
    stored_execution()
    delivered = records()
    times = 2 if service == "s3" else 5  # the database's throttles are sat out beyond botocore's three attempts
    with answering(service, operation, code, times) as answered:
        assert again(delivered) == []
        assert answered() == times
    execution = executions.read_state(RUN)
    assert execution is not None
    assert execution.phase == "SUCCEEDED"


@pytest.mark.conformance("WFE-25", "NEV-25", "TEV-23")
@pytest.mark.parametrize(("service", "operation", "code"), CALLS)
def test_a_throttle_that_lasts_delivers_again_and_then_all_is_right(
    aws: Aws, service: str, operation: str, code: str
) -> None:
    stored_execution()
    delivered = records()
    assert again(delivered[:3]) == []
    with answering(service, operation, code, times=1000):
        failed = again(delivered[3:])
    assert failed
    assert failed == [f"message-{n}" for n in range(7 - len(failed), 7)], "a FIFO group goes on in order"
    left = [record for record in delivered if record["messageId"] in failed]
    assert again(left) == []
    execution, node = executions.read_state(RUN), node_executions.read(RUN, "n0")
    assert execution is not None
    assert node is not None
    assert (execution.phase, node.phase) == ("SUCCEEDED", "SUCCEEDED")


@pytest.mark.conformance("NEV-25")
def test_a_node_row_that_goes_while_it_is_written_loses_no_event(aws: Aws) -> None:
    stored_execution()
    [_, started, *_] = records()
    with answering("dynamodb", "UpdateItem", "ConditionalCheckFailedException", times=1):
        assert again([started]) == ["message-2"]
    assert again([started]) == []
    node = node_executions.read(RUN, "n0")
    assert node is not None
    assert node.phase == "RUNNING"


def test_what_a_batch_write_leaves_out_is_written_again(aws: Aws) -> None:
    stored_execution()
    rounds = 0

    def leave_out(parsed: dict[str, Any], **_: object) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            [(table, items)] = written[0].items()
            parsed["UnprocessedItems"] = {table: items[:2]}

    written: list[dict[str, Any]] = []

    def remember(params: dict[str, Any], **_: object) -> None:
        written.append(params["RequestItems"])

    events = aws_clients.client("dynamodb").meta.events
    events.register("provide-client-params.dynamodb.BatchWriteItem", remember)
    events.register("after-call.dynamodb.BatchWriteItem", leave_out)
    assert again(records()) == []
    assert [sum(map(len, each.values())) for each in written] == [6, 2]


class Killed(BaseException):
    """The function's process dies."""


def number_of_calls(delivered: Sequence[dict[str, object]]) -> int:
    """Count the remote calls of a batch."""
    calls: list[object] = []

    def note(model: object, **_: object) -> None:
        calls.append(model)

    aws_clients.session().events.register("after-call", note)
    aws_clients._client.cache_clear()
    assert again(delivered) == []
    return len(calls)


@pytest.mark.parametrize("receives", [1, 2])
def test_a_death_after_any_remote_call_changes_nothing_in_the_end(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, receives: int
) -> None:
    """Half way through is anywhere: the batch is delivered again, and the end is that of a quiet run."""
    in_one_order(monkeypatch)
    stored_execution("quiet-run")
    total = number_of_calls(records("quiet-run"))
    assert total > 8
    for survived in range(1, total):
        run = f"killed-{survived:02d}"
        stored_execution(run)
        delivered = records(run)
        for _ in range(receives):
            _dies_after(survived, delivered)
        assert again(delivered) == []
        assert state(run) == state("quiet-run"), f"after {survived} calls"


def _dies_after(survived: int, delivered: Sequence[dict[str, object]]) -> None:
    """Deliver a batch to a process that dies with the answer to this call; a later delivery may need fewer."""
    left = survived

    def die(**_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    events = aws_clients.session().events
    events.register("after-call", die)
    aws_clients._client.cache_clear()
    try:
        with suppress(Killed):
            lambda_handler(batch(delivered), Context())
    finally:
        events.unregister("after-call", die)
        aws_clients._client.cache_clear()


@pytest.mark.conformance("NEV-26")
@pytest.mark.parametrize("seed", range(5))
def test_two_consumers_of_one_execution_in_any_order(aws: Aws, seed: int) -> None:
    """The same events, each twice, shuffled, in batches of any size, by two consumers that overlap."""
    stored_execution()
    chance = random.Random(seed)
    delivered = [*records(), *records()]

    def consume(own: Sequence[dict[str, object]]) -> None:
        rest = list(own)
        while rest:
            size = chance.randint(1, 4)
            failed = again(rest[:size])
            rest = [record for record in rest[:size] if record["messageId"] in failed] + rest[size:]

    orders = [chance.sample(delivered, len(delivered)) for _ in range(2)]
    with ThreadPoolExecutor(2) as consumers:
        list(consumers.map(consume, orders))
    overlapped = state()
    assert again(records()) == []
    assert state() == overlapped
    execution, node = executions.read_state(RUN), node_executions.read(RUN, "n0")
    assert execution is not None
    assert node is not None
    assert [text.split(" ")[0] for text in execution.transitions] == ["RUNNING", "SUCCEEDED"]
    assert (node.phase, node.started_at) == ("SUCCEEDED", CREATED_AT + 2_000_000_000)
    [attempt] = task_executions.of_node(RUN, "n0")
    closure = task_executions.closure_of(attempt)
    assert (closure.output_uri, [reason.message for reason in closure.reasons]) == ("s3://out", ["starting"])
    assert lease_of(execution) is None


@pytest.mark.conformance("KD-04", "KD-16", "WFE-20")
def test_a_rebuild_erases_nothing_that_the_control_plane_set(aws: Aws) -> None:
    created = stored_execution(cluster="east")
    facts = facts_of_control_plane(ControlPlanePhase("ABORTING", CREATED_AT + 7)).then(
        Facts(latest={"abort": b"", "archived": 1})
    )
    executions.write_control_plane_facts(created, facts)
    ended = workflow_event("ABORTED", 9, error=ExecutionError(code="A"), producer_id="west")
    for event, sequence in ((ended, 9), (workflow_event("RUNNING", 3), 3), (workflow_event("QUEUED", 1), 1)):
        assert again([queue_record(message_body(event), sequence)]) == []
    row = executions.read_state(RUN)
    assert row is not None
    assert (row.phase, row.started_at) == ("ABORTED", CREATED_AT + 3_000_000_000)
    assert (row.overlay_phase, row.overlay_at, row.archived, row.abort) == ("ABORTING", CREATED_AT + 7, 1, b"")
    assert row.cluster == "east", "the cluster is chosen at create"
    assert [text.split(" ")[0] for text in row.transitions] == ["QUEUED", "RUNNING", "ABORTING", "ABORTED"]
