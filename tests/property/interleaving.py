"""Consumers that take turns at their remote calls, one at a time and in a drawn order, and what befalls those calls.

Threads hold the consumers' stacks, yet never two of them run: one waits for its turn before each call. So a schedule
and its faults always do the same, and hypothesis can shrink them.
"""

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.property.emulator_in_process import Call

type Parameters = Mapping[str, Any]


class Killed(BaseException):
    """The function's process ends here, as by SIGKILL: nothing of ours may catch it."""


type Point = tuple[str, str]
"""A remote call of process_event by its operation and its table, "" for none."""

SET_ASIDE: Point = ("SendMessage", "")
_WRITES: Sequence[Point] = [
    ("UpdateItem", "executions"),
    ("UpdateItem", "node_executions"),
    ("PutItem", "task_executions"),
    ("TransactWriteItems", "executions"),
]
_BATCHES: Sequence[Point] = [("BatchWriteItem", "execution_events"), ("BatchGetItem", "task_executions")]
POINTS: Sequence[Point] = [
    *_WRITES,
    *_BATCHES,
    ("Query", "execution_events"),
    ("GetItem", "executions"),
    ("GetObject", ""),
    ("PutObject", ""),
    SET_ASIDE,
]
"""Every remote call that process_event makes; the tests hold it complete."""

type Kind = Literal["killed", "killed unanswered", "throttled", "unanswered", "sent twice", "in conflict", "half done"]
KINDS: Mapping[Kind, Sequence[Point]] = {
    "killed": POINTS,
    "killed unanswered": POINTS,
    "throttled": POINTS,
    "unanswered": POINTS,
    "sent twice": POINTS,
    "in conflict": _WRITES,
    "half done": _BATCHES,
}
"""Kinds of faults, and the calls that each can hit."""


@dataclass(frozen=True)
class Fault:
    """A fault of the call with this number (from 0, counted `at` a point if given), and of each `every`th after it."""

    kind: Kind
    call: int
    every: int = 0
    at: Point | None = None

    def hits(self, point: Point, made: Sequence[Point]) -> bool:
        """Return whether it befalls a call, given how many were made before it."""
        if point not in KINDS[self.kind] or (self.at and self.at != point):
            return False
        number = made.count(self.at) if self.at else len(made)
        later = number - self.call
        return later == 0 or (later > 0 and self.every > 0 and later % self.every == 0)


@dataclass
class Consumer[T]:
    """Something that makes remote calls, and how it ends: `result` is None if it was killed."""

    work: Callable[[], T]
    faults: Sequence[Fault] = ()
    result: T | None = None
    crash: BaseException | None = None
    has_ended: bool = False
    made: list[Point] = field(default_factory=list)
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def run(self) -> None:
        try:
            self.result = self.work()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001  # raised again where the test waits
            self.crash = error


@dataclass
class Met:
    """The history of the consumers: calls in order, faults by kind and point, refusals by error code and point."""

    calls: list[Point] = field(default_factory=list)
    befallen: Counter[tuple[Kind, Point]] = field(default_factory=Counter)
    refused: Counter[tuple[str, Point]] = field(default_factory=Counter)


@dataclass
class Scheduler:
    """Stands between the clients and the store, and counts what consumers met there."""

    met: Met = field(default_factory=Met)
    _consumers: dict[int, Consumer[Any]] = field(default_factory=dict)
    _yielded: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def forget(self) -> Met:
        """Begin to count anew, and give what will count."""
        self.met = Met()
        return self.met

    def run(self, consumers: Sequence[Consumer[Any]], turns: Sequence[int]) -> None:
        """Run all to their ends; each turn names who goes on, among those that still do."""
        if len(consumers) == 1:
            self._alone(consumers[0])
        else:
            self._in_turn(consumers, turns or (0,))
        for consumer in consumers:
            if consumer.crash:
                raise consumer.crash

    def _alone(self, consumer: Consumer[Any]) -> None:
        consumer.turn = threading.Semaphore(1 << 30)
        self._consumers[threading.get_ident()] = consumer
        consumer.run()
        del self._consumers[threading.get_ident()]

    def _in_turn(self, consumers: Sequence[Consumer[Any]], turns: Sequence[int]) -> None:
        self._yielded = threading.Semaphore(0)
        threads = [threading.Thread(target=self._thread, args=(consumer,)) for consumer in consumers]
        for thread in threads:
            thread.start()
        going_on = list(consumers)
        for turn in itertools.cycle(turns):
            chosen = going_on[turn % len(going_on)]
            chosen.turn.release()
            self._yielded.acquire()
            if chosen.has_ended:
                going_on.remove(chosen)
            if not going_on:
                break
        for thread in threads:
            thread.join()

    def _thread(self, consumer: Consumer[Any]) -> None:
        self._consumers[threading.get_ident()] = consumer
        consumer.turn.acquire()
        consumer.run()
        consumer.has_ended = True
        del self._consumers[threading.get_ident()]
        self._yielded.release()

    def around(self, call: Call) -> Call:
        """Let a consumer's call wait for its turn, and meet its fault."""

        def scheduled(client: BaseClient, operation: str, parameters: Parameters) -> Any:
            consumer = self._consumers.get(threading.get_ident())
            if consumer is None:
                return call(client, operation, parameters)
            self._yielded.release()
            consumer.turn.acquire()
            point = (operation, _table(parameters))
            kind = next((fault.kind for fault in consumer.faults if fault.hits(point, consumer.made)), None)
            consumer.made.append(point)
            self.met.calls.append(point)
            if kind:
                self.met.befallen[kind, point] += 1
            try:
                return _befallen(kind, lambda given: call(client, operation, given), operation, parameters)
            except ClientError as error:
                self.met.refused[error.response["Error"]["Code"], point] += 1
                raise

        return scheduled


