"""Does what a user of flytekit does: runs its commands and waits for an execution."""

from datetime import timedelta
from pathlib import Path

from flytekit.remote import FlyteRemote, FlyteWorkflowExecution

from local.demo.pyflyte import pyflyte
from local.stack import DOMAIN, PROJECT, Stack
from tests.e2e.waiting import PATIENCE_SECONDS


def command(stack: Stack, home: Path, *arguments: str) -> str:
    """Run `pyflyte` with these arguments and return its output.

    Raises:
        CommandFailed: it ended with an error.
    """
    said: list[str] = []
    pyflyte(stack, *arguments, home=home, say=said.append)
    return "\n".join(said)


def ended(remote: FlyteRemote, name: str, *, project: str = PROJECT, domain: str = DOMAIN) -> FlyteWorkflowExecution:
    """Return an execution after its end, with all of its nodes."""
    execution = remote.fetch_execution(project=project, domain=domain, name=name)
    patience = timedelta(seconds=PATIENCE_SECONDS)
    return remote.wait(execution, timeout=patience, poll_interval=timedelta(seconds=0.5), sync_nodes=True)
