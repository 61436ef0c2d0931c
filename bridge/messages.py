"""The one message of a call, read within the memory that the bridge has for all of them.

gRPC takes of a message no more than a window of 64 KiB until it is asked for, so a call whose turn has not come costs
little. Memory is shared twice: among messages that arrive, each as if it were the largest, and among those that are
worked on, each by its size. Who holds of the second wants nothing of the first, so nobody waits in a circle.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bridge.budget import Budget, Leftovers, Share
from flyteadmin.api.handler import MAX_BODY_BYTES
from flyteadmin.errors import InvalidArgument, Unavailable

MIB: Final = 1024 * 1024
LARGEST: Final = MAX_BODY_BYTES + 64 * 1024
"""Above the API's own limit, so that what is too large is refused in its words."""

ARRIVING_BYTES: Final = 40 * MIB
WORKED_ON_BYTES: Final = 80 * MIB
_LEAST_BYTES = 32 * 1024  # what a call costs beside its message


class Messages:
    """Reads messages for many calls."""

    def __init__(self, patience_seconds: float, arrival_seconds: float, leftovers: Leftovers) -> None:
        """Let a call wait so long for its turn, and its message then so long to arrive."""
        self._leftovers = leftovers
        self._patience_seconds = patience_seconds
        self._arrival_seconds = arrival_seconds
        self._arriving = Budget(ARRIVING_BYTES)
        self._worked_on = Budget(WORKED_ON_BYTES)

    @asynccontextmanager
    async def read(self, requests: AsyncIterator[bytes], caller: str, copies: int) -> AsyncIterator[bytes]:
        """Give a call's message, which is worked on, in so many copies, until the end of the block.

        Raises:
            InvalidArgument: there is none.
            Unavailable: it does not arrive in time, or too many calls wait.
        """
        arriving = await self._turn(self._arriving, caller, LARGEST)
        try:
            message = await self._arrived(requests)
            self._arriving.shrink(arriving, len(message))
            worked_on = await self._turn(self._worked_on, caller, max(_LEAST_BYTES, copies * len(message)))
        finally:
            self._arriving.shrink(arriving, 0)
        try:
            yield message
        finally:
            self._worked_on.shrink(worked_on, 0)
            self._leftovers.add(len(message))

    async def _turn(self, budget: Budget, caller: str, size: int) -> Share:
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await budget.take(caller, size)
        except TimeoutError:
            raise Unavailable(f"the bridge was too busy for {self._patience_seconds:g} s, try again") from None

    async def _arrived(self, requests: AsyncIterator[bytes]) -> bytes:
        try:
            async with asyncio.timeout(self._arrival_seconds):
                return await anext(requests)
        except StopAsyncIteration:
            raise InvalidArgument("invalid request: no message came") from None
        except TimeoutError:
            raise Unavailable(f"the message did not arrive within {self._arrival_seconds:g} s") from None
