"""The moment after which no call begins, so that a function can answer before it is killed.

While a deadline is set, each call through the clients checks it first; a call that has begun continues. Threads know
the deadline if they run in a copy of the context (`contextvars.copy_context`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic

from flyteadmin.errors import Unavailable

_moment: ContextVar[float] = ContextVar("the monotonic time from which on no call begins", default=inf)


class OutOfTime(Unavailable):
    """The deadline has passed; the call was not begun."""


@contextmanager
def at(moment: float) -> Iterator[None]:
    """Set the deadline, as a time of `time.monotonic`, until the end of the block."""
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)


def check() -> None:
    """Raise if the deadline has passed.

    Raises:
        OutOfTime: no time is left.
    """
    if monotonic() >= _moment.get():
        raise OutOfTime("the function is out of time, try again")
