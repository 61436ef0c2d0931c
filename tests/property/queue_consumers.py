"""The event queue's side of a run: who receives which messages, how often, with what befalling them meanwhile."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from flyteadmin.clients import aws, storage
from flyteadmin.errors import Unavailable
from flyteadmin.events.envelope import kind_of, seal
from flyteadmin.events.validation import Event
from flyteadmin.executions import repository as executions
from flyteadmin.executions.models import ExecutionState
from flyteadmin.executions.phases import TERMINAL, ControlPlanePhase, facts_of_control_plane
from flyteadmin.facts import Facts
from flyteadmin.settings import environment
from functions.process_event.handler import lambda_handler
from tests.aws_events import Context, batch, queue_record
from tests.builders import CREATED_AT, DOMAIN, PROJECT
from tests.property.delivery_plans import Plan, Receive, Step
from tests.property.interleaving import SET_ASIDE, Consumer, Scheduler
from tests.property.propeller_runs import Run


@dataclass
class Message:
    """An event in the queue; `is_late` where it came back from the dead-letter queue, or for another reason."""

    body: str
    group: str
    sequence: int
    is_late: bool = False
    copy: int = 0
    receives: int = 0
    cause: str = ""

    @property
    def id(self) -> str:
        return f"message-{self.sequence}-{self.copy}"

    def record(self) -> dict[str, object]:
        return queue_record(
            self.body,
            self.sequence + (10**6 if self.is_late else 0),
            group=self.group,
            message_id=self.id,
            receive_count=self.receives,
            redriven=self.sequence if self.is_late else None,
        )


def queued(runs: Sequence[Run], plan: Plan) -> list[Message]:
    """Return the events of runs in the queue: one group each, their events taking turns; then in the plan's order."""
    longest = max(len(run.events) for run in runs)
    in_turn = [(run, position) for position in range(longest) for run in runs if position < len(run.events)]
    messages = [
        Message(body(run.events[position], plan), run.name, sequence, is_late=bool(plan.order))
        for sequence, (run, position) in enumerate(in_turn, start=1)
    ]
    return [replace(message, copy=copy) for copy, message in enumerate(plan.order.of(messages))]


def body(event: Event, plan: Plan) -> str:
    """As admission queues it: perhaps with the launch plan that the execution's row names, a large one as a claim."""
    payload = event.SerializeToString(deterministic=True)
    launch_plan = f"{PROJECT}:{DOMAIN}:plan" if plan.names_launch_plan else ""
    if len(payload) <= plan.claims_above:
        return seal(kind_of(event), payload, launch_plan=launch_plan)
    claim = storage.write_once(payload, "claims", "event")
    return seal(kind_of(event), payload, claim=claim, launch_plan=launch_plan)


@dataclass
class Queue:
    """Messages that are not deleted yet, in the order in which they are received; and what came of others."""

    scheduler: Scheduler
    messages: list[Message]
    overlays: dict[str, ControlPlanePhase] = field(default_factory=dict)
    """Phases that the control plane set, by execution."""
    consumers: list[Consumer[list[str]]] = field(default_factory=list)
    """All that received messages, in turn."""
    letters: int = 0
    """The number of messages that were set aside."""

    def consume(self, plan: Plan) -> None:
        """Carry a plan out, deliver what is left, then send again what was set aside."""
        for message in self.messages:
            message.receives = plan.receives
        before = len(self.scheduler.met.calls)
        for step in plan.steps:
            self._step(step)
        self.drain(plan.batch)
        if SET_ASIDE not in self.scheduler.met.calls[before:]:
            return
        self.messages = set_aside()
        self.letters = len(self.messages)
        self.drain(plan.batch)

    def drain(self, size: int) -> None:
        """Deliver the rest without a fault."""
        while self.messages:
            before = len(self.messages)
            consumer, messages = self._receive(Receive(size))
            self.scheduler.run([consumer], ())
            self._delete(consumer, messages)
            assert len(self.messages) < before, "a batch without a fault leaves its messages in the queue"

    def _step(self, step: Step) -> None:
        received = [self._receive(each) for each in step.receives]
        everyone: list[Consumer[Any]] = [consumer for consumer, _ in received]
        if step.overlay:
            everyone.append(Consumer(partial(self.write_control_plane_facts, step.overlay)))
        self.scheduler.run(everyone, step.turns)
        for (consumer, messages), receive in zip(received, step.receives, strict=True):
            if not receive.is_forgotten:
                self._delete(consumer, messages)

    def _receive(self, receive: Receive) -> tuple[Consumer[list[str]], list[Message]]:
        groups = list(dict.fromkeys(message.group for message in self.messages))
        wanted = groups if receive.group is None else groups[receive.group : receive.group + 1]
        of_these = [message for message in self.messages if message.group in wanted]
        skipped = receive.skips if any(message.is_late for message in of_these) else 0
        messages = of_these[skipped : skipped + receive.size] or of_these[: receive.size]
        for message in messages:
            message.receives += 1
        event = batch([message.record() for message in messages])
        self.consumers.append(Consumer(partial(_handled, event), receive.faults))
        return self.consumers[-1], messages

    def _delete(self, consumer: Consumer[list[str]], messages: Sequence[Message]) -> None:
        if consumer.result is not None:
            done = {message.id for message in messages} - set(consumer.result)
            self.messages = [message for message in self.messages if message.id not in done]

    def write_control_plane_facts(self, phase: str) -> None:
        """Set a phase on the first execution as an abort does, unless it has ended."""
        overlay = ControlPlanePhase(phase, CREATED_AT + 5)

        def decision(row: ExecutionState) -> Facts | None:
            return None if row.phase in TERMINAL or row.overlay_phase else facts_of_control_plane(overlay)

        state = executions.read_state(f"{PROJECT}:{DOMAIN}:run")
        assert state is not None
        with suppress(Unavailable):  # others were faster each time
            if decision(executions.update_optimistically(state, decision)):
                self.overlays["run"] = overlay


def _handled(event: dict[str, object]) -> list[str]:
    try:
        answer = lambda_handler(event, Context())
    except Exception:  # noqa: BLE001  # the function failed: the queue delivers the whole batch again
        return [str(record["messageId"]) for record in event["Records"]]  # type: ignore[attr-defined]
    failures = answer["batchItemFailures"]
    assert isinstance(failures, list)
    return [failure["itemIdentifier"] for failure in failures]


def set_aside() -> list[Message]:
    """Take the dead letters as a redrive sends them again: with their old sequences."""
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
            messages.append(Message(letter["Body"], group, int(said["sequence"]), is_late=True, cause=said["cause"]))
            sqs.delete_message(QueueUrl=environment().dead_letter_queue_url, ReceiptHandle=letter["ReceiptHandle"])
