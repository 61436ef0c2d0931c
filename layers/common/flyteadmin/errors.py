"""The errors that clients read.

FlyteAdminError                 a gRPC code, a message that names the field and the fix, status details
 ├─ InvalidArgument             the request is wrong; sending it again won't help
 ├─ NotFound                    no such entity
 ├─ AlreadyExists               this very name exists (on a create: and nothing else, invariant 8)
 ├─ PermissionDenied            known, but not allowed
 ├─ Unauthenticated             not known (clients start their login flow)
 ├─ FailedPrecondition          the entity's state forbids it; propeller reads the details
 ├─ ResourceExhausted           too large, or a limit is reached
 ├─ Unimplemented               a real RPC that this deployment does not serve
 ├─ Unavailable                 a passing fault: try again
 └─ Internal                    our fault, or a passing fault where propeller retries INTERNAL only

Codes travel as google.rpc numbers. UNKNOWN is never used: it starts flytekit's OAuth flow.
"""

from enum import IntEnum
from typing import ClassVar

from google.protobuf.message import Message

MAX_MESSAGE_BYTES = 32_000
"""Longer messages are cut (ERR-02): flytekit accepts 32 KiB of metadata (ERR-11)."""


class Code(IntEnum):
    """A gRPC status code, by its number on the wire."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class FlyteAdminError(Exception):
    """An error that a client reads: its code, its message and protobuf details that clients act on."""

    code: ClassVar[Code] = Code.INTERNAL

    def __init__(self, message: str, *details: Message) -> None:
        """Keep the message and its details, e.g. an `EventFailureReason`."""
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidArgument(FlyteAdminError):
    """The request is wrong; the message names the field and what is expected."""

    code = Code.INVALID_ARGUMENT


class NotFound(FlyteAdminError):
    """No such entity."""

    code = Code.NOT_FOUND


class AlreadyExists(FlyteAdminError):
    """An entity of this name exists."""

    code = Code.ALREADY_EXISTS


class PermissionDenied(FlyteAdminError):
    """The caller is known but may not do this."""

    code = Code.PERMISSION_DENIED


class Unauthenticated(FlyteAdminError):
    """The caller is not known."""

    code = Code.UNAUTHENTICATED


class FailedPrecondition(FlyteAdminError):
    """The entity's state forbids the call."""

    code = Code.FAILED_PRECONDITION


class ResourceExhausted(FlyteAdminError):
    """A size or a quota is exceeded."""

    code = Code.RESOURCE_EXHAUSTED


class Unimplemented(FlyteAdminError):
    """A real RPC that is not served here."""

    code = Code.UNIMPLEMENTED


class Unavailable(FlyteAdminError):
    """A passing fault; the same call may go through later."""

    code = Code.UNAVAILABLE


class Internal(FlyteAdminError):
    """A fault of ours; the answer carries the request id, the log the cause."""

    code = Code.INTERNAL


def missing(field: str) -> InvalidArgument:
    """Return the error for an absent required field, in upstream's wording (VAL-10)."""
    return InvalidArgument(f"missing {field}")


def invalid(field: str, why: str = "") -> InvalidArgument:
    """Return the error for a field with a bad value (VAL-10), followed by what is expected instead."""
    return InvalidArgument(f"invalid value for {field}" + (f": {why}" if why else ""))


def too_long(field: str, limit: int) -> InvalidArgument:
    """Return the error for a string above its limit, in upstream's wording (VAL-10)."""
    return InvalidArgument(f"size of {field} exceeded length {limit}")
