"""A status as the gRPC trailers that its reader takes; pure.

A client refuses trailers above its limit, and then reads "Stream removed" instead of what went wrong. The limit of
grpc-go is 16 MiB; that of Python and all others on the C core is 8 KiB unless they set another. flytekit sets 32 KiB
since 1.12, but nothing in its calls says so.
"""

from typing import Final

from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from flyteadmin.api.status import CUT

type Trailers = tuple[tuple[str, str | bytes], ...]

_BESIDE: Final = 1024  # the other trailers and the 32 bytes that count for each; what a proxy adds
LIMIT: Final = 8 * 1024 - _BESIDE
GO_LIMIT: Final = 40 * 1024 - _BESIDE  # all that a function says: 32,000 bytes

_GO = "grpc-go/"
_LEAST_MESSAGE_BYTES = 1000
_BASE64 = 4 / 3


def fitted(status: Status, user_agent: str) -> Status:
    """Cut a status to what the trailers of its reader can carry (ERR-11).

    Where there are details the message travels twice: percent-encoded as `grpc-message`, and again in base64 inside
    `grpc-status-details-bin`. Clients act on details, so the message gives way to them (KD-39); only details that would
    leave it less than 1,000 bytes are dropped.
    """
    limit = GO_LIMIT if _GO in user_agent else LIMIT
    message = status.message.encode()
    if status.details:
        without_message = Status(code=status.code, details=status.details)
        left = limit - _BASE64 * (without_message.ByteSize() + 8)
        kept = _fitting(message, left, _BASE64)
        if kept >= min(len(message), _LEAST_MESSAGE_BYTES):
            return Status(code=status.code, message=_cut(message, kept), details=status.details)
    return Status(code=status.code, message=_cut(message, _fitting(message, limit, 0)))


def trailers_of(status: Status) -> Trailers:
    """Give what travels beside code and message: the whole status if it has details, as grpc-go has it."""
    return tuple(rpc_status.to_status(status).trailing_metadata) if status.details else ()


def _fitting(message: bytes, room: float, beside: float) -> int:
    """Count the bytes of a message that fit, percent-encoded, with `beside` more for each; what is cut is marked."""
    if room < 0:
        return -1
    kept, left = 0, room
    mark = 3 * len(CUT.encode()) * (1 + beside)
    for at, byte in enumerate(message, start=1):
        is_plain = 0x20 <= byte <= 0x7E and byte != ord("%")
        left -= (1 if is_plain else 3) + beside
        if left < 0:
            return kept
        if left >= mark:
            kept = at
    return len(message)


def _cut(message: bytes, length: int) -> str:
    return message.decode() if length >= len(message) else message[: max(0, length)].decode(errors="ignore") + CUT
