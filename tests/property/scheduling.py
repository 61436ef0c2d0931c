"""Consumers that take turns at their remote calls, one at a time and in a drawn order, and what befalls those calls.

Threads hold the consumers' stacks, yet never two of them run: one waits for its turn before each call. So a schedule
and its faults always do the same, and hypothesis can shrink them.
"""

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.property.store import Call, Store


class Killed(BaseException):
    """The function's process ends here, as by SIGKILL: nothing of ours may catch it."""


@dataclass(frozen=True)
class Fault:
    """What befalls the call with this number (from 0), and every further one `every` calls later."""

    kind: Literal["killed", "killed unanswered", "throttled", "unanswered", "sent twice"]
    call: int
    every: int = 0

    def hits(self, number: int) -> bool:
        return number == self.call or (
            bool(self.every) and number > self.call and (number - self.call) % self.every == 0
        )


@dataclass
class Consumer[T]:
    """Something that makes remote calls, and how it ends: `result` is None if it was killed."""

    work: Callable[[], T]
    fault: Fault | None = None
    result: T | None = None
    crash: BaseException | None = None
    has_ended: bool = False
    calls: int = 0
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def run(self) -> None:
        try:
            self.result = self.work()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001  # raised again where the test waits
            self.crash = error


@dataclass
class Scheduler:
    """Stands between the clients and the store (`Store.around`); `seen` counts what calls came to."""

    seen: Counter[tuple[str, ...]] = field(default_factory=Counter)
    _consumers: dict[int, Consumer[Any]] = field(default_factory=dict)
    _yielded: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

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

        def scheduled(client: BaseClient, operation: str, parameters: Mapping[str, Any]) -> Any:
            consumer = self._consumers.get(threading.get_ident())
            if consumer is None:
                return call(client, operation, parameters)
            self._yielded.release()
            consumer.turn.acquire()
            number, consumer.calls = consumer.calls, consumer.calls + 1
            fault = consumer.fault.kind if consumer.fault and consumer.fault.hits(number) else ""
            return self._called(
                lambda: call(client, operation, dict(parameters)), (operation, _table(parameters)), fault
            )

        return scheduled

    def _called(self, call: Callable[[], Any], what: tuple[str, ...], fault: str) -> Any:
        if fault:
            self.seen[(fault, *what)] += 1
        if fault == "killed":
            raise Killed
        if fault == "throttled":
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, what[0])
        try:
            answer = call()
            if fault == "sent twice":  # boto3 itself repeats a request whose answer it misses
                answer = call()
        except ClientError as error:
            self.seen[(error.response["Error"]["Code"], *what)] += 1
            if fault in {"", "sent twice"}:
                raise
        if fault == "killed unanswered":
            raise Killed
        if fault == "unanswered":
            raise ReadTimeoutError(endpoint_url=what[0])
        return answer


def _table(parameters: Mapping[str, Any]) -> str:
    """The table of a call, of the first operation where there are several; "" where there is none."""
    tables = list(parameters.get("RequestItems", {}))
    for action in parameters.get("TransactItems", []):
        tables += [operation["TableName"] for operation in action.values()]
    return str([*tables, parameters.get("TableName", "")][0]).removeprefix("data-")


@contextmanager
def scheduled(store: Store) -> Iterator[Scheduler]:
    """A scheduler in a store's way."""
    scheduler = Scheduler()
    store.around = scheduler.around
    try:
        yield scheduler
    finally:
        store.around = lambda call: call


def submitted_inline(_pool: object, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
    """`ThreadPoolExecutor.submit` on the caller's own thread, so that who calls when is the schedule's to say."""
    future: Future[Any] = Future()
    try:
        future.set_result(function(*arguments, **named))
    except Exception as error:  # noqa: BLE001  # as an executor does
        future.set_exception(error)
    return future
