"""The server as a child process: ready when it says so, isolated accounts, gone without a trace."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.aws import process
from local.aws.client import Endpoint
from tests.local.aws_stack import Stack, eventually


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_accounts_are_isolated_and_a_reset_forgets_them_all() -> None:
    with process.running() as endpoint:
        for account in ("111111111111", "222222222222"):
            endpoint.session(account).client("sqs", endpoint_url=endpoint.url).create_queue(QueueName=account)
        queues = endpoint.client("sqs", "111111111111").list_queues()["QueueUrls"]
        assert [url.rpartition("/")[2] for url in queues] == ["111111111111"]
        endpoint.reset()
        assert "QueueUrls" not in endpoint.client("sqs", "111111111111").list_queues()


def test_lambda_workers_end_with_the_server(tmp_path: Path) -> None:
    with process.running(auth=True) as endpoint:
        stack = Stack.deployed(endpoint, tmp_path / "notes.jsonl")
        assert stack.api.request("GET", "/echo").status == 200
        group = listener(endpoint)
        workers = [pid for pid in members(group) if pid != group]
        assert workers
    assert not alive(group)


def listener(endpoint: Endpoint) -> int:
    """The process that serves the endpoint, found among this one's children."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return next(int(pid) for pid in children if "local.aws.server" in command(pid) and alive(int(pid)))


def command(pid: str) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def members(group: int) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if group_of(pid) == group]


def group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def test_the_server_ends_when_its_starter_is_killed() -> None:
    script = "from local.aws.process import running\nwith running() as e: print(e.url, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=process.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline().startswith("http://127.0.0.1:")
        (server,) = Path(f"/proc/{starter.pid}/task/{starter.pid}/children").read_text().split()
        starter.send_signal(signal.SIGKILL)
        starter.wait()
        assert eventually(lambda: not alive(int(server)))


def test_a_server_that_cant_start_says_why() -> None:
    with (
        pytest.raises(RuntimeError, match=r"PATCHES_OFF names no patch: dynamodb\.everything"),
        process.running(env={"PATCHES_OFF": "dynamodb.everything"}),
    ):
        pass
