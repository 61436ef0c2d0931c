"""Hands for a walk that does nothing but remember, and programs that stand for what tasks do."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from itertools import count

from flyteidl.core.errors_pb2 import ContainerError, ErrorDocument
from flyteidl.core.execution_pb2 import ExecutionError, TaskLog
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent
from google.protobuf.message import Message

from flyteadmin.errors import Code
from flyteadmin.events.validation import Event
from flyteadmin.flyteworkflow.crd import FlyteWorkflow
from local.engine.bridge import Refused
from local.engine.events import Events
from local.engine.kinds import HANDLERS
from local.engine.tasks.command import Command, Exit
from local.engine.walk import Walk
from tests.local.engine_builders import MemoryBlobs, line

BASE = "s3://bucket/metadata/propeller/flytesnacks-development-run"
BEGIN = 1_700_000_000_000_000_001

type Program = Callable[["MemoryHands", Command], Awaitable[Exit]]
type Answer = Callable[[str, Message], Message]


@dataclass
class MemoryHands:
    """Remembers events, blobs and calls; a task does what the program of its name does, else passes `x` on as `o0`."""

    programs: Mapping[str, Program] = field(default_factory=dict)
    answer: Answer | None = None
    events: list[Event] = field(default_factory=list)
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    calls: list[tuple[str, Message]] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(8))

    @property
    def lines(self) -> list[str]:
        return [line(event) for event in self.events]

    async def send(self, event: Event) -> None:
        await asyncio.sleep(0)
        self.events.append(event)

    async def call[M: Message](self, rpc: str, request: Message, of: type[M]) -> M:
        await asyncio.sleep(0)
        self.calls.append((rpc, request))
        if self.answer is None:
            raise Refused(Code.UNIMPLEMENTED, rpc)
        answer = self.answer(rpc, request)
        assert isinstance(answer, of)
        return answer

    async def fail_round(self, fault: Exception) -> None:
        raise AssertionError(fault)

    async def read[M: Message](self, uri: str, of: type[M]) -> M | None:
        return of.FromString(self.blobs.read(uri)) if self.blobs.exists(uri) else None

    async def write(self, uri: str, content: Message) -> None:
        self.blobs.write(content.SerializeToString(), uri)

    async def exists(self, uri: str) -> bool:
        return self.blobs.exists(uri)

    def slot(self) -> AbstractAsyncContextManager[None]:
        return self.slots

    def log(self, name: str) -> TaskLog:
        return TaskLog(uri=f"http://logs/{name}", name="Log")

    async def run(self, command: Command, name: str) -> Exit:
        self.commands.append(command)
        program = self.programs.get(command.environment["FLYTE_INTERNAL_TASK_NAME"], passes)
        return await program(self, command)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)

    def nodes(self, node_id: str) -> list[NodeExecutionEvent]:
        return [event for event in self.events if isinstance(event, NodeExecutionEvent) and event.id.node_id == node_id]

    @property
    def tasks(self) -> list[TaskExecutionEvent]:
        return [event for event in self.events if isinstance(event, TaskExecutionEvent)]

    @property
    def last(self) -> WorkflowExecutionEvent:
        assert isinstance(self.events[-1], WorkflowExecutionEvent)
        return self.events[-1]


async def passes(hands: MemoryHands, command: Command) -> Exit:
    """Give `x` as `o0`."""
    inputs = hands.blobs.literals(command.arguments[1])
    given = {"o0": inputs.literals["x"]} if "x" in inputs.literals else {}
    hands.blobs.write(LiteralMap(literals=given).SerializeToString(), f"{command.arguments[2]}/outputs.pb")
    return Exit(0)


def raises(
    message: str, *, recoverable: bool = False, origin: ExecutionError.ErrorKind = ExecutionError.USER
) -> Program:
    """Leave an error.pb, as flytekit does when a task's code raises."""

    async def program(hands: MemoryHands, command: Command) -> Exit:
        kind = ContainerError.RECOVERABLE if recoverable else ContainerError.NON_RECOVERABLE
        error = ContainerError(code="USER:ValueError", message=message, kind=kind, origin=origin)
        hands.blobs.write(ErrorDocument(error=error).SerializeToString(), f"{command.arguments[2]}/error.pb")
        return Exit(0)

    return program


def exits(code: int, last_words: str = "") -> Program:
    """End with an exit code and leave nothing."""

    async def program(_: MemoryHands, __: Command) -> Exit:
        return Exit(code, last_words)

    return program


async def hangs(_: MemoryHands, __: Command) -> Exit:
    """Never end."""
    await asyncio.Event().wait()
    raise AssertionError


def in_turn(*programs: Program) -> Program:
    """Each attempt the next one."""
    left = list(programs)

    async def program(hands: MemoryHands, command: Command) -> Exit:
        return await left.pop(0)(hands, command)

    return program


def walk_of(resource: FlyteWorkflow, hands: MemoryHands) -> Walk:
    ticks = count(BEGIN)
    events = Events(resource.execution_id, "propeller", lambda: next(ticks))
    prefixes = {"metadata_prefix": "s3://bucket/metadata/propeller", "raw_prefix": "s3://bucket/raw"}
    return Walk(resource, events, hands, HANDLERS, **prefixes)


def walked(
    resource: FlyteWorkflow, programs: Mapping[str, Program] | None = None, *, answer: Answer | None = None
) -> MemoryHands:
    """Run a walk to its end and return its effects."""
    hands = MemoryHands(programs or {}, answer)
    asyncio.run(_walk(resource, hands))
    return hands


async def _walk(resource: FlyteWorkflow, hands: MemoryHands) -> None:
    assert resource.inputs is not None
    await walk_of(resource, hands).run(resource.inputs)


def aborted_at(
    what: str,
    resource: FlyteWorkflow,
    programs: Mapping[str, Program] | None = None,
    *,
    answer: Answer | None = None,
    reason: str = "Workflow aborted.",
) -> MemoryHands:
    """Cancel a walk when this event is sent, and return its effects with the events after that one only."""
    hands = MemoryHands(programs or {}, answer)

    async def run() -> None:
        task = asyncio.create_task(_walk(resource, hands))
        while what not in hands.lines:
            assert not task.done(), f"{what} was never sent"
            await asyncio.sleep(0)
        seen = hands.lines.index(what) + 1
        task.cancel(reason)
        await asyncio.wait([task])
        hands.events = hands.events[seen:]

    asyncio.run(run())
    return hands
