"""Messages of callers at once, sent together: a full batch at once, a smaller one when no other is under way."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from flyteadmin.clients.queue import BATCH, Message
from flyteadmin.errors import FlyteAdminError, Internal

type SendAll = Callable[[Sequence[Message]], list[FlyteAdminError | None]]

_BATCHES_AT_ONCE = 8
_COMPANY_SECONDS = 0.003


class Outbox:
    """Sends for many callers; a caller has at most one message of a group in it at a time, so groups keep their order.

    A lone message waits for nobody. Where the last batch had company, the next waits 3 ms for it, since the callers
    that were answered together come again together.
    """

    def __init__(self, send_all: SendAll) -> None:
        """Send through `send_all`, in threads."""
        self._send_all = send_all
        self._waiting: deque[tuple[Message, asyncio.Future[None]]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._had_company = False

    async def send(self, message: Message) -> None:
        """Queue a message; returning means that it is in the queue (invariant 1).

        Raises:
            FlyteAdminError: it is not, as far as is known; send it again.
        """
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((message, sent))
        if self._had_company and len(self._waiting) < BATCH:
            asyncio.get_running_loop().call_later(_COMPANY_SECONDS, self._begin)
        else:
            self._begin()
        await sent

    def _begin(self) -> None:
        while self._waiting and len(self._under_way) < _BATCHES_AT_ONCE:
            if self._under_way and len(self._waiting) < BATCH:
                return
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            self._had_company = len(batch) > 1
            task = asyncio.create_task(self._deliver(batch))
            self._under_way.add(task)
            task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if self._had_company and len(self._waiting) < BATCH:
            task.get_loop().call_later(_COMPANY_SECONDS, self._begin)
        else:
            self._begin()

    async def _deliver(self, batch: Sequence[tuple[Message, "asyncio.Future[None]"]]) -> None:
        outcomes: Sequence[FlyteAdminError | None]
        try:
            outcomes = await asyncio.to_thread(self._send_all, [message for message, _ in batch])
        except Exception as error:  # noqa: BLE001 (each caller must hear of it, whatever it is)
            failure = Internal("the event queue failed")
            failure.__cause__ = error
            outcomes = [failure] * len(batch)
        for (_, sent), outcome in zip(batch, outcomes, strict=True):
            if sent.done():
                continue
            if outcome is None:
                sent.set_result(None)
            else:
                sent.set_exception(outcome)
