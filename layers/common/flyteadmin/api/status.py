"""An exception as the google.rpc.Status that the client reads, and its HTTP status."""

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
_BASE64 = 4 / 3


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
    # "replace": an error may quote text that UTF-8 can't carry.
    text = message.encode(errors="replace")
    length = min(len(text), MAX_MESSAGE_BYTES)
    if packed:
        beside = _bytes_beside(packed, text)
        if beside < min(length, _LEAST_MESSAGE_BYTES):
            packed = []
        else:
            length = min(length, beside)
    return Status(code=code, message=text[:length].decode(errors="ignore"), details=packed)


def _bytes_beside(packed: Iterable[PackedDetail], text: bytes) -> int:
    """How many bytes of a message fit into the trailers beside its details; -1 if not even the details fit."""
    left = MAX_MESSAGE_BYTES - _BASE64 * (16 + sum(detail.ByteSize() + 6 for detail in packed))
    if left < 0:
        return -1
    for length, byte in enumerate(text):
        is_plain = 0x20 <= byte <= 0x7E and byte != ord("%")
        left -= (1 if is_plain else 3) + _BASE64
        if left < 0:
            return length
    return len(text)


def _pack(detail: Message) -> PackedDetail:
    packed = PackedDetail()
    packed.Pack(detail)
    return packed
