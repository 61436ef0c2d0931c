"""An exception as the google.rpc.Status that the client reads, and its HTTP status."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from google.protobuf.any_pb2 import Any as PackedDetail
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from flyteadmin.errors import MAX_MESSAGE_BYTES, Code, FlyteAdminError

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

_LEAST_MESSAGE_BYTES = 1000


def status_of(error: Exception, request_id: str) -> Status:
    """What the client is told about an error.

    A `FlyteAdminError` speaks for itself; anything else is INTERNAL with the request id only, its cause belongs in
    the log. Messages are cut as `cut_to_metadata` says.
    """
    if not isinstance(error, FlyteAdminError):
        return Status(code=Code.INTERNAL, message=f"internal error, request id {request_id}")
    return cut_to_metadata(error.code, error.message, error.details)


def cut_to_metadata(code: Code, message: str, details: Iterable[Message] = ()) -> Status:
    """A status that flytekit's 32 KiB of gRPC metadata can carry (ERR-11).

    Without details the message is cut at 32,000 bytes, as upstream does. With details the message travels twice
    (`grpc-message`, percent-encoded, and again inside `grpc-status-details-bin`, base64): upstream drops the details of
    a long message (ERR-02), here the message gives way (KD-39), and only details that leave it less than 1,000 bytes
    are dropped.
    """
    packed = [_pack(detail) for detail in details]
    limit = MAX_MESSAGE_BYTES
    if packed:
        weight = (1 if message.isascii() and message.isprintable() else 3) + 4 / 3
        rest = MAX_MESSAGE_BYTES - 4 / 3 * (sum(detail.ByteSize() + 6 for detail in packed) + 16)
        limit = math.floor(rest / weight)
        if limit < min(_LEAST_MESSAGE_BYTES, len(message.encode())):
            packed, limit = [], MAX_MESSAGE_BYTES
    return Status(code=code, message=_cut(message, limit), details=packed)


def _pack(detail: Message) -> PackedDetail:
    packed = PackedDetail()
    packed.Pack(detail)
    return packed


def _cut(message: str, limit: int) -> str:
    # "replace" first: an error may quote text that UTF-8 can't carry.
    return message.encode(errors="replace")[:limit].decode(errors="ignore")
