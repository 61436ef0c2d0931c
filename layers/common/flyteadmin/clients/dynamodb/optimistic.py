"""Optimistic writes: read a row, decide, write on the condition that the row is unchanged, else start again.

    for _ in attempts("project [x]"):
        row = read()
        if written(changed(row)):
            break

Each attempt must act on the newest row: read again, or taken from the failed condition (`ConditionFailed.old`).
"""

from collections.abc import Callable, Iterator
from typing import Final

from flyteadmin.clients.dynamodb.calls import back_off
from flyteadmin.errors import Unavailable

MAX_ATTEMPTS: Final = 12
"""Enough for a dozen writers that begin at the same moment, as one of them succeeds in each round at least.

Jitter spreads the others: they sleep 4 s in all on average, 8 s at most, which leaves a request time to be answered.
"""


def attempts(subject: str, pause: Callable[[int], None] = back_off) -> Iterator[int]:
    """Yield the numbers of at most MAX_ATTEMPTS attempts, with a growing random pause before each but the first.

    The caller leaves the loop when its write succeeded or is no longer needed. `subject` names the row in the error.

    Raises:
        Unavailable: no attempt succeeded, because others kept writing the row.
    """
    for attempt in range(MAX_ATTEMPTS):
        if attempt:
            pause(attempt - 1)
        yield attempt
    raise Unavailable(f"{subject} is being written by many at once, try again")
