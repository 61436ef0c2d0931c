"""`make soak`: many executions at once through the real bridge, queue and functions, some of which die half way.

Every final state must be right and the dead-letter queue empty. It takes a quarter of an hour and is not part of CI.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import grpc
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionCreateResponse, ExecutionSpec
from flyteidl.core.identifier_pb2 import Identifier

from bench.soak.lives import Life, life
from bench.soak.reading import differences
from local.aws.invocations import Invocation, invocations
from local.callers import STACK
from local.demo.subscriber import Subscriber
from local.engine.bridge import Bridge
from local.stack import DOMAIN, PROJECT, Stack, running
from tests.flytekit_registration import register
from tests.workflows import ECHOED_REPORT

FUNCTION = f"{STACK}-process-event"
_SENDERS = 16
_BACKLOG = 500
"""With more events in the queue the senders wait: the embedded queue slows down with its length."""

_VISIBILITY_SECONDS = "30"
"""The shortest that the function's time allows; with the template's 180 a group waits three minutes for each death."""

_LOOK_SECONDS = 5
_PATIENCE_SECONDS = 180
_STARTED = time.monotonic()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 if anything is not as it must be."""
    options = _parser().parse_args(arguments)
    print(f"soak: SEED={options.seed}", file=sys.stderr)
    chance = random.Random(options.seed)
    lives = [life(f"soak-{number:03d}", options.nodes, chance) for number in range(options.executions)]
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        record = Path(folder, "invocations.jsonl")
        record.touch()
        extra = ["--invocations", str(record), "--kill", f"{FUNCTION}={options.killed}"]
        with running(_say, engine=False, options=extra) as stack:
            subscriber = Subscriber(stack.endpoint, stack.outputs["NotificationsTopicArn"], "soak")
            _create(stack, lives)
            progress = _Progress(stack, record, sum(len(each.events) for each in lives))
            seconds = _send(stack, lives, progress)
            _say("comparing what is left with what must be")
            wrong = list(_wrong(stack, lives, subscriber))
            _print_figures(progress.seen(), progress.events, seconds)
    for line in wrong[:50]:
        print(f"WRONG {line}")
    print(f"{len(wrong)} differences" if wrong else "every final state is right, no dead letter")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--executions", type=int, default=200)
    parser.add_argument("--nodes", type=int, default=50, help="of each execution")
    parser.add_argument("--killed", type=float, default=0.02, help="the share of invocations that die half way")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    return parser


def _create(stack: Stack, lives: Sequence[Life]) -> None:
    _say(f"creating {len(lives)} executions")
    launch_plan = register(stack.admin(), ECHOED_REPORT, PROJECT, DOMAIN, "soak").launch_plan
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda each: _create_one(stack, launch_plan, each.name), lives))


def _create_one(stack: Stack, launch_plan: Identifier, name: str) -> None:
    request = ExecutionCreateRequest(
        project=PROJECT, domain=DOMAIN, name=name, spec=ExecutionSpec(launch_plan=launch_plan)
    )
    request.inputs.literals["symbol"].scalar.primitive.string_value = "ACME"
    stack.admin().call("CreateExecution", request, ExecutionCreateResponse)


@dataclass(frozen=True)
class _Seen:
    """Counts of the invocations so far, by result."""

    invocations: int
    killed: int
    failed: Counter[str]
    redelivered: int
    busy_seconds: float


@dataclass
class _Progress:
    """Figures of the running soak: events sent, messages in the queue, invocations."""

    stack: Stack
    record: Path
    events: int
    sent: int = 0
    waiting: int = 0
    dead: int = 0
    is_over: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def one_more(self) -> None:
        with self._lock:
            self.sent += 1

    def look(self) -> None:
        """Ask the queues, and say how far it is."""
        self.waiting, self.dead = (self._messages(url) for url in ("EventsQueueUrl", "DeadLetterQueueUrl"))
        seen = self.seen()
        _say(
            f"{self.sent:,} of {self.events:,} events sent, {self.waiting:,} wait; {seen.invocations:,} invocations, "
            f"{seen.killed} killed; {seen.redelivered:,} redeliveries, {self.dead} dead letters"
        )

    def seen(self) -> _Seen:
        mine: list[Invocation] = [each for each in invocations(self.record) if each.function == FUNCTION]
        return _Seen(
            len(mine),
            sum(each.was_killed for each in mine),
            Counter(each.error for each in mine if each.has_failed and not each.was_killed),
            sum(each.again for each in mine),
            sum(each.seconds for each in mine),
        )

    def _messages(self, output: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self.stack.outputs[output]
        found = self.stack.endpoint.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)


