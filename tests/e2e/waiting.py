"""Waits for results on the deployed stack; the limit ends what hangs and is no measurement."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 120.0


def eventually[R](look: Callable[[], R | None], what: str, patience: float = PATIENCE_SECONDS) -> R:
    """Call `look` until it returns something other than None, and return that.

    Raises:
        AssertionError: it didn't, for so many seconds; the message says what was waited for.
    """
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {patience:.0f} s: {what}")
