"""A function's RPCs as a Lambda handler of API Gateway's HTTP API events (payload 2.0)."""

import re
import secrets
import string
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypedDict
from urllib.parse import unquote

from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from pydantic import BaseModel, ConfigDict, Field

from flyteadmin.api.answers import serve_within_bounds
from flyteadmin.api.codec import (
    Form,
    HttpRequest,
    decode_request,
    encode_message,
    outbound_form,
)
from flyteadmin.api.identity import Authorizer, Identity, identity_of
from flyteadmin.api.routes import Match, match
from flyteadmin.api.status import HTTP_STATUS, status_of
from flyteadmin.errors import Code, FlyteAdminError, InvalidArgument, NotFound, ResourceExhausted, Unimplemented
from flyteadmin.observability import logger, measure
from flyteadmin.settings import environment

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
"""Lambda carries 6 MB, which is 4.5 MB of binary in base64 (docs/architecture.md#wire)."""

_TEXT_BODY_BYTES = 1024 * 1024
_REQUEST_ID = re.compile(r"[!-~]{1,128}")
_REQUEST_ID_CHARACTERS = string.ascii_lowercase + string.digits


class ApiResponse(TypedDict, total=False):
    """An answer in the form of API Gateway."""

    statusCode: int
    headers: dict[str, str]
    cookies: list[str]
    body: str
    isBase64Encoded: bool


type Serve = Callable[[Any], Message]
"""Serves an RPC: a request of the type that its route names → its answer. Raises `FlyteAdminError`s."""


@dataclass(frozen=True)
class WithCaller:
    """Serves an RPC whose answer depends on who calls."""

    serve: Callable[[Any, Identity], Message]


type Rpc = Serve | WithCaller

type Page = Callable[[HttpRequest], ApiResponse]
"""An answer that is no RPC's: /healthcheck, /api/v1/openapi, /login."""

type Offload = Callable[[bytes, str], str]
"""Stores an answer that is too large for Lambda, with its content type → a presigned URL."""


class _Http(BaseModel):
    method: str


class _RequestContext(BaseModel):
    http: _Http
    stage: str = "$default"
    request_id: str = Field("", alias="requestId")
    authorizer: Authorizer | None = None


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    raw_path: str = Field(alias="rawPath")
    raw_query_string: str = Field("", alias="rawQueryString")
    headers: Mapping[str, str] = {}
    body: str | None = None
    is_base64_encoded: bool = Field(default=False, alias="isBase64Encoded")
    request_context: _RequestContext = Field(alias="requestContext")

    def path(self) -> str:
        """Return the path without the stage, which API Gateway puts before it unless it is $default."""
        stage = f"/{self.request_context.stage}"
        if self.raw_path == stage or self.raw_path.startswith(f"{stage}/"):
            return self.raw_path[len(stage) :] or "/"
        return self.raw_path

    def body_bytes(self) -> bytes:
        """Return the body as it was sent.

        Raises:
            InvalidArgument: no base64.
        """
        if not self.is_base64_encoded:
            return (self.body or "").encode(errors="surrogatepass")
        try:
            return b64decode(self.body or "", validate=True)
        except (Base64Error, ValueError):
            raise InvalidArgument("invalid request body: it is not base64") from None


