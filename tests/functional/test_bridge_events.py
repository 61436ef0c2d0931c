"""Events through a real bridge: what they cost, alone and together, their order, and what the queue refuses."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import grpc
import pytest
from flyteidl.admin.event_pb2 import (
    NodeExecutionEventRequest,
)

from bridge import events as bridge_events
from bridge.events import Events
from bridge.outbox import Outbox
from bridge.service import rpcs
from bridge.settings import Settings
from flyteadmin.clients import queue
from flyteadmin.clients.queue import Message
from flyteadmin.errors import Code, FlyteAdminError, Unavailable
from flyteadmin.events import service
from flyteadmin.settings import environment
from local.aws.data import DataAccount as Aws
from tests.builders import node_event, stored_execution
from tests.grpc_stack import Client, bridge, client
from tests.sent_events import Verdict, over_grpc


@pytest.fixture
def flyte(aws: Aws) -> Iterator[Client]:
    with client(Settings(api_url="http://127.0.0.1:9", listen="127.0.0.1:0", drain_seconds=1)) as opened:
        yield opened


_QUEUE_SECONDS = 0.03
"""The time that a send takes; the embedded queue is so fast that no other event would wait meanwhile."""


class Counted:
    """The bridge's requests to AWS: reads of executions, and sends to the queue with their messages."""

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
        assert over_grpc(flyte, node_event("RUNNING", number)) == Verdict()
    assert (counted.reads, len(counted.sends)) == (1, 20)


def test_what_ten_callers_at_once_cost(
    flyte: Client, aws: Aws, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    """Ten executions, each with a caller that waits for each answer, as propeller's workers do.

    How many meet in a batch is the machine's to say: the budget of 0.2 sends an event is `make bench`'s.
    """
    for number in range(10):
        stored_execution(f"run{number}")
    counted = Counted(monkeypatch)
    monkeypatch.setattr(bridge_events, "_KEPT_SECONDS", 60)
    together = threading.Barrier(10)

    def caller(number: int) -> list[Verdict]:
        answers = []
        for second in range(20):
            together.wait()
            answers.append(over_grpc(flyte, node_event("RUNNING", second, execution=f"run{number}")))
        return answers

    with ThreadPoolExecutor(10) as threads:
        answers = [answer for each in threads.map(caller, range(10)) for answer in each]
    assert answers == [Verdict()] * 200
    assert counted.reads <= 0.2 * 200
    assert len(counted.sends) <= 0.5 * 200
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
    tried: Counter[str] = Counter()
    taken: list[Message] = []

    def send_all(messages: Sequence[Message]) -> list[FlyteAdminError | None]:
        outcomes: list[FlyteAdminError | None] = []
        assert len({message.group for message in messages}) == len(messages)
        for message in messages:
            tried[message.deduplication] += 1
            refused = tried[message.deduplication] <= int(message.deduplication, 16) % 3  # the third attempt arrives
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


def test_who_gives_up_before_its_turn_leaves_nothing_behind(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events whose callers hung up are dropped, or an outage would pile them up; one under way arrives anyway."""
    stored_execution()
    begun, let_go = threading.Event(), threading.Event()
    taken: list[Message] = []

    def send_all(messages: Sequence[Message]) -> list[FlyteAdminError | None]:
        begun.set()
        assert let_go.wait(10)
        taken.extend(messages)
        return [None] * len(messages)

    monkeypatch.setattr(Outbox, "__init__", _with(send_all))
    events = [node_event("RUNNING", second) for second in range(3)]
    route = next(each for each in rpcs() if each.name == "CreateNodeEvent").routes[0]
    requests = [NodeExecutionEventRequest(event=event).SerializeToString() for event in events]

    async def two_give_up() -> None:
        here = Events()
        first = asyncio.create_task(here.record(route, requests[0]))
        await asyncio.to_thread(begun.wait, 10)
        second = asyncio.create_task(here.record(route, requests[1]))
        await asyncio.sleep(0)  # it waits for its turn now
        assert first.cancel()
        assert second.cancel()
        let_go.set()
        await here.record(route, requests[2])

    asyncio.run(two_give_up())
    expected = [service.admit(event).deduplication for event in (events[0], events[2])]
    assert [message.deduplication for message in taken] == expected


def test_a_drained_bridge_acknowledges_what_is_under_way(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution()
    begun, original = threading.Event(), queue._send_batch

    def slow(messages: Sequence[Message]) -> list[FlyteAdminError | None]:
        begun.set()
        time.sleep(0.5)
        return original(messages)

    monkeypatch.setattr(queue, "_send_batch", slow)
    settings = Settings(api_url="http://127.0.0.1:9", listen="127.0.0.1:0", drain_seconds=10)
    with ExitStack() as ends_last, ThreadPoolExecutor(1) as threads:
        with bridge(settings) as address:
            channel = ends_last.enter_context(grpc.insecure_channel(address))
            answer = threads.submit(over_grpc, Client(channel), node_event("RUNNING"))
            assert begun.wait(10)
        assert answer.result() == Verdict()


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
    assert over_grpc(flyte, node_event("RUNNING")).code in {Code.UNAVAILABLE, Code.INTERNAL}


def test_a_failure_of_any_kind_reaches_every_caller() -> None:
    def broken(_: Sequence[Message]) -> list[FlyteAdminError | None]:
        raise ValueError("a defect")

    async def two() -> list[BaseException | None]:
        outbox = Outbox(broken)
        sends = [outbox.send(Message("b", group, "d")) for group in ("g", "h")]
        return await asyncio.gather(*sends, return_exceptions=True)

    assert [type(each).__name__ for each in asyncio.run(two())] == ["Internal", "Internal"]
