"""Until when calls may begin: a function that is killed half way answers nobody, so it stops a little before.

Where a deadline is set, each call through the clients checks it before it begins; one under way goes on. Threads know
it if they run in a copy of the context (`contextvars.copy_context`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic

from flyteadmin.errors import Unavailable

_moment: ContextVar[float] = ContextVar("the monotonic time from which on no call begins", default=inf)


class OutOfTime(Unavailable):
    """The deadline has passed; nothing was begun."""


@contextmanager
def at(moment: float) -> Iterator[None]:
    """Set the deadline, a time of `time.monotonic`, until the end of the block."""
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)


def check() -> None:
    """Go on while there is time.

    Raises:
        OutOfTime: there is none left.
    """
    if monotonic() >= _moment.get():
        raise OutOfTime("the function is out of time, try again")
