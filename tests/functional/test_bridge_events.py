"""Events through a real bridge: admission's table over gRPC, batches across callers, order, what the queue refuses."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from flyteidl.admin.event_pb2 import (
    EventFailureReason,
    NodeExecutionEventRequest,
    TaskExecutionEventRequest,
    WorkflowExecutionEventRequest,
)
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent

from bridge import events as bridge_events
from bridge.events import Events
from bridge.outbox import Outbox
from bridge.service import rpcs
from bridge.settings import Settings
from flyteadmin.clients import queue
from flyteadmin.clients.queue import Message
from flyteadmin.errors import Code, FlyteAdminError, Unavailable
from flyteadmin.events import service
from flyteadmin.events.validation import Event
from flyteadmin.settings import environment
from functions.process_event.handler import lambda_handler as process_event
from local.aws.data import DataAccount as Aws
from tests.aws_events import Context, batch, queue_record
from tests.builders import message_body, node_event, stored_execution, task_event, workflow_event
from tests.grpc_stack import Client, Refused, client


@pytest.fixture
def flyte(aws: Aws) -> Iterator[Client]:
    with client(Settings(api_url="http://127.0.0.1:9", listen="127.0.0.1:0", drain_seconds=1)) as opened:
        yield opened


def send(flyte: Client, event: Event) -> Refused | None:
    match event:
        case WorkflowExecutionEvent():
            rpc, request = "CreateWorkflowEvent", WorkflowExecutionEventRequest(event=event).SerializeToString()
        case NodeExecutionEvent():
            rpc, request = "CreateNodeEvent", NodeExecutionEventRequest(event=event).SerializeToString()
        case TaskExecutionEvent():
            rpc, request = "CreateTaskEvent", TaskExecutionEventRequest(event=event).SerializeToString()
    try:
        assert flyte.call(rpc, request) == b""
    except Refused as refused:
        return refused
    return None


def code(refused: Refused | None) -> Code:
    return refused.code if refused else Code.OK


def reason(refused: Refused | None) -> EventFailureReason | None:
    """The detail in the trailers that propeller acts on."""
    assert refused is not None
    assert refused.status is not None
    if not refused.status.details:
        return None
    unpacked = EventFailureReason()
    assert refused.status.details[0].Unpack(unpacked)
    return unpacked


def queued(aws: Aws) -> list[dict[str, str]]:
    answer = aws.endpoint.client("sqs", aws.account).receive_message(
        QueueUrl=aws.resources["EventsQueue"], MaxNumberOfMessages=10, AttributeNames=["All"]
    )
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def apply(event: Event, sequence: int = 1) -> None:
    process_event(batch([queue_record(message_body(event), sequence)]), Context())


@pytest.mark.parametrize("event", [workflow_event("RUNNING"), node_event("QUEUED"), task_event("RUNNING")])
def test_an_admitted_event_is_in_the_queue(flyte: Client, aws: Aws, event: Event) -> None:
    assert code(send(flyte, event)) is Code.NOT_FOUND
    stored_execution()
    assert code(send(flyte, event)) is Code.OK  # that there was none was not kept
    assert len(queued(aws)) == 1


@pytest.mark.conformance("WFE-04", "WFE-05", "WFE-07", "WFE-08", "WFE-09")
@pytest.mark.parametrize(
    ("stored", "phase", "expected", "current"),
    [
        ("RUNNING", "RUNNING", Code.ALREADY_EXISTS, None),
        ("QUEUED", "QUEUED", Code.OK, None),
        ("SUCCEEDED", "SUCCEEDED", Code.ALREADY_EXISTS, None),
        ("SUCCEEDED", "FAILED", Code.FAILED_PRECONDITION, "SUCCEEDED"),
        ("RUNNING", "QUEUED", Code.FAILED_PRECONDITION, None),
    ],
)
def test_the_admission_table(
    flyte: Client, aws: Aws, stored: str, phase: str, expected: Code, current: str | None
) -> None:
    stored_execution()
    apply(workflow_event(stored, 1))
    answer = send(flyte, workflow_event(phase, 2))
    assert code(answer) is expected
    if expected is Code.FAILED_PRECONDITION:
        detail = reason(answer)
        assert (detail.already_in_terminal_state.current_phase if detail else None) == current


@pytest.mark.conformance("WFE-06", "NEV-03")
def test_an_event_of_another_cluster(flyte: Client, aws: Aws) -> None:
    stored_execution(cluster="east")
    event = node_event("RUNNING")
    event.producer_id = "west"
    answer = send(flyte, event)
    detail = reason(answer)
    assert code(answer) is Code.FAILED_PRECONDITION
    assert detail is not None
    assert detail.incompatible_cluster.cluster == "east"


def test_bad_and_large_events(flyte: Client, aws: Aws) -> None:
    stored_execution()
    bad = send(flyte, NodeExecutionEvent())
    assert (code(bad), "node_id" in str(bad)) == (Code.INVALID_ARGUMENT, True)
    outputs = LiteralMap()
    outputs.literals["big"].scalar.primitive.string_value = "x" * 1_000_000
    assert code(send(flyte, node_event("SUCCEEDED", 1, output_data=outputs))) is Code.OK
    assert queued(aws)[0]["claim"].startswith(f"s3://{aws.resources['Bucket']}/claims/")


_QUEUE_SECONDS = 0.03
"""How long the queue takes: the embedded one is faster than any network, and nobody would be found waiting."""


class Counted:
    """What the bridge asks of AWS: reads of executions and sends to the queue, each batch with its messages."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads = 0
        self.sends: list[Sequence[Message]] = []

        def read(execution: str) -> object:
            self.reads += 1
            return service.read_stored(execution)

        def send_batch(messages: Sequence[Message]) -> list[FlyteAdminError | None]:
            self.sends.append(messages)
            time.sleep(_QUEUE_SECONDS)
            return original(messages)

        original = queue._send_batch
        monkeypatch.setattr(bridge_events, "read_stored", read)
        monkeypatch.setattr(queue, "_send_batch", send_batch)


