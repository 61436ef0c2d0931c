"""An event on either way to the queue, and what its sender hears."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from flyteidl.admin.event_pb2 import (
    EventFailureReason,
    NodeExecutionEventRequest,
    TaskExecutionEventRequest,
    WorkflowExecutionEventRequest,
)
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from flyteadmin.errors import Code
from flyteadmin.events.validation import Event
from functions.record_event.handler import lambda_handler
from tests.aws_events import OCTETS, Context, answer_of, http_event
from tests.grpc_stack import Client, Refused


@dataclass(frozen=True)
class Verdict:
    """The answer to the sender of an event."""

    code: Code = Code.OK
    message: str = ""
    reason: EventFailureReason | None = None

    @classmethod
    def of(cls, status: Status) -> "Verdict":
        """With the detail that propeller acts on, if there is one."""
        reason = EventFailureReason()
        has_reason = bool(status.details) and status.details[0].Unpack(reason)
        return cls(Code(status.code), status.message, reason if has_reason else None)


type Send = Callable[[Event], Verdict]
"""One of the two ways of an event."""


def requested(event: Event) -> tuple[str, str, Message]:
    """The RPC for an event, its path over HTTPS, and its request; all requests have one id, which must not matter."""
    match event:
        case WorkflowExecutionEvent():
            return "CreateWorkflowEvent", "workflows", WorkflowExecutionEventRequest(request_id="id", event=event)
        case NodeExecutionEvent():
            return "CreateNodeEvent", "nodes", NodeExecutionEventRequest(request_id="id", event=event)
        case TaskExecutionEvent():
            return "CreateTaskEvent", "tasks", TaskExecutionEventRequest(request_id="id", event=event)


def over_https(event: Event) -> Verdict:
    """Send it to the function."""
    _, path, request = requested(event)
    headers = {"content-type": OCTETS, "accept": OCTETS}
    posted = http_event("POST", f"/api/v1/events/{path}", body=request.SerializeToString(), headers=headers)
    answer = answer_of(lambda_handler(posted, Context()))
    return Verdict() if answer.status == 200 else Verdict.of(answer.message(Status))


def over_grpc(flyte: Client, event: Event) -> Verdict:
    """Send it through a bridge."""
    rpc, _, request = requested(event)
    try:
        assert flyte.call(rpc, request) == b""
    except Refused as refused:
        status = refused.status or Status(code=refused.code, message=refused.message)  # no trailers: gRPC's own word
        return replace(Verdict.of(status), code=refused.code, message=refused.message)
    return Verdict()
