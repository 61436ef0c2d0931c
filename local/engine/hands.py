"""The effects of a walk; each may be cancelled, and a cancelled one is done wholly or left undone."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from flyteidl.core.execution_pb2 import TaskLog
from google.protobuf.message import Message

from flyteadmin.events.validation import Event
from local.engine.tasks.command import Command, Exit


class Hands(Protocol):
    """The world of one execution."""

    async def send(self, event: Event) -> None:
        """Send an event after all that were sent before it.

        Raises:
            Superseded: the execution has ended otherwise.
            Lost: it can't go on.
        """

    async def call[M: Message](self, rpc: str, request: Message, of: type[M]) -> M:
        """Call FlyteAdmin.

        Raises:
            Refused: it answered an error.
        """

    async def fail_round(self, fault: Exception) -> None:
        """Count what did not work, and let some time pass before it is tried again.

        Raises:
            Lost: it happened too often.
        """

    async def read[M: Message](self, uri: str, of: type[M]) -> M | None:
        """Return the message that a blob holds, if there is one."""

    async def write(self, uri: str, content: Message) -> None:
        """Write a message."""

    async def exists(self, uri: str) -> bool:
        """Return whether there is a blob."""

    def slot(self) -> AbstractAsyncContextManager[None]:
        """One of the places in which tasks run; waits for a free one."""

    def log(self, name: str) -> TaskLog:
        """Return the link to the output of an attempt."""

    async def run(self, command: Command, name: str) -> Exit:
        """Run a task's command to its end; what it prints goes to the log of this name."""

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
