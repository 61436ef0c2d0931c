"""The bridge as a child process, started again when it dies, as Kubernetes does with a container."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import grpc

_ROOT = Path(__file__).parents[1]
_START_SECONDS = 30


class RunningBridge:
    """A bridge at `address`, host:port; the same after it died and came again."""

    def __init__(self, environment: Mapping[str, str], log: Path, port: int) -> None:
        """Start it and wait until it listens.

        Raises:
            RuntimeError: it didn't start; the message carries what it logged.
        """
        self.address = f"127.0.0.1:{port}"
        self.environment: Mapping[str, str] = {**environment, "BRIDGE_LISTEN": self.address}
        self._log = log
        self._stopped = threading.Event()
        self._turn = threading.Lock()
        self._process = self._start()
        self._keeper = threading.Thread(target=self._keep, name="bridge", daemon=True)
        self._keeper.start()
        self._wait_until_it_listens()

    @property
    def pid(self) -> int:
        """The process that serves now."""
        return self._process.pid

    def stop(self) -> None:
        """End it gracefully."""
        self._stopped.set()
        with self._turn:  # else one could be started that nobody ends
            self._process.terminate()
        self._keeper.join()

    def _keep(self) -> None:
        while self._process.wait() is not None and not self._stopped.wait(0.2):
            with self._turn:
                if self._stopped.is_set():
                    return
                self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "bridge"], cwd=_ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )

    def _wait_until_it_listens(self) -> None:
        with grpc.insecure_channel(self.address) as channel:
            try:
                grpc.channel_ready_future(channel).result(_START_SECONDS)
            except grpc.FutureTimeoutError:
                self.stop()
                said = self._log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the bridge didn't start:\n{said}") from None


@contextmanager
def running(environment: Mapping[str, str], log: Path, *, port: int = 0) -> Iterator[RunningBridge]:
    """Run a bridge with these variables on a port of this machine (0: any) until the end of the block.

    What it says is in `log`.
    """
    log.parent.mkdir(exist_ok=True)
    log.write_bytes(b"")
    bridge = RunningBridge(environment, log, port or free_port())
    try:
        yield bridge
    finally:
        bridge.stop()


def free_port(wanted: int = 0) -> int:
    """Return the wanted port of the loopback address if nobody has it, else any."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free")
