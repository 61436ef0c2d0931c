"""Tasks as processes of this machine."""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from local.engine.tasks.command import Command, Exit
from local.engine.tasks.logs import Logs

GRACE_SECONDS = 3.0
_NOT_FOUND = 127
_LAST_WORDS = 2048


@dataclass(frozen=True)
class Processes:
    """Runs commands, each in an empty folder of its own and in a process group that ends with it.

    `environment` is what every task finds besides its own variables: nothing else of this process's is passed on.
    """

    logs: Logs
    environment: Mapping[str, str]
    slots: asyncio.Semaphore

    async def run(self, command: Command, name: str) -> Exit:
        """Run a command to its end; whatever it leaves running, or all of it when this is cancelled, is killed."""
        path = self.logs.path(name)
        with path.open("wb") as log, TemporaryDirectory(prefix="flyte-task-", ignore_cleanup_errors=True) as folder:
            try:
                process = await self._begin(command, Path(folder), log.fileno())
            except (OSError, ValueError) as error:
                log.write(f"{command.arguments[0]}: {error}\n".encode())
                return Exit(_NOT_FOUND, f"{command.arguments[0]}: {error}")
            try:
                code = await process.wait()
            finally:
                await _end(process)
        return Exit(code, _last_words(path))

    async def _begin(self, command: Command, folder: Path, log: int) -> asyncio.subprocess.Process:
        work, scratch = folder / "work", folder / "tmp"
        work.mkdir()
        scratch.mkdir()
        own = {"HOME": str(work), "PWD": str(work), "TMPDIR": str(scratch)}
        return await asyncio.create_subprocess_exec(
            *command.arguments,
            cwd=work,
            env={**self.environment, **own, **command.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask the whole group to end, and then make it."""
    try:
        if process.returncode is None:
            _signal(process, signal.SIGTERM)
            async with asyncio.timeout(GRACE_SECONDS):
                await process.wait()
    except TimeoutError:
        pass
    finally:
        _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _last_words(path: Path) -> str:
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - _LAST_WORDS))
        return log.read().decode(errors="replace").strip()
