"""Every unary RPC of Flyte's services as one generic handler: authenticated, transcoded, called, answered."""

import re
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

import grpc
from google.rpc.status_pb2 import Status

from bridge.answers import Answer, as_propeller_reads, error_of, unreachable
from bridge.api import Api, Deadline, Terms, Unreachable
from bridge.budget import Budget, Leftovers
from bridge.callers import Callers, token_of
from bridge.events import RPCS as EVENTS
from bridge.events import Events
from bridge.idempotency import KEYED, Keys, fingerprint
from bridge.messages import MIB, Messages
from bridge.metrics import CALLS, SECONDS
from bridge.settings import Settings
from bridge.trailers import fitted, trailers_of
from bridge.transcoder import transcode
from flyteadmin.api.identity import ENGINE_HEADER, PRINCIPAL_HEADER
from flyteadmin.api.routes import ROUTES, Route
from flyteadmin.api.status import status_of
from flyteadmin.errors import Code
from flyteadmin.observability import logger

type Context = grpc.aio.ServicerContext[bytes, bytes]
type Handler = grpc.RpcMethodHandler[bytes, bytes]

REQUEST_ID: Final = "x-request-id"
_ANONYMOUS = "flyteidl.service.AuthMetadataService"
_VALID_REQUEST_ID = re.compile(r"[!-~]{1,128}")
_UNTIL_THE_DEADLINE = 1_000_000
_ATTEMPTS = 4
_SECONDS_TO_ANSWER = 0.3
ANSWERS_BYTES: Final = 64 * MIB
_COPIES, _COPIES_OF_EVENTS, _COPIES_OF_ANSWERS = 3, 6, 2
"""The memory that a message or an answer takes while the bridge has it, as a multiple of its size; measured."""
_GRPC_CODES: Final[Mapping[int, grpc.StatusCode]] = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class Rpc:
    """An RPC and the HTTPS routes that stand for it, the main one first."""

    service: str
    name: str
    routes: tuple[Route, ...]

    @property
    def path(self) -> str:
        """Its name on the wire, "/package.Service/Method"."""
        return f"/{self.service}/{self.name}"


@dataclass(frozen=True, slots=True)
class _Caller:
    """A caller: the name that the bridge vouches for, if any, and the name under which memory is held."""

    principal: str
    holder: str
    metadata: Mapping[str, str]


def rpcs() -> tuple[Rpc, ...]:
    """Every RPC that has a route."""
    grouped: dict[tuple[str, str], list[Route]] = {}
    for route in ROUTES:
        grouped.setdefault((route.service, route.rpc), []).append(route)
    return tuple(Rpc(service, name, tuple(routes)) for (service, name), routes in grouped.items())