def _befallen(kind: Kind | None, call: Callable[[Parameters], Any], operation: str, parameters: Parameters) -> Any:
    """Make a call under a fault."""
    match kind:
        case "killed":
            raise Killed
        case "killed unanswered":
            with suppress(ClientError):
                call(parameters)
            raise Killed
        case "throttled":
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, operation)
        case "unanswered":
            with suppress(ClientError):
                call(parameters)
            raise ReadTimeoutError(endpoint_url=operation)
        case "sent twice":  # boto3 itself repeats a request whose answer it misses
            with suppress(ClientError):
                call(parameters)
            return call(parameters)
        case "in conflict":
            raise _conflict(operation, parameters)
        case "half done":
            return _half_done(call, operation, parameters)
    return call(parameters)


def _conflict(operation: str, parameters: Parameters) -> ClientError:
    """Return the error of a write that conflicts with a transaction."""
    if operation != "TransactWriteItems":
        return ClientError({"Error": {"Code": "TransactionConflictException", "Message": "busy"}}, operation)
    codes = ["TransactionConflict", *["None"] * (len(parameters["TransactItems"]) - 1)]
    error: Any = {"Code": "TransactionCanceledException", "Message": f"cancelled {codes}"}
    return ClientError({"Error": error, "CancellationReasons": [{"Code": code} for code in codes]}, operation)


def _half_done(call: Callable[[Parameters], Any], operation: str, parameters: Parameters) -> Any:
    """Return a batch of which the store does only the first half, and none of a batch of one."""
    [(table, wanted)] = parameters["RequestItems"].items()
    is_write = operation == "BatchWriteItem"
    entries = wanted if is_write else wanted["Keys"]
    halves = entries[: len(entries) // 2], entries[len(entries) // 2 :]
    done, left = halves if is_write else [{**wanted, "Keys": half} for half in halves]
    answer = call({**parameters, "RequestItems": {table: done}}) if halves[0] else {}
    return {**answer, "UnprocessedItems" if is_write else "UnprocessedKeys": {table: left}}


def _table(parameters: Parameters) -> str:
    """Return the table of a call, of the first operation where there are several; "" where there is none."""
    tables = list(parameters.get("RequestItems", {}))
    for action in parameters.get("TransactItems", []):
        tables += [operation["TableName"] for operation in action.values()]
    return str([*tables, parameters.get("TableName", "")][0]).removeprefix("data-")


@contextmanager
def scheduled() -> Iterator[Scheduler]:
    """A scheduler in the way of every call that boto3 makes."""
    scheduler = Scheduler()
    call: Call = BaseClient._make_api_call  # type: ignore[attr-defined]  # private, and the one way of every call
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", scheduler.around(call))
        patch.setattr(ThreadPoolExecutor, "submit", _submitted_inline)
        yield scheduler


def _submitted_inline(_pool: object, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
    """`ThreadPoolExecutor.submit` on the caller's own thread, so that who calls when is the schedule's to say."""
    future: Future[Any] = Future()
    try:
        future.set_result(function(*arguments, **named))
    except Exception as error:  # noqa: BLE001  # as an executor does
        future.set_exception(error)
    return future
