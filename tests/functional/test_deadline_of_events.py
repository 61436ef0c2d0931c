"""Slow calls and a function that is about to be killed: it answers in time, nothing is lost, nothing out of order."""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from typing import Any

import pytest
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.clients import aws as aws_clients
from flyteadmin.clients import deadline
from flyteadmin.clients.deadline import OutOfTime
from flyteadmin.events.service import admit
from flyteadmin.events.validation import Event
from flyteadmin.executions import repository as executions
from flyteadmin.node_executions import repository as node_executions
from functions.process_event.handler import lambda_handler
from local.aws.data import DataAccount as Aws
from tests.aws_events import Context, batch, queue_record
from tests.builders import DOMAIN, PROJECT, message_body, node_event, stored_execution, task_event, workflow_event
from tests.event_delivery import again
from tests.faults import in_one_order

RUN = f"{PROJECT}:{DOMAIN}:run"
LAMBDA_SECONDS = 30
PATIENCE = 30


def phase_of(node: str, run: str = "run") -> str:
    row = node_executions.read(f"{PROJECT}:{DOMAIN}:{run}", node)
    return row.phase if row else ""


def dead_letters(aws: Aws) -> list[dict[str, Any]]:
    answer = aws.client("sqs").receive_message(
        QueueUrl=aws.resources["EventsDeadLetterQueue"], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    letters: list[dict[str, Any]] = answer.get("Messages", [])
    return letters


class Hanging:
    """Requests that hang until `let_go`: those of an operation whose body has a word in it."""

    def __init__(self, word: bytes) -> None:
        self.word = word
        self.has_begun = threading.Event()
        self.may_go_on = threading.Event()
        self.threads: list[threading.Thread] = []

    def meet(self, request: Any, **_: object) -> None:
        if self.word in request.body:
            self.threads.append(threading.current_thread())
            self.has_begun.set()
            assert self.may_go_on.wait(PATIENCE)

    def let_go(self) -> None:
        """Let them end, and wait until what they were part of has ended."""
        self.may_go_on.set()
        for thread in self.threads:
            thread.join(PATIENCE)


@contextmanager
def hanging(operation: str, word: bytes) -> Iterator[Hanging]:
    events = aws_clients.client("dynamodb").meta.events
    hangs = Hanging(word)
    events.register(f"before-send.dynamodb.{operation}", hangs.meet)
    try:
        yield hangs
    finally:
        events.unregister(f"before-send.dynamodb.{operation}", hangs.meet)
        hangs.let_go()


def in_two_groups() -> list[dict[str, object]]:
    """Three nodes of one execution, and between them one of another."""
    return [
        queue_record(message_body(node_event("RUNNING", 1)), 1),
        queue_record(message_body(node_event("RUNNING", 2, node="slow")), 2),
        queue_record(message_body(node_event("RUNNING", 3, execution="other")), 3, group="other"),
        queue_record(message_body(node_event("RUNNING", 4, node="n2")), 4),
    ]


def test_a_call_that_hangs_does_not_keep_the_function_from_its_answer(aws: Aws) -> None:
    stored_execution()
    context = Context(seconds=4.3)
    with hanging("UpdateItem", b'"slow"') as hangs:
        answer = lambda_handler(batch(in_two_groups()), context)
        assert context.get_remaining_time_in_millis() > 0, "Lambda would have killed it"
        assert {"itemIdentifier": "message-2"} in answer["batchItemFailures"]
        assert answer["batchItemFailures"][-1] == {"itemIdentifier": "message-4"}
        assert phase_of("slow") == ""
        hangs.let_go()
    assert phase_of("slow") == "RUNNING", "what was under way ends later, as another consumer's would"
    assert again(in_two_groups()) == []
    assert (phase_of("n0"), phase_of("slow"), phase_of("n2")) == ("RUNNING",) * 3


def test_it_costs_its_own_group_and_no_other(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline comes when all is done but the call that hangs."""
    stored_execution()
    stored_execution("other")
    done = threading.Semaphore(0)
    monkeypatch.setattr(node_executions, "apply", _counted(node_executions.apply, done))
    with hanging("UpdateItem", b'"slow"') as hangs:
        waits = itertools.count()

        def until_the_rest_is_done(futures: Any, timeout: float) -> Any:
            if next(waits):
                return wait(futures, timeout)
            assert hangs.has_begun.wait(PATIENCE)
            assert all(done.acquire(timeout=PATIENCE) for _ in range(3))
            return wait(futures, 0.2)  # so that those three are noted

        monkeypatch.setattr("flyteadmin.events.workers.wait", until_the_rest_is_done)
        assert again(in_two_groups()) == ["message-2", "message-4"]
    assert phase_of("n0", "other") == "RUNNING"


def _counted(apply: Callable[..., None], done: threading.Semaphore) -> Callable[..., None]:
    def counted(*arguments: Any) -> None:
        apply(*arguments)
        done.release()

    return counted


@pytest.mark.parametrize("operation", ["BatchWriteItem", "BatchGetItem"])
def test_nothing_is_applied_while_the_log_or_the_rows_hang(aws: Aws, operation: str) -> None:
    stored_execution()
    records = [queue_record(message_body(event), n) for n, event in enumerate(life(), 1)]
    with hanging(operation, b"run"):
        assert again(records, seconds=4.2) == [f"message-{n}" for n in range(1, len(records) + 1)]
        assert phase_of("n0") == ""
    assert again(records) == []
    assert phase_of("n0") == "SUCCEEDED"


def test_no_time_at_all(aws: Aws) -> None:
    stored_execution()
    requests: list[object] = []
    aws_clients.session().events.register("before-send", lambda **_: requests.append(1))
    aws_clients._client.cache_clear()
    records = [queue_record("poison", 1), *in_two_groups()[1:]]
    assert again(records, seconds=0.5) == [f"message-{n}" for n in range(1, 5)]
    assert requests == []


def life(run: str = "run") -> list[Event]:
    outputs = LiteralMap()
    outputs.literals["x"].scalar.primitive.string_value = "x" * 300_000
    return [
        workflow_event("RUNNING", 1, execution=run),
        node_event("RUNNING", 2, execution=run),
        task_event("RUNNING", 3, execution=run),
        task_event("SUCCEEDED", 4, execution=run, output_uri="s3://out"),
        node_event("SUCCEEDED", 5, execution=run, output_data=outputs),
        workflow_event("SUCCEEDED", 6, execution=run, output_uri="s3://out"),
    ]


@contextmanager
def over_after(monkeypatch: pytest.MonkeyPatch, calls: int) -> Iterator[Callable[[], int]]:
    """The time is over when so many calls were made; gives how many were asked for."""
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked > calls:
            raise OutOfTime("over")

    with monkeypatch.context() as patched:
        patched.setattr(deadline, "check", check)
        yield lambda: asked


def test_a_time_that_is_over_after_any_call_loses_nothing_and_keeps_the_order(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one_order(monkeypatch)
    stored_execution("quiet")
    events = [admit(event).body for event in life("quiet")]
    with over_after(monkeypatch, 1000) as asked:
        assert again([queue_record(body, n) for n, body in enumerate(events, 1)]) == []
        total = asked()
    assert total > 8
    cut_short = 0
    for calls in range(total):
        run = f"cut-{calls:02d}"
        stored_execution(run)
        records = [queue_record(admit(event).body, n) for n, event in enumerate(life(run), 1)]
        with over_after(monkeypatch, calls):
            failed = again(records)
        assert failed == [f"message-{n}" for n in range(7 - len(failed), 7)], "a FIFO group goes on in order"
        cut_short += bool(failed)
        assert again([record for record in records if record["messageId"] in failed]) == []
        execution = executions.read_state(f"{PROJECT}:{DOMAIN}:{run}")
        assert execution is not None
        assert [text.split(" ")[0] for text in execution.transitions] == ["RUNNING", "SUCCEEDED"]
        assert (execution.phase, phase_of("n0", run)) == ("SUCCEEDED", "SUCCEEDED")
    assert cut_short == total


def test_what_always_takes_too_long_is_set_aside_in_the_end(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution()

    def out_of_time(*_: object) -> None:
        raise OutOfTime("over")

    with monkeypatch.context() as slow:
        slow.setattr(node_executions, "apply", out_of_time)
        event = message_body(node_event("RUNNING", 1))
        assert again([queue_record(event, 1, receive_count=4)]) == ["message-1"]
        assert dead_letters(aws) == []
        assert again([queue_record(event, 1, receive_count=5)]) == []
    [letter] = dead_letters(aws)
    assert letter["MessageAttributes"]["cause"]["StringValue"].startswith("UNAVAILABLE: applying it takes longer")


def test_what_was_not_begun_is_never_set_aside(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it came: it may have waited for others each time."""
    stored_execution()
    record = queue_record(message_body(node_event("RUNNING", 1)), 1, receive_count=50)
    for calls in range(2):  # the log, the node
        with over_after(monkeypatch, calls):
            assert again([record]) == ["message-1"]
    assert dead_letters(aws) == []
    assert again([record]) == []


def test_claims_are_fetched_at_once(aws: Aws) -> None:
    """Ten slow ones take as long as the slowest."""
    stored_execution()
    outputs = life()[4].output_data
    events = [node_event("SUCCEEDED", n, node=f"n{n}", output_data=outputs) for n in range(4)]
    records = [queue_record(admit(event).body, n) for n, event in enumerate(events, 1)]
    all_are_there = threading.Barrier(4)

    def meet(**_: object) -> None:
        all_are_there.wait(PATIENCE)

    aws_clients.client("s3").meta.events.register("before-send.s3.GetObject", meet)
    assert again(records) == []
    assert [phase_of(f"n{n}") for n in range(4)] == ["SUCCEEDED"] * 4
