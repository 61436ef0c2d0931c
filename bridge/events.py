"""Events: admitted here, then straight into the queue; acknowledged means that they are in it (invariant 1)."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Protocol, cast
from weakref import WeakValueDictionary

from flyteidl.event.event_pb2 import WorkflowExecutionEvent
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as ProtoMessage

from bridge.metrics import UNNAMED_PRODUCERS
from bridge.outbox import Outbox
from flyteadmin.api.routes import Route
from flyteadmin.bounds import validate_bounds
from flyteadmin.clients import configuration
from flyteadmin.clients.queue import Message, send_all
from flyteadmin.errors import FlyteAdminError, InvalidArgument, Unavailable
from flyteadmin.events.admission import Stored
from flyteadmin.events.envelope import INLINE_EVENT_BYTES
from flyteadmin.events.service import admit, needs_clusters, read_stored
from flyteadmin.events.validation import Event, validate
from flyteadmin.identifiers import execution_key
from flyteadmin.settings import Configuration

RPCS = frozenset({"CreateWorkflowEvent", "CreateNodeEvent", "CreateTaskEvent"})

_KEPT_SECONDS = 1.0
_KEPT_EXECUTIONS = 10_000
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.1


class _EventRequest(Protocol):
    event: Event


class Events:
    """Takes events of many callers. Those of one execution go one after the other, in the order of their arrival."""

    def __init__(self) -> None:
        """Know of no execution."""
        self._outbox = Outbox(send_all)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._kept: OrderedDict[str, tuple[Stored, float]] = OrderedDict()

    async def record(self, route: Route, request: bytes) -> None:
        """Admit an event and queue it; errors as `flyteadmin.events.service.record`."""
        message = _parsed(route, request)
        execution = execution_key(validate(message.event))
        turn = self._turns.setdefault(execution, asyncio.Lock())
        await turn.acquire()  # who gives up while it waits leaves nothing behind
        # From here on not given up with its caller: what is under way must arrive before the next one leaves.
        await asyncio.shield(asyncio.ensure_future(self._in_turn(turn, message, execution)))

    async def _in_turn(self, turn: asyncio.Lock, message: _EventRequest, execution: str) -> None:
        try:
            await self._send(await self._admitted(message, execution))
        finally:
            turn.release()

    async def _send(self, message: Message) -> None:
        """Send a message, repeatedly if need be: its deduplication id is its event's digest."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._outbox.send(message)
            except Unavailable:
                if attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS * attempt)
        return None

    async def _admitted(self, message: _EventRequest, execution: str) -> Message:
        event = message.event
        stored = await self._stored(event, execution)
        configured = await _configured(event, stored)
        if event.ByteSize() > INLINE_EVENT_BYTES or event.HasField("output_data"):
            return await asyncio.to_thread(_admit, message, stored, configured)  # the object store is asked
        return _admit(message, stored, configured)

    async def _stored(self, event: Event, execution: str) -> Stored | None:
        """Read an execution for admission: consistently for a workflow event, for others at most a second old."""
        if not isinstance(event, WorkflowExecutionEvent):
            stored, until = self._kept.get(execution, (None, 0.0))
            if time.monotonic() < until:
                return stored
        read = await asyncio.to_thread(read_stored, execution)
        if read is not None:
            self._kept[execution] = (read, time.monotonic() + _KEPT_SECONDS)
            self._kept.move_to_end(execution)
            if len(self._kept) > _KEPT_EXECUTIONS:
                self._kept.popitem(last=False)
        return read


async def _configured(event: Event, stored: Stored | None) -> Callable[[], Configuration]:
    """Return what gives admission the configuration, read beforehand where admission looks at it."""
    if not (event.HasField("output_data") or needs_clusters(event, stored)):
        return Configuration
    kept = configuration.kept()
    if kept is not None:
        return lambda: kept
    try:
        read = await asyncio.to_thread(configuration.current)
    except FlyteAdminError as error:
        return partial(_raise, error)
    return lambda: read


def _raise(error: FlyteAdminError) -> Configuration:
    raise error


def _parsed(route: Route, request: bytes) -> _EventRequest:
    message = route.request_type()()
    try:
        message.ParseFromString(request)
    except DecodeError:
        raise InvalidArgument(f"invalid request: it is not a binary {message.DESCRIPTOR.full_name}") from None
    return cast("_EventRequest", message)


def _admit(message: _EventRequest, stored: Stored | None, configured: Callable[[], Configuration]) -> Message:
    """Admit an event within the bounds that requests over HTTPS have (api/codec.py); errors as `admit`."""
    validate_bounds(cast("ProtoMessage", message))
    return admit(message.event, lambda _: stored, configured, UNNAMED_PRODUCERS.inc)
