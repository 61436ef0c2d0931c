"""A gRPC server in the place of FlyteAdmin that remembers what it was sent."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status


@dataclass
class Stub(grpc.GenericRpcHandler):
    """FlyteAdmin that says what it is told to, and then OK."""

    answers: list[Status | bytes] = field(default_factory=list)
    received: list[tuple[str, bytes]] = field(default_factory=list)

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            self.received.append((details.method, request))
            told = self.answers.pop(0) if self.answers else b""
            if isinstance(told, Status):
                context.abort_with_status(rpc_status.to_status(told))
            assert isinstance(told, bytes)
            return told

        return grpc.unary_unary_rpc_method_handler(answer)


@contextmanager
def served(stub: Stub) -> Iterator[str]:
    """The stub's address, host:port."""
    server = grpc.server(ThreadPoolExecutor(2), [stub])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()
