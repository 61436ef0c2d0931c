"""Runs one execution: gives its walk the means to act, and obeys FlyteAdmin's answers as propeller does."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from flyteidl.core.execution_pb2 import TaskLog, WorkflowExecution
from flyteidl.event.event_pb2 import WorkflowExecutionEvent
from google.protobuf.message import DecodeError, Message
from pydantic import ValidationError

from flyteadmin.clients.storage import BlobMissing
from flyteadmin.compiler.errors import CompileErrors
from flyteadmin.errors import Code, FlyteAdminError
from flyteadmin.events.validation import Event
from flyteadmin.flyteworkflow.crd import FlyteWorkflow
from local.engine.bridge import ControlPlane, Refused
from local.engine.events import Events
from local.engine.faults import Lost, Superseded, system_error
from local.engine.kinds import HANDLERS
from local.engine.loading import Blobs, loaded
from local.engine.resources import Phase, Resource
from local.engine.tasks.command import Command, Exit
from local.engine.tasks.processes import Processes
from local.engine.walk import Walk

ABORT_REASON = "Workflow aborted."
_PHASES = {
    WorkflowExecution.RUNNING: Phase.RUNNING,
    WorkflowExecution.SUCCEEDING: Phase.SUCCEEDING,
    WorkflowExecution.SUCCEEDED: Phase.SUCCESS,
    WorkflowExecution.FAILING: Phase.FAILING,
    WorkflowExecution.FAILED: Phase.FAILED,
    WorkflowExecution.ABORTED: Phase.ABORTED,
}
_log = logging.getLogger(__name__)


class Recorder(Protocol):
    """Writes the phase of a resource back."""

    def record(self, resource: Resource, phase: Phase, at: datetime) -> None: ...


@dataclass(frozen=True)
class Settings:
    """The settings of the engine; the prefixes are s3:// URIs."""

    metadata_prefix: str
    raw_prefix: str
    producer_id: str = "propeller"
    max_failed_rounds: int = 10
    round_seconds: float = 0.5


@dataclass(frozen=True)
class World:
    """Objects that all executions share."""

    recorder: Recorder
    control: ControlPlane
    blobs: Blobs
    processes: Processes
    settings: Settings
    clock: Callable[[], int] = time.time_ns


