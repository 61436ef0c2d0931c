"""The threads that work on a batch, and the moment from which they begin nothing more."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from time import monotonic

from flyteadmin.clients import deadline

_CALLS_AT_ONCE = 8


@dataclass(frozen=True)
class Workers:
    """One pool for what leads a batch, one for its calls."""

    leads: ThreadPoolExecutor
    calls: ThreadPoolExecutor

    def run_until(self, moment: float, work: Callable[[], None]) -> bool:
        """Do a piece of work that begins no call after a moment, and say whether it is done then.

        What is under way is not waited for. Whatever the work raises goes through.
        """
        with deadline.at(moment):
            whole = self.leads.submit(copy_context().run, work)
        try:
            is_done = bool(wait([whole], timeout=max(0.0, moment - monotonic())).done)
            if is_done:
                whole.result()
            return is_done
        finally:
            del whole  # or it would hold an error whose frames hold it, and their sockets

    def map[T, R](self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """The results of threads that know the deadline, in the order of the items."""
        contexts = [copy_context() for _ in items]
        return list(self.calls.map(lambda context, item: context.run(work, item), contexts, items))

    def map_slow_at_once[T, R](
        self, work: Callable[[T], R], items: Sequence[T], *, is_slow: Callable[[T], bool]
    ) -> list[R]:
        """The results in the order of the items; the slow ones are worked on at once, the others here."""
        slow = iter(self.map(work, [item for item in items if is_slow(item)]))
        return [next(slow) if is_slow(item) else work(item) for item in items]


@cache
def current() -> Workers:
    """The threads of this process; kept from batch to batch, since starting ten of them costs what an event does."""
    return Workers(ThreadPoolExecutor(2), ThreadPoolExecutor(_CALLS_AT_ONCE))


def abandon(*, wait: bool) -> None:
    """Leave the threads to what they do: one of them may hang, so the next batch gets others."""
    left = current()
    for pool in (left.leads, left.calls):
        pool.shutdown(wait=wait, cancel_futures=True)
    current.cache_clear()
