"""The server as a child process: ready when it says so, isolated accounts, gone without a trace."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.aws import process
from tests.local.aws_stack import Stack, eventually


def test_accounts_are_isolated_and_a_reset_forgets_them_all() -> None:
    with process.running() as endpoint:
        for account in ("111111111111", "222222222222"):
            endpoint.session(account).client("sqs", endpoint_url=endpoint.url).create_queue(QueueName=account)
        queues = endpoint.client("sqs", "111111111111").list_queues()["QueueUrls"]
        assert [url.rpartition("/")[2] for url in queues] == ["111111111111"]
        endpoint.reset()
        assert endpoint.client("sqs", "111111111111").list_queues().get("QueueUrls", []) == []


def members(group: int) -> list[int]:
    """Return the processes of a group, but those that are dead and wait for their parent to notice."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and belongs(entry, group)]


def belongs(process_folder: Path, group: int) -> bool:
    try:
        state, _parent, its_group, *_ = (process_folder / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(its_group) == group and state != "Z"


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_lambda_workers_end_with_the_server(tmp_path: Path) -> None:
    before = children(os.getpid())
    with process.running(auth=True) as endpoint:
        stack = Stack.deployed(endpoint, tmp_path / "notes.jsonl")
        assert stack.api.request("GET", "/echo").status == 200
        (server,) = set(children(os.getpid())) - set(before)
        assert len(members(server)) > 1
    assert eventually(lambda: not members(server))


def test_everything_ends_when_the_starter_is_killed() -> None:
    script = "from local.aws.process import running\nwith running() as e: print(e.url, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=process.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline().startswith("http://127.0.0.1:")
        (server,) = children(starter.pid)
        assert members(server)
        starter.send_signal(signal.SIGKILL)
        starter.wait()
        assert eventually(lambda: not members(server))


def test_a_server_that_cant_start_says_why() -> None:
    with (
        pytest.raises(RuntimeError, match=r"PATCHES_OFF names no patch: dynamodb\.everything"),
        process.running(env={"PATCHES_OFF": "dynamodb.everything"}),
    ):
        pass
