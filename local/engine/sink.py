"""Where events go: FlyteAdmin's HTTP API, and what its answers mean (wire.md §3.3)."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from flyteidl.admin.event_pb2 import (
    EventFailureReason,
    NodeExecutionEventRequest,
    TaskExecutionEventRequest,
    WorkflowExecutionEventRequest,
)
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status

from flyteadmin.errors import Code
from flyteadmin.events.validation import Event
from local.aws.client import HttpApi, Response

PROTOBUF = "application/octet-stream"
TOO_LARGE = "message larger than max"
_BY_HTTP_STATUS = {
    HTTPStatus.BAD_REQUEST: Code.INVALID_ARGUMENT,
    HTTPStatus.UNAUTHORIZED: Code.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: Code.PERMISSION_DENIED,
    HTTPStatus.NOT_FOUND: Code.UNIMPLEMENTED,
    HTTPStatus.TOO_MANY_REQUESTS: Code.RESOURCE_EXHAUSTED,
}
"""The gateway's own refusals carry no Status; its 404 says that the route is missing, not the execution."""


class EventRefused(Exception):
    """An event that was not taken; `reason` is the detail that propeller acts on, "" for none."""

    def __init__(self, code: Code, message: str, reason: str = "") -> None:
        """Keep what the answer said."""
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.reason = reason

    @property
    def is_passing(self) -> bool:
        return self.code == Code.UNAVAILABLE or (self.code == Code.RESOURCE_EXHAUSTED and TOO_LARGE not in str(self))


class EventSink(Protocol):
    """Takes events, in order.

    Raises:
        EventRefused: the event was not taken; ALREADY_EXISTS counts as taken.
    """

    def send(self, event: Event) -> None: ...


@dataclass(frozen=True)
class HttpEventSink:
    """POSTs events as protobuf, signed; passing faults are met with the same bytes again, ever more slowly."""

    api: HttpApi
    attempts: int = 20
    sleep: Callable[[float], None] = time.sleep

    def send(self, event: Event) -> None:
        path, body = _request(event)
        for attempt in range(1, self.attempts + 1):
            try:
                self._post(path, body)
            except EventRefused as refused:
                if refused.code == Code.ALREADY_EXISTS:
                    return
                if not refused.is_passing or attempt == self.attempts:
                    raise
                self.sleep(min(5.0, 0.1 * 2 ** (attempt - 1)) * random.uniform(0.9, 1.1))
            else:
                return

    def _post(self, path: str, body: bytes) -> None:
        try:
            response = self.api.request("POST", path, body, {"Content-Type": PROTOBUF, "Accept": PROTOBUF})
        except OSError as error:
            raise EventRefused(Code.UNAVAILABLE, str(error)) from error
        if not response.ok:
            raise _refused(response)


def _request(event: Event) -> tuple[str, bytes]:
    match event:
        case WorkflowExecutionEvent():
            return "/api/v1/events/workflows", WorkflowExecutionEventRequest(event=event).SerializeToString()
        case NodeExecutionEvent():
            return "/api/v1/events/nodes", NodeExecutionEventRequest(event=event).SerializeToString()
        case TaskExecutionEvent():
            return "/api/v1/events/tasks", TaskExecutionEventRequest(event=event).SerializeToString()


def _refused(response: Response) -> EventRefused:
    if response.headers.get("content-type", "").split(";")[0] != PROTOBUF:
        return _refused_by_gateway(response)
    try:
        status = Status.FromString(response.body)
    except DecodeError:
        return _refused_by_gateway(response)
    return EventRefused(Code(status.code), status.message, _reason(status))


def _refused_by_gateway(response: Response) -> EventRefused:
    code = _BY_HTTP_STATUS.get(HTTPStatus(response.status), Code.UNAVAILABLE)
    if response.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return EventRefused(Code.RESOURCE_EXHAUSTED, TOO_LARGE)
    return EventRefused(code, response.body[:500].decode(errors="replace"))


def _reason(status: Status) -> str:
    for detail in status.details:
        reason = EventFailureReason()
        if detail.Unpack(reason):
            return reason.WhichOneof("reason") or ""
    return ""
