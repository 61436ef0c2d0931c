"""The local AWS as a child process, for tests and scripts: started on a free port, stopped for sure."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from local.aws.client import ROOT_SECRET, Endpoint
from local.aws.server import READY

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def running(
    *,
    auth: bool = False,
    audit: Path | None = None,
    env: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> Iterator[Endpoint]:
    """Start the server, yield its endpoint, and stop it with all its Lambda workers, whatever happens.

    What they write to disk is removed too. They also end when this process is killed.

    Args:
        auth: Check signatures and IAM policies.
        audit: A file to append each decision about a role to.
        env: Added to its environment, which is this process's without `AWS_*`.
        options: Further options of `local.aws.server`.

    Raises:
        RuntimeError: It didn't start; the message carries what it printed.
    """
    with tempfile.TemporaryDirectory(prefix="local-aws-", ignore_cleanup_errors=True) as scratch:
        log, secret = Path(scratch) / "server.log", secrets.token_urlsafe(30)
        with log.open("wb") as errors:
            server = subprocess.Popen(
                [*_command(scratch, auth=auth, audit=audit), *options],
                cwd=ROOT,
                env=_environment({ROOT_SECRET: secret, **(env or {})}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        try:
            yield Endpoint(_url_when_ready(server, log), secret)
        finally:
            _stop(server)


def _command(scratch: str, *, auth: bool, audit: Path | None) -> list[str]:
    options = ["--auth"] * auth + (["--audit", str(audit.resolve())] if audit else [])
    return [sys.executable, "-m", "local.aws.server", "--port", "0", "--scratch", scratch, *options]


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**inherited, **extra}


def _url_when_ready(server: subprocess.Popen[str], log: Path) -> str:
    assert server.stdout is not None
    line = server.stdout.readline()
    if not line.startswith(READY):
        raise RuntimeError(f"The local AWS didn't start:\n{log.read_text(errors='replace')}")
    return line.removeprefix(READY).strip()


def _stop(server: subprocess.Popen[str]) -> None:
    # The group is the server and its Lambda workers, since `start_new_session` made the server its leader. Nothing of
    # theirs is worth a graceful end.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.communicate()
