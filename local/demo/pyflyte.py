"""flytekit's own command, pointed at a stack as its users do it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from local.stack import ROOT, Stack

_PYFLYTE = Path(sys.executable).parent / "pyflyte"


class CommandFailed(Exception):
    """The command did not succeed; the message is what it said."""


def pyflyte(stack: Stack, *arguments: str, home: Path, say: Callable[[str], None]) -> None:
    """Run `pyflyte` in the root of this project, and say each line that it prints as it comes.

    Raises:
        CommandFailed: it ended with an error.
    """
    lines = []
    with subprocess.Popen(
        [_PYFLYTE, *arguments],
        cwd=ROOT,
        env=environment(stack, home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as command:
        assert command.stdout is not None
        for line in command.stdout:
            lines.append(line)
            say(line.rstrip())
    if command.returncode:
        raise CommandFailed(f"pyflyte {' '.join(arguments)}:\n{''.join(lines)}")


def environment(stack: Stack, home: Path) -> dict[str, str]:
    """Return the variables that `make up` prints; `home` keeps flytekit from files of this machine's user."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FLYTE"))}
    told = {"FLYTE_PLATFORM_URL": stack.bridge.address, "FLYTE_PLATFORM_INSECURE": "true"}
    return {**others, **told, "HOME": str(home)}