class Execution:
    """Runs one resource once, from its first event to its recorded end."""

    def __init__(self, resource: Resource, world: World) -> None:
        """Take a resource that nobody else runs."""
        self._resource = resource
        self._world = world
        self._phase = Phase.READY
        self._failed_rounds = 0
        self._order = asyncio.Lock()
        self._is_silent = False
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> asyncio.Task[None]:
        """Start it."""
        self._task = asyncio.create_task(self._run(), name="/".join(self._resource.place))
        return self._task

    def abort(self) -> None:
        """End it, since its resource was deleted."""
        if self._task:
            self._task.cancel(ABORT_REASON)

    def leave(self) -> None:
        """Let go of it where it is: no word of it any more."""
        self._is_silent = True
        self.abort()

    async def _run(self) -> None:
        try:
            workflow = FlyteWorkflow.model_validate(self._resource.manifest)
        except ValidationError as error:  # FlyteAdmin can't be told: whose execution it is may be what can't be read
            _log.error("%s/%s is no FlyteWorkflow: %s", *self._resource.place, error)
            await self._record(Phase.FAILED)
            return
        try:
            phase = await self._walked(workflow)
        except asyncio.CancelledError:
            if self._is_silent:
                raise
            phase = Phase.ABORTED
        await self._record(phase)
        _log.info("%s/%s %s", *self._resource.place, phase.name)

    async def _walked(self, workflow: FlyteWorkflow) -> Phase:
        walk = self._walk(workflow)
        try:
            workflow, inputs = await undivided(partial(loaded, workflow, self._world.blobs))
            walk = self._walk(workflow)
            await walk.run(inputs)
        except Superseded:
            return Phase.FAILED
        except Lost as lost:
            await walk.fail(lost.error)
            return Phase.FAILED
        except (FlyteAdminError, BlobMissing, CompileErrors, Refused, LookupError, ValueError) as error:
            await walk.fail(system_error("BadSpecificationError", str(error)))
            return Phase.FAILED
        except Exception as error:  # noqa: BLE001  # whatever it is, FlyteAdmin must hear of the end
            _log.exception("%s/%s broke off", *self._resource.place)
            await walk.fail(system_error("RuntimeExecutionError", f"{type(error).__name__}: {error}"))
            return Phase.FAILED
        return self._phase

    def _walk(self, workflow: FlyteWorkflow) -> Walk:
        interruptible = workflow.execution_config.interruptible
        settings = self._world.settings
        events = Events(
            workflow.execution_id,
            settings.producer_id,
            self._world.clock,
            workflow.node_defaults.interruptible if interruptible is None else interruptible,
        )
        raw_prefix = workflow.raw_output_data_config.output_location_prefix or settings.raw_prefix
        return Walk(
            workflow,
            events,
            self,
            HANDLERS,
            metadata_prefix=settings.metadata_prefix,
            raw_prefix=raw_prefix.rstrip("/"),
        )

    async def _record(self, phase: Phase) -> None:
        await undivided(partial(self._world.recorder.record, self._resource, phase, datetime.now(UTC)))

    async def send(self, event: Event) -> None:
        """Send an event after those before it, again and again as propeller would in its next rounds."""
        async with self._order:
            while not self._is_silent:
                try:
                    await undivided(partial(self._world.control.send, event))
                except Refused as refused:
                    self._heed(refused)
                    await self.fail_round(refused)
                else:
                    break
            if isinstance(event, WorkflowExecutionEvent) and not self._is_silent:
                self._phase = _PHASES[event.phase]
                if self._phase == Phase.RUNNING:
                    await self._record(self._phase)

    def _heed(self, refused: Refused) -> None:
        if refused.reason == "already_in_terminal_state":
            self._is_silent = True
            raise Superseded from refused
        if refused.reason == "incompatible_cluster":
            message = f"Workflow execution cluster reassigned: {refused}"
            raise Lost(system_error("EventIncompatibleClusterError", message)) from refused
        if refused.code == Code.NOT_FOUND and self._phase != Phase.READY:
            message = "Workflow execution not found in flyteadmin."
            raise Lost(system_error("ExecutionNotFound", message)) from refused

    async def fail_round(self, fault: Exception) -> None:
        """Count what did not work, and let some time pass."""
        self._failed_rounds += 1
        limit = self._world.settings.max_failed_rounds
        if self._failed_rounds > limit:
            message = f"max number of system retry attempts [{self._failed_rounds}/{limit}] exhausted: {fault}"
            raise Lost(system_error("Workflow abort failed", message)) from fault
        _log.warning("%s/%s round %d failed: %s", *self._resource.place, self._failed_rounds, fault)
        await asyncio.sleep(self._world.settings.round_seconds)

    async def call[M: Message](self, rpc: str, request: Message, of: type[M]) -> M:
        """Call FlyteAdmin."""
        return await undivided(partial(self._world.control.call, rpc, request, of))

    async def read[M: Message](self, uri: str, of: type[M]) -> M | None:
        """Return the message that a blob holds, if there is one."""
        try:
            blob = await self._stored(partial(self._world.blobs.read, uri))
        except BlobMissing:
            return None
        try:
            return of.FromString(blob)
        except DecodeError as error:
            raise ValueError(f"{uri} holds no {of.DESCRIPTOR.full_name}") from error

    async def write(self, uri: str, content: Message) -> None:
        """Write a message."""
        await self._stored(partial(self._world.blobs.write, content.SerializeToString(), uri))

    async def exists(self, uri: str) -> bool:
        """Return whether there is a blob."""
        return await self._stored(partial(self._world.blobs.exists, uri))

    async def _stored[T](self, work: Callable[[], T]) -> T:
        while True:
            try:
                return await undivided(work)
            except FlyteAdminError as error:
                await self.fail_round(error)

    def slot(self) -> AbstractAsyncContextManager[None]:
        """One of the places in which tasks of all executions run."""
        return self._world.processes.slots

    def log(self, name: str) -> TaskLog:
        """Return the link to a log."""
        return self._world.processes.logs.link(name)

    async def run(self, command: Command, name: str) -> Exit:
        """Run a command to its end."""
        return await self._world.processes.run(command, name)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)


async def undivided[T](work: Callable[[], T]) -> T:
    """Do blocking work in a thread, to its end even where the caller is cancelled meanwhile."""
    future = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        future.exception()
        raise