def _send(stack: Stack, lives: Sequence[Life], progress: _Progress) -> float:
    """Send all events, wait until the queue is empty, and give the seconds that it took.

    Raises:
        TimeoutError: nothing has moved for minutes.
    """
    stack.endpoint.client("sqs").set_queue_attributes(
        QueueUrl=stack.outputs["EventsQueueUrl"], Attributes={"VisibilityTimeout": _VISIBILITY_SECONDS}
    )
    began = time.monotonic()
    with grpc.insecure_channel(stack.bridge.address) as channel, ThreadPoolExecutor(_SENDERS) as threads:
        bridge = Bridge(channel)
        sending = [threads.submit(_send_together, bridge, lives[n::_SENDERS], progress) for n in range(_SENDERS)]
        try:
            _watch(sending, progress)
        finally:
            progress.is_over = True
        for each in sending:
            each.result()
    return time.monotonic() - began


def _watch(sending: Sequence[Future[None]], progress: _Progress) -> None:
    moved, before = time.monotonic(), (0, 0)
    while True:
        progress.look()
        if all(each.done() for each in sending) and not progress.waiting:
            return
        if before != (now := (progress.sent, progress.waiting)):
            moved, before = time.monotonic(), now
        if time.monotonic() - moved > _PATIENCE_SECONDS:
            raise TimeoutError(f"nothing has moved for {_PATIENCE_SECONDS} s")
        time.sleep(_LOOK_SECONDS)


def _send_together(bridge: Bridge, lives: Sequence[Life], progress: _Progress) -> None:
    """Send the events of several executions, a turn each."""
    for turn in zip_longest(*(each.events for each in lives)):
        for event in turn:
            while progress.waiting > _BACKLOG and not progress.is_over:
                time.sleep(0.2)
            if event is not None:
                bridge.send(event)
                progress.one_more()


def _wrong(stack: Stack, lives: Sequence[Life], subscriber: Subscriber) -> Iterator[str]:
    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(lambda each: list(differences(stack, each)), lives):
            yield from found
    leases = stack.endpoint.client("dynamodb").scan(TableName=f"{STACK}-leases", Select="COUNT")["Count"]
    if leases:
        yield f"{leases} leases are left"
    letters = stack.outputs["DeadLetterQueueUrl"]
    dead = stack.endpoint.client("sqs").receive_message(QueueUrl=letters, MessageAttributeNames=["All"])
    for letter in dead.get("Messages", []):
        yield f"a dead letter: {letter['MessageAttributes']}"
    announced = {(each.execution.name, each.phase) for each in subscriber.received()}
    for each in lives:
        if (each.name, each.phase) not in announced:
            yield f"{each.name}: its end was not announced"


def _print_figures(seen: _Seen, events: int, seconds: float) -> None:
    for what, figure in (
        ("events", f"{events:,}"),
        ("time", f"{seconds:,.0f} s"),
        ("events/s", f"{events / seconds:,.0f}"),
        ("invocations of process_event", f"{seen.invocations:,}"),
        ("of them killed half way", f"{seen.killed} ({seen.killed / seen.invocations:.1%})"),
        ("failed otherwise", ", ".join(f"{count} times {error}" for error, count in seen.failed.items()) or "0"),
        ("messages delivered again", f"{seen.redelivered:,}"),
        ("mean time of an invocation", f"{seen.busy_seconds / seen.invocations * 1000:,.0f} ms"),
    ):
        print(f"  {what:32} {figure}")


def _say(line: str) -> None:
    print(f"soak {time.monotonic() - _STARTED:4.0f} s  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
