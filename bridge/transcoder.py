"""A gRPC request as the HTTPS call that stands for it in the routes' table; pure.

Bodies go on as they came. Path and query are written so that `flyteadmin.api.parameters` reads the same message back.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from flyteidl.admin.launch_plan_pb2 import ActiveLaunchPlanRequest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp

from flyteadmin.api.routes import Route, segment
from flyteadmin.errors import InvalidArgument, ResourceExhausted, missing

_MOST_IN_A_PATH_BYTES = 64 * 1024
_UNSET_IDENTIFIERS = {"workflow_execution_id": "execution_id"}
"""Upstream's names for an unset identifier of a request; all others are "id" to it."""


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A request to the API: `target` is its path and query, percent-encoded; `body` a binary message, or nothing."""

    method: str
    target: str
    body: bytes


def transcode(routes: Sequence[Route], request: bytes) -> HttpCall:
    """Return the HTTPS call for the bytes of a request, by the first of its RPC's routes whose path it can fill.

    Raises:
        InvalidArgument: not such a message; or the path needs a field that is empty.
        ResourceExhausted: it would not fit into a URL.
    """
    if len(routes) == 1 and routes[0].body and "{" not in routes[0].template:
        return HttpCall(
            routes[0].method, routes[0].template, request
        )  # the function that reads it refuses another message
    if not routes[0].body and len(request) > _MOST_IN_A_PATH_BYTES:
        raise ResourceExhausted(f"message larger than max ({len(request)} vs. {_MOST_IN_A_PATH_BYTES})")
    message = _parse(routes[0], request)
    route = next((route for route in routes if not _empty(route, message)), routes[-1])
    empty = _empty(route, message)
    if empty:
        raise missing(_unset(message, empty[0]))
    path = "/".join(["", *(_segment(part, message) for part in route.segments())])
    if route.body:
        return HttpCall(route.method, path, request)
    query = urlencode(list(_query(message, frozenset(_variables(route)))), quote_via=quote, safe="")
    return HttpCall(route.method, f"{path}?{query}" if query else path, b"")


def _parse(route: Route, request: bytes) -> Message:
    message = route.request_type()()
    try:
        message.ParseFromString(request)
    except DecodeError:
        raise InvalidArgument(f"invalid request: it is not a binary {message.DESCRIPTOR.full_name}") from None
    return message


def _variables(route: Route) -> Iterator[str]:
    return (part[1:-1] for part in route.segments() if part.startswith("{"))


def _empty(route: Route, message: Message) -> list[str]:
    """Return the path's fields that a request leaves empty; a number may be 0."""
    return [name for name in _variables(route) if _value(message, name) == ""]


def _unset(message: Message, path: str) -> str:
    """Return what upstream calls missing where a path's field is empty: the first unset message above it, or itself."""
    *parents, name = path.split(".")
    if isinstance(message, ActiveLaunchPlanRequest):  # its identifier is never checked as a whole
        return name
    for depth, parent in enumerate(parents):
        if not message.HasField(parent):
            return parent if depth else _UNSET_IDENTIFIERS.get(parent, "id")
        message = getattr(message, parent)
    return name


def _value(message: Message, path: str) -> Any:
    value: Any = message
    for name in path.split("."):
        value = getattr(value, name)
    return value


def _segment(part: str, message: Message) -> str:
    if not part.startswith("{"):
        return part
    return segment(str(_value(message, part[1:-1])))


def _query(message: Message, bound: frozenset[str], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the fields beside the path, as pairs; a field of a field is "id.project", an entry of a map "m[k]"."""
    for field, value in message.ListFields():
        name = prefix + field.name
        if name in bound:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            entry = field.message_type.fields_by_name
            yield from ((f"{name}[{_text(entry['key'], key)}]", _text(entry["value"], value[key])) for key in value)
        elif field.is_repeated:
            yield from ((name, _text(field, item)) for item in value)
        elif isinstance(value, Message) and not isinstance(value, Timestamp | Duration):
            yield from _query(value, bound, f"{name}.")
        else:
            yield name, _text(field, value)


def _text(field: FieldDescriptor, value: Any) -> str:
    if isinstance(value, Timestamp):
        return value.ToJsonString()
    if isinstance(value, Duration):
        return f"{value.ToNanoseconds()}ns"
    if field.type == FieldDescriptor.TYPE_BYTES:
        return b64encode(value).decode()
    if field.type == FieldDescriptor.TYPE_BOOL:
        return "true" if value else "false"
    return str(value)
