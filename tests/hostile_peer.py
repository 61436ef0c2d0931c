"""A peer of the bridge that speaks HTTP/2 by itself: messages that never end, answers that are never read."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RemoteSettingsChanged, StreamEnded, StreamReset

_SENT_AT_ONCE = 16 * 1024


@dataclass
class Peer:
    """One connection with so many calls at once, each with a message of `size` bytes.

    Unless it `finishes`, the last byte of each is missing; unless it `reads`, nothing of an answer is let in.
    """

    address: str
    path: str
    calls: int
    size: int
    finishes: bool = False
    reads: bool = True
    sent: int = 0
    ended: int = 0
    _left: dict[int, int] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def calling(self) -> Iterator["Peer"]:
        """Go on in a thread until the end of the block."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            thread.join()

    def _run(self) -> None:
        host, _, port = self.address.rpartition(":")
        connection = H2Connection(H2Configuration(client_side=True))
        connection.initiate_connection()
        with socket.create_connection((host, int(port))) as wire:
            wire.settimeout(0.02)
            while not self._stopped.is_set():
                for event in self._received(wire, connection):
                    self._see(connection, event)
                for stream in list(self._left):
                    self._send(connection, stream)
                self._flush(wire, connection.data_to_send())

    def _received(self, wire: socket.socket, connection: H2Connection) -> list[Event]:
        try:
            data = wire.recv(1 << 16)
        except TimeoutError:
            return []
        if not data:
            self._stopped.set()
        return connection.receive_data(data)

    def _see(self, connection: H2Connection, event: Event) -> None:
        match event:
            case RemoteSettingsChanged() if not self._left and not self.sent:
                for _ in range(self.calls):
                    self._begin(connection)
            case DataReceived() if self.reads:
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded() | StreamReset():
                self.ended += self._left.pop(event.stream_id, None) is not None

    def _begin(self, connection: H2Connection) -> None:
        stream = connection.get_next_available_stream_id()
        head = {":method": "POST", ":scheme": "http", ":path": self.path, ":authority": self.address}
        connection.send_headers(stream, [*head.items(), ("content-type", "application/grpc"), ("te", "trailers")])
        connection.send_data(stream, b"\0" + self.size.to_bytes(4, "big"), end_stream=self.finishes and not self.size)
        self._left[stream] = self.size - (not self.finishes)

    def _send(self, connection: H2Connection, stream: int) -> None:
        while (left := self._left[stream]) > 0:
            count = min(connection.local_flow_control_window(stream), left, _SENT_AT_ONCE)
            if not count:
                return
            connection.send_data(stream, b"\0" * count, end_stream=self.finishes and count == left)
            self._left[stream] -= count
            self.sent += count

    def _flush(self, wire: socket.socket, data: bytes) -> None:
        wire.settimeout(5)
        try:
            wire.sendall(data)
        except OSError:
            self._stopped.set()
        wire.settimeout(0.02)


def peak_rss_bytes(pid: int) -> int:
    """The most memory that a process has had so far."""
    with open(f"/proc/{pid}/status") as status:  # noqa: PTH123  # no file of ours
        line = next(each for each in status if each.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def wait_until(condition: object, seconds: float = 30) -> None:
    """Wait for a callable to say yes.

    Raises:
        AssertionError: it did not.
    """
    assert callable(condition)
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.05)
