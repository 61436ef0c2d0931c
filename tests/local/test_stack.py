"""`make up` and `make down`: what is said to be stopped has ended."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import stack as local_stack


@pytest.fixture
def pid_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Redirect the pid file of `make up`, and restore the signal handlers that it sets."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(local_stack, "_PID_FILE", tmp_path / "stack.pid")
    yield tmp_path / "stack.pid"
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def ended(pid_file: Path, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A stack without parts; for each that ended, whether the file was there still."""
    seen = []

    @contextmanager
    def running(*_: object, **__: object) -> Iterator[object]:
        stack = type("Stack", (), {"named_url": "", "outputs": {"NotificationsTopicArn": "", "Bucket": ""}})()
        for part in ("cluster", "endpoint", "bridge", "data_scientist"):
            said = {"url": "", "address": "", "access_key": "", "secret_key": "", "secret": ""}
            setattr(stack, part, type("Part", (), said)())
        yield stack
        seen.append(pid_file.exists())

    monkeypatch.setattr(local_stack, "running", running)
    return seen


def after_a_while(signal_number: int) -> threading.Timer:
    stopper = threading.Timer(0.5, os.kill, (os.getpid(), signal_number))
    stopper.start()
    return stopper


@contextmanager
def kept(pid_file: Path) -> Iterator[None]:
    """Hold the lock of a running `make up`."""
    with pid_file.open("w") as file:
        file.write(str(os.getpid()))
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_down_waits_until_all_has_ended(pid_file: Path, ended: list[bool]) -> None:
    stopper = after_a_while(signal.SIGTERM)
    local_stack.up(engine=True)
    stopper.join()
    assert ended == [True], "there as long as anything runs"
    assert not pid_file.exists()


def test_down_says_so_if_it_does_not_end(
    pid_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    monkeypatch.setattr(local_stack, "_PATIENCE_SECONDS", 0.3)
    with kept(pid_file), pytest.raises(SystemExit, match="has not ended"):
        local_stack.down()
    assert "stopped" not in capsys.readouterr().err


def test_down_leaves_a_process_alone_that_has_the_number_of_one_that_was_killed(
    pid_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    received = []
    signal.signal(signal.SIGTERM, lambda *_: received.append(1))
    pid_file.write_text(str(os.getpid()))
    local_stack.down()
    assert received == []
    assert capsys.readouterr().err == "stack: no stack is running\n"
    assert not pid_file.exists()


def test_a_second_stack_of_one_folder_is_refused(pid_file: Path, ended: list[bool]) -> None:
    """They would share logs, and `make down` could end one of them only."""
    with kept(pid_file):
        stopper = after_a_while(signal.SIGINT)
        with pytest.raises(SystemExit, match="make down ends it"):
            local_stack.up(engine=True)
        assert pid_file.read_text() == str(os.getpid())
        stopper.cancel()
    assert ended == []


def test_who_has_no_cluster_does_not_wait_for_its_client() -> None:
    """The official client takes seconds to import; `make down` took them too."""
    look = "import sys, local.stack; sys.exit('kubernetes' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0


def test_down_without_a_stack(pid_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pid_file.write_text("no number")
    local_stack.down()
    assert capsys.readouterr().err == "stack: no stack is running\n"
    assert not pid_file.exists()
