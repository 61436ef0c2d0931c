"""Request and response bodies: the forms that clients may speak, and messages in each of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from google.protobuf.message import DecodeError, Message

from flyteadmin.api.json_form import Names, to_json
from flyteadmin.api.parameters import apply_path, apply_query, parse_query
from flyteadmin.api.routes import Match
from flyteadmin.bounds import validate_bounds
from flyteadmin.errors import InvalidArgument


class Form(Enum):
    """The forms that upstream registers with grpc-gateway.

    `SNAKE_JSON` is for an exact application/json; `CAMEL_JSON` for everything else, browsers and curl included.
    """

    BINARY = "binary"
    SNAKE_JSON = "snake_case JSON"
    CAMEL_JSON = "camelCase JSON"

    @property
    def content_type(self) -> str:
        """Return the `Content-Type` of the form."""
        return "application/octet-stream" if self is Form.BINARY else "application/json"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request over HTTP; header names are in lower case, the path has no stage and is still encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


_REGISTERED: Mapping[str, Form] = {
    "application/octet-stream": Form.BINARY,
    "application/json": Form.SNAKE_JSON,
    "*": Form.CAMEL_JSON,
}


def inbound_form(headers: Mapping[str, str]) -> Form:
    """Return the form of a request's body, by the media type of `Content-Type`, without its parameters."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return _REGISTERED.get(media_type, Form.CAMEL_JSON)


def outbound_form(headers: Mapping[str, str]) -> Form:
    """Return the form of the answer: an `Accept` that is exactly a registered type, else the form of the request."""
    return _REGISTERED.get(headers.get("accept", "")) or inbound_form(headers)


def decode_request(match: Match, request: HttpRequest) -> Message:
    """Decode the request message of a matched route, within the bounds of any request (bounds.py).

    A route with a body takes body, then path; any other takes path and query.

    Raises:
        InvalidArgument: whatever is wrong with body, path or query; the message names the field.
    """
    message = _decode(match, request)
    validate_bounds(message)
    return message


def _decode(match: Match, request: HttpRequest) -> Message:
    route, path_parameters = match
    if route.body:
        message = _decode_body(route.request_type(), inbound_form(request.headers), request.body)
        apply_path(message, path_parameters)
        return message
    message = route.request_type()()
    apply_path(message, path_parameters)
    apply_query(message, parse_query(request.query), {name for name, _ in path_parameters})
    return message


def encode_message(message: Message, form: Form) -> bytes:
    """Encode an answer or a google.rpc.Status in the client's form."""
    if form is Form.BINARY:
        return message.SerializeToString()
    names = Names.PROTO if form is Form.SNAKE_JSON else Names.CAMEL
    text = json.dumps(to_json(message, names), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def _utf8(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"invalid request body: no UTF-8 at byte {error.start}") from None


def _decode_body(request_type: type[Message], form: Form, body: bytes) -> Message:
    message = request_type()
    if not body:
        return message
    if form is Form.BINARY:
        try:
            message.ParseFromString(body)
        except DecodeError:
            name = request_type.DESCRIPTOR.full_name
            raise InvalidArgument(f"invalid request body: it is not a binary {name}") from None
        return message
    # 10 ms of a cold start that clients which speak protobuf (console, bridge) need not pay.
    from flyteadmin.api.json_body import parse_json  # noqa: PLC0415

    parse_json(_utf8(body), message, ignore_unknown_fields=form is Form.CAMEL_JSON)
    return message
