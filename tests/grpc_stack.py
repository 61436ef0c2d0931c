"""A bridge in this process before the real handlers in this process: real gRPC, real HTTP, no Lambda."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from bridge.server import running
from bridge.service import rpcs
from bridge.settings import Settings
from flyteadmin.errors import Code
from local.aws.client import Response
from tests.in_process import InProcessApi


@dataclass(frozen=True)
class Seen:
    """A request that reached the gateway; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


type Fault = Callable[[Callable[[], Response]], Response | None]
"""Takes what would answer; gives an answer of its own, or None to hang up."""


@dataclass
class Gateway:
    """The API over HTTP; `faults` happen to the next requests, one each."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def refuses(status: int, body: bytes = b"", **headers: str) -> Fault:
    """Answer as the gateway itself does, without the function."""
    return lambda _: Response(status, headers, body)


def hangs_up(_: Callable[[], Response]) -> None:
    """Nothing happens, and nobody answers."""


def loses_the_answer(answer: Callable[[], Response]) -> None:
    """The function does its work, and nobody answers."""
    answer()


@contextmanager
def gateway() -> Iterator[Gateway]:
    """The handlers behind HTTP."""
    state = Gateway()
    api = InProcessApi()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.seen.append(Seen(self.command, self.path, headers, body))

            def answer() -> Response:
                with lock:  # a function serves one request at a time
                    return api.request(self.command, self.path, body, headers)

            fault = state.faults.pop(0) if state.faults else None
            response = fault(answer) if fault else answer()
            if response is None:
                self.close_connection = True
                return
            with suppress(ConnectionError):  # the caller has given up
                self.reply(response)

        def reply(self, response: Response) -> None:
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        do_GET = do_POST = do_PUT = do_DELETE = serve  # noqa: N815  # the names that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def bridge(settings: Settings) -> Iterator[str]:
    """A bridge in a thread, by its address."""
    started, stopped = threading.Event(), asyncio.Event()
    addresses: list[str] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with running(settings) as address:
            addresses.append(address)
            started.set()
            await stopped.wait()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
            started.set()

    thread = threading.Thread(target=run, name="bridge")
    thread.start()
    started.wait()
    assert addresses, "the bridge didn't start"
    try:
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()


@dataclass(eq=False)
class Refused(Exception):
    """A call that ended with another code than OK; `status` is what its trailers carry."""

    code: Code
    message: str
    trailers: Mapping[str, object]
    status: Status | None

    @classmethod
    def of(cls, call: grpc.Call) -> "Refused":
        trailers = {str(key): value for key, value in call.trailing_metadata() or ()}
        return cls(Code[call.code().name], call.details() or "", trailers, rpc_status.from_call(call))

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


@dataclass(frozen=True)
class Client:
    """A gRPC client that knows no stubs: an RPC by its name, or by its whole path."""

    channel: grpc.Channel

    def call(self, rpc: str, request: Message | bytes, *, timeout: float | None = 10, **metadata: str) -> bytes:
        """Return the bytes of the answer.

        Raises:
            Refused: any other code than OK.
        """
        call = self.begin(rpc, request, timeout, **metadata)
        if call.code() is not grpc.StatusCode.OK:
            raise Refused.of(call)
        answer: bytes = call.result()
        return answer

    def begin(self, rpc: str, request: Message | bytes, timeout: float | None = 10, **metadata: str) -> Any:
        """Return the same, not waited for: a `grpc.Call` that is a `grpc.Future` too."""
        path = rpc if rpc.startswith("/") else next(each.path for each in rpcs() if each.name == rpc)
        body = request if isinstance(request, bytes) else request.SerializeToString()
        method: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self.channel.unary_unary(path)
        pairs = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
        return method.future(body, timeout=timeout, metadata=pairs)

    def code(self, rpc: str, request: Message | bytes, *, timeout: float | None = 10, **metadata: str) -> Code:
        """Return the code with which a call ends."""
        try:
            self.call(rpc, request, timeout=timeout, **metadata)
        except Refused as refused:
            return refused.code
        return Code.OK


@contextmanager
def client(settings: Settings) -> Iterator[Client]:
    """A client of a bridge of its own."""
    with bridge(settings) as address, grpc.insecure_channel(address) as channel:
        yield Client(channel)
