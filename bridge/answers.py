"""Translates answers over HTTPS to gRPC statuses, never UNKNOWN (invariant 8); pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status

from flyteadmin.errors import Code

OCTETS: Final = "application/octet-stream"

RETRIED_ON_INTERNAL: Final = frozenset({"CreateExecution", "RecoverExecution"})
"""Propeller tries these again after INTERNAL, and fails the user's node for good after UNAVAILABLE."""

_PASSING = frozenset({429, 500, 502, 503, 504})
_OF_GATEWAY: Mapping[int, Code] = {
    HTTPStatus.BAD_REQUEST: Code.INVALID_ARGUMENT,
    HTTPStatus.UNAUTHORIZED: Code.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: Code.PERMISSION_DENIED,
    HTTPStatus.NOT_FOUND: Code.UNIMPLEMENTED,  # the API has no such route: a wrong URL, or an older deployment
    HTTPStatus.METHOD_NOT_ALLOWED: Code.UNIMPLEMENTED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Code.RESOURCE_EXHAUSTED,
    HTTPStatus.REQUEST_URI_TOO_LONG: Code.RESOURCE_EXHAUSTED,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: Code.RESOURCE_EXHAUSTED,
    HTTPStatus.TOO_MANY_REQUESTS: Code.UNAVAILABLE,
    HTTPStatus.NOT_IMPLEMENTED: Code.UNIMPLEMENTED,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer over HTTPS; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Return whether the body is the RPC's response."""
        return self.status == HTTPStatus.OK

    @property
    def is_passing(self) -> bool:
        """Return whether a fault may pass, so that the same call may succeed later."""
        if self.status not in _PASSING:
            return False
        status = self.status_message()
        return status is None or status.code == Code.UNAVAILABLE

    def status_message(self) -> Status | None:
        """Return a function's own status; None where the gateway, or something before it, answered."""
        if self.headers.get("content-type", "").partition(";")[0] != OCTETS:
            return None
        try:
            status = Status.FromString(self.body)
        except DecodeError:
            return None
        return status if status.code else None


def error_of(answer: Answer, rpc: str) -> Status:
    """Return the status of an answer that is no success."""
    status = answer.status_message() or _of_gateway(answer)
    if status.code not in set(Code) or status.code == Code.UNKNOWN:
        status.code = Code.INTERNAL
    return as_propeller_reads(status, rpc)


def unreachable(rpc: str, why: str) -> Status:
    """Return the status of a call to which nobody answered."""
    return as_propeller_reads(Status(code=Code.UNAVAILABLE, message=f"the API can't be reached: {why}"), rpc)


def as_propeller_reads(status: Status, rpc: str) -> Status:
    """Return the status of a fault that passes, under the code that makes propeller try again (invariant 8)."""
    if status.code == Code.UNAVAILABLE and rpc in RETRIED_ON_INTERNAL:
        status.code = Code.INTERNAL
    return status


def _of_gateway(answer: Answer) -> Status:
    code = _OF_GATEWAY.get(answer.status)
    if code is None:
        code = Code.UNAVAILABLE if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR else Code.INTERNAL
    if code is Code.RESOURCE_EXHAUSTED:
        return Status(code=code, message="message larger than max: the API does not take so much")
    return Status(code=code, message=f"the API answered HTTP {answer.status}: {_said(answer.body)}")


def _said(body: bytes) -> str:
    """Return the message in the gateway's JSON, or what there is of a body, at most 500 characters."""
    try:
        said = json.loads(body)
    except ValueError:
        return body[:500].decode(errors="replace")
    text = str(said.get("message", said) if isinstance(said, dict) else said)[:500]
    return text.encode(errors="replace").decode()  # JSON can name half a surrogate pair
