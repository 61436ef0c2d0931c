"""A number of bytes that all calls share: who asks for what is not free waits, and one caller can't have it all."""

import asyncio
import gc
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass

from flyteadmin.errors import Unavailable

_MOST_WAITING = 512
"""The most calls of one caller that wait; who waits holds no message yet."""
_MOST_WAITING_OF_ALL = 4096
_LEFT_BYTES = 16 * 1024 * 1024


@dataclass(eq=False)
class Share:
    """A call's share of a budget."""

    caller: str
    size: int


@dataclass(frozen=True, eq=False)
class _Waiting:
    share: Share
    granted: "asyncio.Future[None]"


class Budget:
    """Grants shares in the order of asking; a caller that holds half of all is passed over until it frees some."""

    def __init__(self, size: int) -> None:
        """Share `size` bytes."""
        self._size = size
        self._free = size
        self._held: Counter[str] = Counter()
        self._waiting: deque[_Waiting] = deque()
        self._waiting_of: Counter[str] = Counter()

    async def take(self, caller: str, size: int) -> Share:
        """Hold `size` bytes, half of the budget at most; waits until they are free. `shrink` frees them.

        Raises:
            Unavailable: hundreds of the caller's calls wait already, or thousands of all.
        """
        if self._waiting_of[caller] >= _MOST_WAITING or len(self._waiting) >= _MOST_WAITING_OF_ALL:
            raise Unavailable("the bridge has too many calls under way, try again")
        share = Share(caller, min(size, self._size // 2))
        waiting = _Waiting(share, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._waiting_of[caller] += 1
        self._grant()
        try:
            await waiting.granted
        except asyncio.CancelledError:
            with suppress(ValueError):
                self._waiting.remove(waiting)
            if waiting.granted.cancelled():
                self._grant()
            else:
                self.shrink(share, 0)
            raise
        finally:
            self._waiting_of[caller] -= 1
            if not self._waiting_of[caller]:
                del self._waiting_of[caller]
        return share

    def shrink(self, share: Share, size: int) -> None:
        """Free what a share has above `size` bytes."""
        freed = share.size - min(size, share.size)
        share.size -= freed
        self._free += freed
        self._held[share.caller] -= freed
        if not self._held[share.caller]:
            del self._held[share.caller]
        self._grant()

    def _grant(self) -> None:
        """Let those go on whose turn it is: the first that fits, past callers that have their half."""
        passed: list[_Waiting] = []
        while self._waiting:
            share, granted = self._waiting[0].share, self._waiting[0].granted
            if granted.cancelled():
                self._waiting.popleft()
                continue
            if self._held[share.caller] + share.size > self._size // 2:
                passed.append(self._waiting.popleft())
                continue
            if share.size > self._free:
                break
            self._free -= share.size
            self._held[share.caller] += share.size
            self._waiting.popleft()
            granted.set_result(None)
        self._waiting.extendleft(reversed(passed))


class Leftovers:
    """Collects what ended calls leave: gRPC has each in a cycle of references, and its message with it."""

    def __init__(self) -> None:
        """Know of none."""
        self._left = 0

    def add(self, size: int) -> None:
        """Note a message or answer of an ended call, and collect once there are 16 MiB of them."""
        self._left += size
        if self._left > _LEFT_BYTES:
            self._left = 0
            gc.collect()
