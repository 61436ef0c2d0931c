"""Errors as the google.rpc.Status that clients read, and the HTTP status of each code."""

from collections.abc import Mapping
from typing import Final

from google.protobuf.any_pb2 import Any as PackedDetail
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from flyteadmin.errors import MAX_MESSAGE_BYTES, Code, FlyteAdminError
from flyteadmin.text import truncate

HTTP_STATUS: Final[Mapping[int, int]] = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}
"""As grpc-gateway's `HTTPStatusFromCode` (ERR-05); note that FAILED_PRECONDITION is a 400."""

CUT: Final = " … (cut)"
"""The end of a message that was cut."""


def status_of(error: Exception, request_id: str) -> Status:
    """Return the Status that a client gets for an error.

    A `FlyteAdminError` has its own code and message. Any other exception is INTERNAL with the request id only; its
    cause is in the log. A message is cut at 32,000 bytes, as upstream does (ERR-02).
    """
    if not isinstance(error, FlyteAdminError):
        return Status(code=Code.INTERNAL, message=f"internal error, request id {request_id}")
    details = [_pack(detail) for detail in error.details]
    return Status(code=error.code, message=_readable(error.message), details=details)


def _readable(message: str) -> str:
    text = message.encode(errors="replace").decode()  # an error may quote text that is not valid Unicode
    return truncate(text, MAX_MESSAGE_BYTES, CUT)


def _pack(detail: Message) -> PackedDetail:
    packed = PackedDetail()
    packed.Pack(detail)
    return packed
