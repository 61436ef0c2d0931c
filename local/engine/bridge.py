"""FlyteAdmin as the engine reaches it over gRPC, through the bridge; answers mean what they mean to propeller.

Sources: flytepropeller events/admin_eventsink.go, events/errors/errors.go; docs/architecture.md#admission.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

import grpc
from flyteidl.admin.event_pb2 import (
    EventFailureReason,
    NodeExecutionEventRequest,
    NodeExecutionEventResponse,
    TaskExecutionEventRequest,
    TaskExecutionEventResponse,
    WorkflowExecutionEventRequest,
    WorkflowExecutionEventResponse,
)
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent
from google.protobuf.message import Message
from grpc_status import rpc_status

from flyteadmin.errors import Code
from flyteadmin.events.validation import Event

TOO_LARGE = "message larger than max"
_DEADLINE_SECONDS = 15
_SIGNALS = {"GetOrCreateSignal", "ListSignals", "SetSignal"}


class Refused(Exception):
    """A call that was not done; `reason` is the detail of an event's refusal that propeller acts on, "" for none."""

    def __init__(self, code: Code, message: str, reason: str = "") -> None:
        """Keep what the answer said."""
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.reason = reason

    @property
    def is_passing(self) -> bool:
        return self.code == Code.UNAVAILABLE or (self.code == Code.RESOURCE_EXHAUSTED and TOO_LARGE not in str(self))


class ControlPlane(Protocol):
    """FlyteAdmin."""

    def call[M: Message](self, rpc: str, request: Message, of: type[M]) -> M:
        """Call it.

        Raises:
            Refused: it answered an error.
        """

    def send(self, event: Event) -> None:
        """Send an event; ALREADY_EXISTS counts as taken.

        Raises:
            Refused: it was not taken.
        """


@dataclass(frozen=True)
class Bridge:
    """FlyteAdmin behind a gRPC channel; passing faults are met with the same bytes again, ever more slowly."""

    channel: grpc.Channel
    attempts: int = 20
    sleep: Callable[[float], None] = time.sleep

    def call[M: Message](self, rpc: str, request: Message, of: type[M]) -> M:
        for attempt in range(1, self.attempts):
            try:
                return self._call(rpc, request, of)
            except Refused as refused:
                if not refused.is_passing:
                    raise
                self.sleep(min(5.0, 0.1 * 2 ** (attempt - 1)) * random.uniform(0.9, 1.1))
        return self._call(rpc, request, of)

    def send(self, event: Event) -> None:
        try:
            match event:
                case WorkflowExecutionEvent():
                    request = WorkflowExecutionEventRequest(event=event)
                    self.call("CreateWorkflowEvent", request, WorkflowExecutionEventResponse)
                case NodeExecutionEvent():
                    self.call("CreateNodeEvent", NodeExecutionEventRequest(event=event), NodeExecutionEventResponse)
                case TaskExecutionEvent():
                    self.call("CreateTaskEvent", TaskExecutionEventRequest(event=event), TaskExecutionEventResponse)
        except Refused as refused:
            if refused.code != Code.ALREADY_EXISTS:
                raise

    def _call[M: Message](self, rpc: str, request: Message, of: type[M]) -> M:
        service = "SignalService" if rpc in _SIGNALS else "AdminService"
        method: grpc.UnaryUnaryMultiCallable[Message, M] = self.channel.unary_unary(
            f"/flyteidl.service.{service}/{rpc}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=of.FromString,
        )
        try:
            return method(request, timeout=_DEADLINE_SECONDS)
        except grpc.RpcError as error:
            raise _refused(cast("grpc.Call", error)) from error


def _refused(call: grpc.Call) -> Refused:
    status = rpc_status.from_call(call)
    return Refused(Code(call.code().value[0]), call.details() or "", _reason(status.details) if status else "")


def _reason(details: object) -> str:
    for detail in details:  # type: ignore[attr-defined]  # a repeated field
        reason = EventFailureReason()
        if detail.Unpack(reason):
            return reason.WhichOneof("reason") or ""
    return ""
