"""A client of the deployed API over HTTPS: any RPC by name, its request as path, query or body (flyteidl's routes)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from flyteadmin.api.routes import routes_of, segment
from flyteadmin.errors import Code
from local.aws.client import Response

_OCTETS = {"accept": "application/octet-stream", "content-type": "application/octet-stream"}


class CallFailed(Exception):
    """The API answered an error; `status` is what it said."""

    def __init__(self, rpc: str, status: Status) -> None:
        """Keep both."""
        super().__init__(f"{rpc}: {Code(status.code).name}: {status.message}")
        self.status = status

    @property
    def code(self) -> Code:
        """The gRPC code."""
        return Code(self.status.code)


class Api(Protocol):
    """The API: the deployed one, or its handlers in this process."""

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send one request."""


@dataclass(frozen=True)
class Admin:
    """The API as one caller sees it; `headers` go with every request."""

    api: Api
    headers: Mapping[str, str] = field(default_factory=dict)

    def call[M: Message](self, rpc: str, request: Message, of: type[M]) -> M:
        """Call an RPC in binary protobuf.

        Raises:
            CallFailed: the API answered an error.
        """
        response = self.send(rpc, request)
        if not response.ok:
            raise CallFailed(rpc, _status(response))
        return of.FromString(response.body)

    def send(self, rpc: str, request: Message) -> Response:
        """Call an RPC and give the answer as it came."""
        route = next(route for route in routes_of(rpc) if _fills(route.template, request))
        path = "/".join(_filled(part, request) for part in route.template.split("/"))
        headers = {**_OCTETS, **self.headers}
        if route.body:
            return self.api.request(route.method, path, request.SerializeToString(deterministic=True), headers)
        bound = set(_names(route.template))
        query = urlencode([(name, value) for name, value in _scalars(request) if name not in bound])
        return self.api.request(route.method, f"{path}?{query}" if query else path, None, headers)


def _status(response: Response) -> Status:
    try:
        status = Status.FromString(response.body)
        if status.code:
            return status
    except ValueError:
        pass
    return Status(code=Code.INTERNAL, message=f"HTTP {response.status}: {response.body[:500]!r}")


def _field(message: Message, name: str) -> object:
    value: object = message
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _filled(part: str, request: Message) -> str:
    return segment(str(_field(request, part[1:-1]))) if part.startswith("{") else part


def _names(template: str) -> list[str]:
    return [part[1:-1] for part in template.split("/") if part.startswith("{")]


def _fills(template: str, request: Message) -> bool:
    """Return whether a request has a value for each variable of a path; a number may be 0."""
    return all(_field(request, name) != "" for name in _names(template))


def _scalars(message: Message, prefix: str = "") -> Iterator[tuple[str, object]]:
    for described, value in message.ListFields():
        if described.is_repeated:
            yield from ((f"{prefix}{described.name}", each) for each in value)
        elif described.type == FieldDescriptor.TYPE_MESSAGE:
            yield from _scalars(value, f"{prefix}{described.name}.")
        else:
            yield f"{prefix}{described.name}", value
