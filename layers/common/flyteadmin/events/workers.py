"""The threads that process a batch, and the deadline after which they begin nothing more."""

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
    """Two thread pools: `batches` runs a batch as a whole, `calls` runs its calls in parallel."""

    batches: ThreadPoolExecutor
    calls: ThreadPoolExecutor

    def run_until(self, moment: float, work: Callable[[], None]) -> bool:
        """Run work that begins no call after a moment, and return whether it was done by then.

        Calls that have begun are not waited for. Exceptions of the work are raised here.
        """
        with deadline.at(moment):
            whole = self.batches.submit(copy_context().run, work)
        try:
            is_done = bool(wait([whole], timeout=max(0.0, moment - monotonic())).done)
            if is_done:
                whole.result()
            return is_done
        finally:
            del whole  # breaks a cycle: an error's frames would keep sockets open

    def map[T, R](self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Run work on items in threads that know the deadline, and return the results in order."""
        contexts = [copy_context() for _ in items]
        return list(self.calls.map(lambda context, item: context.run(work, item), contexts, items))

    def map_slow_at_once[T, R](
        self, work: Callable[[T], R], items: Sequence[T], *, is_slow: Callable[[T], bool]
    ) -> list[R]:
        """Run work on items and return the results in order; slow items run in parallel, the others in this thread."""
        slow = iter(self.map(work, [item for item in items if is_slow(item)]))
        return [next(slow) if is_slow(item) else work(item) for item in items]


@cache
def current() -> Workers:
    """Return the threads of this process, kept between batches: starting ten of them costs as much as an event."""
    return Workers(ThreadPoolExecutor(2), ThreadPoolExecutor(_CALLS_AT_ONCE))


def abandon(*, wait: bool) -> None:
    """Give the next batch new threads, because one of these may hang."""
    left = current()
    for pool in (left.batches, left.calls):
        pool.shutdown(wait=wait, cancel_futures=True)
    current.cache_clear()
