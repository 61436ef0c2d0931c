"""The HTTP method and path of each RPC: one table for the functions, the bridge and the tests."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import NamedTuple, cast
from urllib.parse import unquote

from google.protobuf.message import Message

from flyteadmin.api.bindings import BINDINGS
from flyteadmin.errors import InvalidArgument, invalid

_ESCAPED = "base64:"
_SAFE = re.compile(r"[A-Za-z0-9._~:@=,-]*")
_AMBIGUOUS = re.compile(r"[%?#\x00-\x1f\x7f]")
_NEEDLESS_ESCAPE = re.compile(r"%(?:2[DE]|3[0-9]|[46][1-9A-F]|[57][0-9A]|5F|7E)", re.IGNORECASE)
"""An escape of a letter, a digit or "-._~": no client writes one, so it is a percent sign that a gateway decoded."""


@dataclass(frozen=True, slots=True)
class Route:
    """One `google.api.http` binding; an RPC has one or two.

    `template` names request fields in braces, e.g. "/api/v1/projects/{id}"; `body` is "*", or "" if the rest of the
    request is in the query. `request` and `response` are "module:Message" and imported when they are first needed:
    importing all of Flyte's messages costs a cold start more than most functions need.
    """

    service: str
    rpc: str
    method: str
    template: str
    body: str
    request: str
    response: str

    def request_type(self) -> type[Message]:
        """Return the class of the request."""
        return _message_type(self.request)

    def response_type(self) -> type[Message]:
        """Return the class of the answer."""
        return _message_type(self.response)

    def segments(self) -> tuple[str, ...]:
        """Return the template's parts between slashes; a part in braces is a variable."""
        return tuple(self.template.split("/")[1:])

    def gateway_route(self) -> str:
        """Return the route of API Gateway: "GET /api/v1/executions/{proxy+}", one per noun and method."""
        prefix, variable, _ = self.template.partition("/{")
        return f"{self.method} {prefix}" + ("/{proxy+}" if variable else "")


class Match(NamedTuple):
    """A route and the values of its variables: pairs of field path ("id.project") and text."""

    route: Route
    parameters: tuple[tuple[str, str], ...]


ROUTES: tuple[Route, ...] = tuple(Route(*binding) for binding in BINDINGS)


def routes_of(rpc: str) -> tuple[Route, ...]:
    """Return the routes of an RPC, the main one first; empty for an unknown name."""
    return _routes_by_rpc().get(rpc, ())


def match(raw_path: str) -> Mapping[str, Match]:
    """Find the route of each HTTP method on a path; empty where the path is unknown.

    As in grpc-gateway the path is decoded in full and then split, so "%2F" is a slash like any other. A literal part
    goes before a variable.

    Raises:
        InvalidArgument: the path does not decode to UTF-8, or a value in it is not written as `segment` does.
    """
    if _NEEDLESS_ESCAPE.search(raw_path):
        raise InvalidArgument(
            f"invalid value for path: write a value that holds a percent sign as {_ESCAPED}<base64url>"
        )
    try:
        path = unquote(raw_path, errors="strict")
    except UnicodeDecodeError:
        raise InvalidArgument("invalid value for path: it does not decode to UTF-8") from None
    if not path.startswith("/"):
        return {}
    parts = path.split("/")[1:]
    found: dict[str, Match] = {}
    for segments, route in _by_length().get(len(parts), ()):
        parameters = _bind(segments, parts)
        if parameters is not None:
            found.setdefault(route.method, Match(route, parameters))
    return found


def segment(value: str) -> str:
    """Write a value as a part of a URL's path, ready to be sent.

    Letters, digits and "._~:@=,-" stand as they are. A value that holds anything else, such as the version
    "feature/x", is written "base64:ZmVhdHVyZS94": base64url without padding. Gateways differ in how often they decode a
    path, and an HTTP API of API Gateway cuts it at an escaped "?"; in this form there is nothing to decode.
    """
    if _SAFE.fullmatch(value) and value not in {".", ".."} and not value.startswith(_ESCAPED):
        return value
    return _ESCAPED + _encoded(value)


def _encoded(value: str) -> str:
    return urlsafe_b64encode(value.encode()).decode().rstrip("=")


def _value(variable: str, part: str) -> str:
    """Read a value from a part of a decoded path: what `segment` wrote, or the value as a person types it."""
    if not part.startswith(_ESCAPED):
        if _AMBIGUOUS.search(part):
            raise invalid(variable, f"write {part[:100]!r} in base64url: {segment(part)}")
        return part
    encoded = part.removeprefix(_ESCAPED)
    try:
        value = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (Base64Error, ValueError):
        raise invalid(variable, f"{part[:100]!r} is no base64url of UTF-8") from None
    if segment(value) != part:  # a plain name has no form in base64, so that a policy over paths sees it
        raise invalid(variable, f"write it as {segment(value)}")
    return value


def api_gateway_routes(rpcs: Collection[str] | None = None) -> tuple[str, ...]:
    """Return the API Gateway route keys that RPCs (default: all) need, sorted, each once."""
    return tuple(sorted({route.gateway_route() for route in ROUTES if rpcs is None or route.rpc in rpcs}))


def _bind(segments: tuple[str, ...], parts: list[str]) -> tuple[tuple[str, str], ...] | None:
    parameters = []
    for template, part in zip(segments, parts, strict=True):
        if template.startswith("{"):
            parameters.append((template[1:-1], _value(template[1:-1], part)))
        elif template != part:
            return None
    return tuple(parameters)


@cache
def _by_length() -> Mapping[int, tuple[tuple[tuple[str, ...], Route], ...]]:
    shapes: dict[int, list[tuple[tuple[str, ...], Route]]] = {}
    for route in ROUTES:
        segments = route.segments()
        shapes.setdefault(len(segments), []).append((segments, route))
    return {length: tuple(sorted(shape, key=_literals_first)) for length, shape in shapes.items()}


def _literals_first(shape: tuple[tuple[str, ...], Route]) -> tuple[bool, ...]:
    return tuple(part.startswith("{") for part in shape[0])


@cache
def _routes_by_rpc() -> Mapping[str, tuple[Route, ...]]:
    routes: dict[str, tuple[Route, ...]] = {}
    for route in ROUTES:
        routes[route.rpc] = (*routes.get(route.rpc, ()), route)
    return routes


@cache
def _message_type(name: str) -> type[Message]:
    module, _, message = name.partition(":")
    return cast("type[Message]", getattr(import_module(module), message))
