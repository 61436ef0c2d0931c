"""One `Idempotency-Key` per create, and the same one again when the caller repeats a call whose outcome it never heard.

flytekit sends a failed call four times, each a call of its own with the same bytes. A create that was answered with OK
is settled: the same request afterwards is meant to run again.
"""

import time
import uuid
from collections import OrderedDict
from hashlib import sha256
from typing import Final

KEYED: Final = frozenset({"CreateExecution", "RelaunchExecution", "RecoverExecution"})
"""The RPCs that get a key, because they must not run twice."""

_KEPT_SECONDS = 300.0
_KEPT_KEYS = 10_000


class Keys:
    """The keys of calls whose callers may not know the outcome, each for five minutes, the oldest forgotten first."""

    def __init__(self) -> None:
        """Know of no call."""
        self._unheard: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def take(self, call: bytes) -> str:
        """Take a call's key: that of an equal call whose outcome was not heard, once, or else a new one."""
        key, until = self._unheard.pop(call, ("", 0.0))
        return key if time.monotonic() < until else uuid.uuid4().hex

    def keep(self, call: bytes, key: str) -> None:
        """Keep the key of a call that ended without an outcome, for its repetition."""
        self._unheard[call] = (key, time.monotonic() + _KEPT_SECONDS)
        self._unheard.move_to_end(call)
        if len(self._unheard) > _KEPT_KEYS:
            self._unheard.popitem(last=False)


def fingerprint(rpc: str, principal: str, request: bytes) -> bytes:
    """Digest what makes two calls equal: the RPC, the caller, and the bytes of the request."""
    head = f"{rpc}\0{principal}\0".encode()
    return sha256(head + request).digest()