class FlyteServices(grpc.GenericRpcHandler):
    """Flyte's five services; what they answer comes from the API."""

    def __init__(self, api: Api, events: Events | None, settings: Settings) -> None:
        """Serve from `api`, events too unless `events` takes them."""
        self._api = api
        self._events = events
        self._callers = Callers(settings)
        self._knows_all = settings.is_loopback
        self._passes_tokens = settings.api_auth == "bearer"
        self._patience = settings.patience_seconds
        self._leftovers = Leftovers()
        self._messages = Messages(settings.patience_seconds, settings.arrival_seconds, self._leftovers)
        self._answers = Budget(ANSWERS_BYTES)
        self._keys = Keys()
        self._handlers: Mapping[str, Handler] = {rpc.path: self._handler(rpc) for rpc in rpcs()}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """Return the handler of a method; gRPC itself answers UNIMPLEMENTED for one that is unknown."""
        return self._handlers.get(handler_call_details.method)

    def _handler(self, rpc: Rpc) -> Handler:
        # Taken as a stream of one message, which is the same on the wire: so that who calls is known before it is read.
        async def serve(requests: AsyncIterator[bytes], context: Context) -> bytes:
            metadata = _metadata(context)
            request_id = _request_id(metadata)
            with SECONDS.labels(rpc.name).time():
                outcome = await self._outcome(rpc, requests, metadata, request_id, context)
            code = Code(outcome.code) if isinstance(outcome, Status) else Code.OK
            CALLS.labels(rpc.name, code.name).inc()
            trailers = ((REQUEST_ID, request_id),)
            if isinstance(outcome, Status):
                logger.info("refused", extra={"rpc": rpc.name, "code": code.name, "request_id": request_id})
                told = fitted(outcome, metadata.get("user-agent", ""))
                await context.abort(_GRPC_CODES[told.code], told.message, (*trailers_of(told), *trailers))
            context.set_trailing_metadata(trailers)
            return outcome

        return grpc.stream_unary_rpc_method_handler(serve)

    async def _outcome(
        self, rpc: Rpc, requests: AsyncIterator[bytes], metadata: Mapping[str, str], request_id: str, context: Context
    ) -> bytes | Status:
        """Return the response's bytes, or what went wrong."""
        try:
            principal = ""
            if rpc.service != _ANONYMOUS:
                principal = await self._callers.principal(metadata, context.auth_context())
            if rpc.name in EVENTS:
                self._callers.validate_event_sender(principal)
            caller = _Caller(principal, principal or context.peer(), metadata)
            copies = _COPIES_OF_EVENTS if rpc.name in EVENTS else _COPIES
            async with self._messages.read(requests, caller.holder, copies) as request:
                return await self._done(rpc, request, caller, request_id, context)
        except Unreachable as error:
            return unreachable(rpc.name, str(error))
        except Exception as error:  # noqa: BLE001 (the edge: the caller gets a Status, the log the cause)
            status = status_of(error, request_id)
            if status.code == Code.INTERNAL:
                logger.exception("internal error", extra={"rpc": rpc.name, "request_id": request_id})
            return as_propeller_reads(status, rpc.name)

    async def _done(
        self, rpc: Rpc, request: bytes, caller: _Caller, request_id: str, context: Context
    ) -> bytes | Status:
        if self._events is not None and rpc.name in EVENTS:
            await self._events.record(rpc.routes[0], request)
            return b""

        async def hold(size: int) -> None:
            share = await self._answers.take(caller.holder, _COPIES_OF_ANSWERS * size)

            def ended(_: object) -> None:  # it is sent, or nobody wants it
                self._answers.shrink(share, 0)
                self._leftovers.add(size)

            context.add_done_callback(ended)  # type: ignore[arg-type]  # the stubs name the wrong type

        headers = {REQUEST_ID: request_id, **self._identity(caller)}
        terms = Terms(headers, _deadline(context, self._patience), hold)
        answer = await self._answer(rpc, request, caller.principal, terms)
        return answer.body if answer.ok else error_of(answer, rpc.name)

    def _identity(self, caller: _Caller) -> dict[str, str]:
        """Say who calls, as the API believes it: the caller's own token, or the name that the bridge vouches for."""
        if self._passes_tokens:
            token = token_of(caller.metadata)
            return {"authorization": token} if token else {}
        if not caller.principal:
            return {}
        engine = {ENGINE_HEADER: "true"} if self._callers.is_engine(caller.principal) else {}
        return {PRINCIPAL_HEADER: quote(caller.principal, safe="@:/+=,.-_"), **engine}

    async def _answer(self, rpc: Rpc, request: bytes, principal: str, terms: Terms) -> Answer:
        call = transcode(rpc.routes, request)
        if rpc.name not in KEYED:
            signed = self._knows_all or rpc.service != _ANONYMOUS
            return await self._api.call(call, terms, _ATTEMPTS, signed=signed)
        same = fingerprint(rpc.name, principal, request)
        key = self._keys.take(same)
        answer = None
        try:
            keyed = replace(terms, headers={**terms.headers, "idempotency-key": key})
            answer = await self._api.call(call, keyed, _UNTIL_THE_DEADLINE)
        finally:
            if answer is None or not answer.ok:  # None: cancelled, or nobody answered
                self._keys.keep(same, key)
        return answer


def _metadata(context: Context) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


def _request_id(metadata: Mapping[str, str]) -> str:
    given = metadata.get(REQUEST_ID, "")
    return given if _VALID_REQUEST_ID.fullmatch(given) else f"b-{uuid.uuid4().hex[:20]}"


def _deadline(context: Context, patience_seconds: float) -> Deadline:
    left = context.time_remaining()
    return Deadline.after(patience_seconds if left is None else left - _SECONDS_TO_ANSWER)