@dataclass(frozen=True)
class ApiHandler:
    """A Lambda handler; `rpcs` tells which RPCs this function claims."""

    rpcs: Mapping[str, Rpc]
    pages: Mapping[str, Page] = field(default_factory=dict)
    offload: Offload | None = None
    delegates: Collection[str] = ()
    max_bytes: int = MAX_BODY_BYTES

    def __call__(self, event: Mapping[str, object], _context: object) -> ApiResponse:
        """Serve one event; every failure becomes a google.rpc.Status."""
        parsed = _Event.model_validate(event)
        headers = {name.lower(): value for name, value in parsed.headers.items()}
        request_id = _request_id(headers)
        logger.clear_state()
        logger.append_keys(request_id=request_id, gateway_request_id=parsed.request_context.request_id)
        try:
            response = self._answer(parsed, headers)
        except Exception as error:  # noqa: BLE001 (the edge: the client gets a Status, the log the cause)
            response = _error_response(error, request_id, outbound_form(headers))
        response.setdefault("headers", {})["x-request-id"] = request_id
        return response

    def _answer(self, event: _Event, headers: Mapping[str, str]) -> ApiResponse:
        method, path = event.request_context.http.method, event.path()
        logger.append_keys(path=path)
        page = self.pages.get(unquote(path))
        body = event.body_bytes()
        if len(body) > self.max_bytes:
            raise _too_large(len(body), self.max_bytes)
        request = HttpRequest(method, path, event.raw_query_string, headers, body)
        if page is not None:
            return page(request)
        found = _route(request)
        rpc = self.rpcs.get(found.route.rpc)
        logger.append_keys(rpc=found.route.rpc)
        if rpc is None:
            raise Unimplemented(f"unknown method {found.route.rpc} for service {found.route.service}")
        identity = identity_of(event.request_context.authorizer, headers, self.delegates or _bridge())
        message = decode_request(found, request)
        serve = rpc if not isinstance(rpc, WithCaller) else lambda request: rpc.serve(request, identity)
        answer = serve_within_bounds(serve, message, form := outbound_form(headers))
        return self._respond(encode_message(answer, form), form)

    def _respond(self, body: bytes, form: Form) -> ApiResponse:
        if len(body) <= self.max_bytes:
            return _response(200, body, form)
        if self.offload is None:
            raise _too_large(len(body), self.max_bytes)
        return {"statusCode": 303, "headers": {"location": self.offload(body, form.content_type)}, "body": ""}


def api_handler(
    rpcs: Mapping[str, Rpc],
    *,
    pages: Mapping[str, Page] | None = None,
    offload: Offload | None = None,
    delegates: Collection[str] = (),
    max_bytes: int = MAX_BODY_BYTES,
) -> ApiHandler:
    """Return the handler of a function that serves `rpcs`, by RPC name ("GetTask").

    Each is a function of a noun, which takes the request, or `WithCaller` of one that takes the caller's identity too.

    `pages` answer whole paths under any method; `delegates` are the roles of `identity_of`; `max_bytes`
    caps bodies both ways, and an answer above it goes through `offload` as a 303, or fails as RESOURCE_EXHAUSTED.
    `api_handler({})` is the `$default` route: 404 and 501 as upstream words them.
    """
    return ApiHandler(rpcs, pages or {}, offload, delegates, max_bytes)


def healthcheck(_request: HttpRequest) -> ApiResponse:
    """Answer the page "/healthcheck": 200 and no body, as upstream (ERR-13)."""
    return {"statusCode": 200, "body": ""}


def _bridge() -> Collection[str]:
    """Return the role that may speak for others, where the deployment names one."""
    arn = environment().bridge_role_arn
    return (arn,) if arn else ()


def _route(request: HttpRequest) -> Match:
    """Find the RPC of a request.

    The method is the one that the gateway saw: `X-HTTP-Method-Override` would pass by a policy over methods.
    """
    by_method = match(request.path)
    if not by_method:
        raise NotFound("Not Found")
    found = by_method.get(request.method)
    if found is None:
        raise Unimplemented("Method Not Allowed")
    return found


def _request_id(headers: Mapping[str, str]) -> str:
    given = headers.get("x-request-id", "")
    if _REQUEST_ID.fullmatch(given):
        return given
    return "a-" + "".join(secrets.choice(_REQUEST_ID_CHARACTERS) for _ in range(20))


def _too_large(size: int, limit: int) -> ResourceExhausted:
    return ResourceExhausted(f"message larger than max ({size} vs. {limit})")


def _error_response(error: Exception, request_id: str, form: Form) -> ApiResponse:
    status = status_of(error, request_id)
    if status.code == Code.INTERNAL or not isinstance(error, FlyteAdminError):
        logger.error("internal error", exc_info=error)
        measure(InternalErrors=1)
    else:
        logger.info("refused", extra={"code": Code(status.code).name})
    response = _response(HTTP_STATUS[status.code], encode_message(status, form), form)
    if status.code == Code.UNAUTHENTICATED:
        response["headers"]["www-authenticate"] = _header_value(status)
    return response


def _header_value(status: Status) -> str:
    return " ".join(status.message.split()).encode("ascii", "replace").decode()


def _response(status_code: int, body: bytes, form: Form) -> ApiResponse:
    # JSON travels as text inside JSON, where every quote is doubled: a large body is smaller in base64.
    as_text = form is not Form.BINARY and len(body) <= _TEXT_BODY_BYTES
    return {
        "statusCode": status_code,
        "headers": {"content-type": form.content_type},
        "body": body.decode() if as_text else b64encode(body).decode(),
        "isBase64Encoded": not as_text,
    }
