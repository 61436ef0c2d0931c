"""The event queue's side of a run: who receives which messages, how often, with what befalling them meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hypothesis import strategies as st

from flyteadmin.clients import aws
from flyteadmin.clients.dynamodb import ConditionFailed
from flyteadmin.events.envelope import kind_of, seal
from flyteadmin.events.validation import Event
from flyteadmin.executions import repository as executions
from flyteadmin.executions.phases import TERMINAL, Overlay, overlaid
from flyteadmin.settings import environment
from functions.process_event.handler import lambda_handler
from tests.aws_events import Context, batch, queue_record
from tests.builders import CREATED_AT, DOMAIN, PROJECT
from tests.property.runs import Run
from tests.property.scheduling import Consumer, Fault, Scheduler

BATCH = 10


@dataclass
class Message:
    """An event in the queue; `redriven` where it came back from the dead-letter queue, or late for another reason."""

    body: str
    group: str
    sequence: int
    redriven: bool = False
    receives: int = 0
    cause: str = ""

    @property
    def id(self) -> str:
        return f"message-{self.sequence}"

    def record(self) -> dict[str, object]:
        return queue_record(
            self.body,
            self.sequence + (10**6 if self.redriven else 0),
            group=self.group,
            message_id=self.id,
            receive_count=self.receives,
            redriven=self.sequence if self.redriven else None,
        )


@dataclass(frozen=True)
class Receive:
    """One consumer's part in a step: how many messages of which group (None: of all), and what befalls it."""

    size: int
    group: int | None
    fault: Fault | None


@dataclass(frozen=True)
class Step:
    """Consumers at work at the same time, and perhaps the control plane, in an order of turns."""

    receives: tuple[Receive, ...]
    turns: tuple[int, ...]
    overlay: str = ""


@dataclass(frozen=True)
class Plan:
    """How a queue is consumed: `receives` of each message before the first step, then the steps, then the rest."""

    receives: int
    steps: tuple[Step, ...]
    batch: int


faults = st.builds(
    Fault,
    st.sampled_from(["killed", "killed unanswered", "throttled", "unanswered", "sent twice"]),
    st.integers(0, 12),
    st.sampled_from([0, 0, 1, 2]),
)
receives = st.builds(Receive, st.integers(1, BATCH), st.sampled_from([None, None, 0, 1]), st.none() | faults)
turns = st.lists(st.integers(0, 2), max_size=24).map(tuple)


def plans(consumers: int, overlays: Sequence[str] = ("",)) -> st.SearchStrategy[Plan]:
    """Plans with at most so many consumers at a time."""
    steps = st.builds(
        Step, st.lists(receives, min_size=1, max_size=consumers).map(tuple), turns, st.sampled_from(overlays)
    )
    return st.builds(
        Plan,
        st.sampled_from([0, 0, 0, 3]),
        st.lists(steps, min_size=1, max_size=5).map(tuple),
        st.integers(1, BATCH),
    )


def queued(runs: Sequence[Run]) -> list[Message]:
    """The events of runs in the queue: one group each, their events taking turns."""
    longest = max(len(run.events) for run in runs)
    in_turn = [(run, position) for position in range(longest) for run in runs if position < len(run.events)]
    return [
        Message(body(run.events[position]), run.name, sequence)
        for sequence, (run, position) in enumerate(in_turn, start=1)
    ]


def body(event: Event) -> str:
    """As admission queues it: with the launch plan that the execution's row names."""
    payload = event.SerializeToString(deterministic=True)
    return seal(kind_of(event), payload, launch_plan=f"{PROJECT}:{DOMAIN}:plan")


@dataclass
class Queue:
    """Messages that are not deleted yet, in the order in which they are received."""

    scheduler: Scheduler
    messages: list[Message]
    overlays: dict[str, Overlay] = field(default_factory=dict)

    def consume(self, plan: Plan) -> int:
        """Carry a plan out, deliver what is left, then send again what was set aside, and say how much that was."""
        for message in self.messages:
            message.receives = plan.receives
        for step in plan.steps:
            self._step(step)
        self.drain(plan.batch)
        self.messages = letters = set_aside()
        self.drain(plan.batch)
        return len(letters)

    def drain(self, size: int) -> None:
        """Deliver the rest without a fault."""
        while self.messages:
            before = len(self.messages)
            self._settle(self._receive(Receive(size, None, None)))
            assert len(self.messages) < before, "a batch without a fault leaves its messages in the queue"

    def _step(self, step: Step) -> None:
        received = [self._receive(each) for each in step.receives]
        everyone: list[Consumer[Any]] = [consumer for consumer, _ in received]
        if step.overlay:
            everyone.append(Consumer(partial(self.set_overlay, step.overlay)))
        self.scheduler.run(everyone, step.turns)
        for consumer, messages in received:
            self._delete(consumer, messages)

    def _receive(self, receive: Receive) -> tuple[Consumer[list[str]], list[Message]]:
        groups = list(dict.fromkeys(message.group for message in self.messages))
        wanted = groups if receive.group is None else groups[receive.group : receive.group + 1]
        messages = [message for message in self.messages if message.group in wanted][: receive.size]
        for message in messages:
            message.receives += 1
        event = batch([message.record() for message in messages])
        return Consumer(partial(_handled, event), receive.fault), messages

    def _settle(self, received: tuple[Consumer[list[str]], list[Message]]) -> None:
        consumer, messages = received
        self.scheduler.run([consumer], ())
        self._delete(consumer, messages)

    def _delete(self, consumer: Consumer[list[str]], messages: Sequence[Message]) -> None:
        if consumer.result is not None:
            done = {message.id for message in messages} - set(consumer.result)
            self.messages = [message for message in self.messages if message.id not in done]

    def set_overlay(self, phase: str) -> None:
        """What a terminate or a reconcile does to the first execution, unless it has ended."""
        execution = f"{PROJECT}:{DOMAIN}:run"
        overlay = Overlay(phase, CREATED_AT + 5)
        for _ in range(50):
            state = executions.read_state(execution)
            if state is None or state.phase in TERMINAL or state.overlay_phase:
                return
            try:
                executions.set_overlay(state, overlaid(overlay))
            except ConditionFailed:
                continue
            self.overlays["run"] = overlay
            return


def _handled(event: dict[str, object]) -> list[str]:
    try:
        answer = lambda_handler(event, Context())
    except Exception:  # noqa: BLE001  # the function failed: the queue delivers the whole batch again
        return [str(record["messageId"]) for record in event["Records"]]  # type: ignore[attr-defined]
    failures = answer["batchItemFailures"]
    assert isinstance(failures, list)
    return [failure["itemIdentifier"] for failure in failures]


def set_aside() -> list[Message]:
    """What is in the dead-letter queue, as a redrive sends it again: with its old sequence."""
    sqs = aws.client("sqs")
    messages: list[Message] = []
    while True:
        answer = sqs.receive_message(
            QueueUrl=environment().dead_letter_queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"],
            AttributeNames=["All"],
        )  # fmt: skip
        letters = answer.get("Messages", [])
        if not letters:
            return messages
        for letter in letters:
            said = {name: attribute["StringValue"] for name, attribute in letter["MessageAttributes"].items()}
            group = letter["Attributes"]["MessageGroupId"]
            messages.append(Message(letter["Body"], group, int(said["sequence"]), redriven=True, cause=said["cause"]))
            sqs.delete_message(QueueUrl=environment().dead_letter_queue_url, ReceiptHandle=letter["ReceiptHandle"])