def test_what_events_one_by_one_cost(flyte: Client, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution()
    counted = Counted(monkeypatch)
    monkeypatch.setattr(bridge_events, "_KEPT_SECONDS", 60)
    for number in range(20):
        assert send(flyte, node_event("RUNNING", number)) is None
    assert (counted.reads, len(counted.sends)) == (1, 20)


def test_what_ten_callers_at_once_cost(
    flyte: Client, aws: Aws, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    """Ten executions, each with a caller that waits for each answer, as propeller's workers do."""
    for number in range(10):
        stored_execution(f"run{number}")
    counted = Counted(monkeypatch)
    monkeypatch.setattr(bridge_events, "_KEPT_SECONDS", 60)
    together = threading.Barrier(10)

    def caller(number: int) -> list[Refused | None]:
        answers = []
        for second in range(20):
            together.wait()
            answers.append(send(flyte, node_event("RUNNING", second, execution=f"run{number}")))
        return answers

    with ThreadPoolExecutor(10) as threads:
        assert not any(answer for answers in threads.map(caller, range(10)) for answer in answers)
    assert counted.reads <= 0.2 * 200
    assert len(counted.sends) <= 0.2 * 200
    assert sum(map(len, counted.sends)) == 200
    record_property(
        "figure",
        f"200 events of ten callers at once through the bridge: {counted.reads} reads, {len(counted.sends)} sends",
    )


def test_one_executions_events_keep_their_order_whatever_the_queue_refuses(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_execution()
    stored_execution("other")
    refusals = iter([True, False, True, False, False] * 20)
    taken: list[Message] = []

    def send_all(messages: Sequence[Message]) -> list[FlyteAdminError | None]:
        outcomes: list[FlyteAdminError | None] = []
        assert len({message.group for message in messages}) == len(messages)
        for message in messages:
            refused = next(refusals)
            outcomes.append(Unavailable("not now") if refused else None)
            taken.extend([] if refused else [message])
        return outcomes

    monkeypatch.setattr(Outbox, "__init__", _with(send_all))
    events = [node_event("RUNNING", second, execution="run") for second in range(8)]
    events += [node_event("RUNNING", second, execution="other") for second in range(8)]
    route = next(each for each in rpcs() if each.name == "CreateNodeEvent").routes[0]

    async def arriving_in_this_order() -> None:  # gRPC itself promises no order among calls under way
        here = Events()
        requests = [NodeExecutionEventRequest(event=event).SerializeToString() for event in events]
        await asyncio.gather(*(here.record(route, request) for request in requests))

    asyncio.run(arriving_in_this_order())
    expected = [service.admit(event).deduplication for event in events]
    for own in (expected[:8], expected[8:]):
        assert [message.deduplication for message in taken if message.deduplication in own] == own


def _with(send_all: object) -> object:
    original = Outbox.__init__

    def init(self: Outbox, _send_all: object) -> None:
        original(self, send_all)  # type: ignore[arg-type]

    return init


def test_an_event_that_the_queue_does_not_take_is_not_acknowledged(
    flyte: Client, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_execution()
    monkeypatch.setenv("EVENTS_QUEUE_URL", f"{aws.endpoint.url}/{aws.account}/nothing.fifo")
    environment.cache_clear()
    assert code(send(flyte, node_event("RUNNING"))) in {Code.UNAVAILABLE, Code.INTERNAL}


def test_a_failure_of_any_kind_reaches_every_caller() -> None:
    def broken(_: Sequence[Message]) -> list[FlyteAdminError | None]:
        raise ValueError("a defect")

    async def two() -> list[BaseException | None]:
        outbox = Outbox(broken)
        sends = [outbox.send(Message("b", group, "d")) for group in ("g", "h")]
        return await asyncio.gather(*sends, return_exceptions=True)

    assert [type(each).__name__ for each in asyncio.run(two())] == ["Internal", "Internal"]
