"""How long the tests of the deployed stack wait for anything: no figure is taken from it, it only ends what hangs."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 120.0


def eventually[R](look: Callable[[], R | None], what: str, patience: float = PATIENCE_SECONDS) -> R:
    """What `look` gives once it gives something.

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
