"""One attempt of a task from QUEUED to its end."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace

from flyteidl.core.execution_pb2 import ExecutionError, TaskExecution, TaskLog
from flyteidl.core.literals_pb2 import LiteralMap

from local.engine.faults import Lost, TemplateFault, system_error
from local.engine.hands import Hands
from local.engine.outcome import Outcome
from local.engine.places import Attempt
from local.engine.tasks.command import Command, Exit, Surroundings, command_of, log_name
from local.engine.tasks.echo import ECHO, echoed
from local.engine.tasks.results import result_of

SUBMITTED = "task submitted to the stand-in engine"


@dataclass(frozen=True)
class News:
    """An update of an attempt, for an event."""

    phase: TaskExecution.Phase
    reason: str = ""
    log: TaskLog | None = None
    error: ExecutionError | None = None


type Tell = Callable[[News], Awaitable[None]]


@dataclass(frozen=True)
class Runner:
    """Runs attempts, at most so many of one execution at once, and tells how they fare."""

    hands: Hands
    around: Surroundings
    parallelism: asyncio.Semaphore

    async def run(self, attempt: Attempt, inputs: LiteralMap, tell: Tell) -> Outcome:
        """Run one to its end; when it is cancelled, it ends ABORTED."""
        log: TaskLog | None = None
        try:
            await tell(News(TaskExecution.QUEUED, SUBMITTED))
            if attempt.template.type == ECHO:
                await tell(News(TaskExecution.RUNNING))
                outcome = await echoed(self.hands, attempt, inputs)
            else:
                log = self.hands.log(log_name(self.around.execution_id, attempt))
                outcome = await self._command(attempt, inputs, tell, log)
        except (asyncio.CancelledError, Lost):
            await tell(News(TaskExecution.ABORTED))
            raise
        phase = TaskExecution.FAILED if outcome.error else TaskExecution.SUCCEEDED
        await tell(News(phase, log=log, error=outcome.error))
        return outcome

    async def _command(self, attempt: Attempt, inputs: LiteralMap, tell: Tell, log: TaskLog) -> Outcome:
        try:
            command = command_of(attempt, inputs, self.around)
        except TemplateFault as fault:
            return Outcome(error=system_error("BadTaskSpecification", str(fault)))
        if command.reads_template:
            await self.hands.write(attempt.place.template_uri, attempt.template)
        ended = await self._process(attempt, command, tell, log)
        return await result_of(self.hands, attempt, ended, self.around.checkpoint_prefix(attempt))

    async def _process(self, attempt: Attempt, command: Command, tell: Tell, log: TaskLog) -> Exit:
        # An eager task waits for others; were it to take a place, they might never get one.
        slot = nullcontext() if attempt.template.metadata.is_eager else self.hands.slot()
        async with self.parallelism, slot:
            await tell(News(TaskExecution.RUNNING, log=log))
            return await self.hands.run(command, log_name(self.around.execution_id, attempt))

    def with_environment(self, environment: Mapping[str, str]) -> "Runner":
        """Return the same, with more variables for the commands."""
        around = replace(self.around, environment={**self.around.environment, **environment})
        return replace(self, around=around)
