"""The traveller of the journeys, and the steps that all journeys have."""

import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from flyteidl.admin.execution_pb2 import (
    Execution,
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionSpec,
    WorkflowExecutionGetRequest,
)
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.identifier_pb2 import (
    Identifier,
    WorkflowExecutionIdentifier,
)
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from flyteadmin.notifications.schema import Notification
from local.admin import Admin, CallFailed
from local.demo.subscriber import Subscriber
from local.stack import DOMAIN, PROJECT, Stack
from tests.e2e.waiting import eventually

ENDS = {WorkflowExecution.SUCCEEDED, WorkflowExecution.FAILED, WorkflowExecution.ABORTED}


@dataclass(frozen=True)
class Traveller:
    """A stack, a subscriber, and the time to wait for a result."""

    stack: Stack
    subscriber: Subscriber
    patience: float = 60

    @property
    def admin(self) -> Admin:
        return self.stack.admin()

    def eventually[R](self, look: Callable[[], R | None], what: str) -> R:
        """Call `look` until it returns something other than None, and return that."""
        return eventually(look, what, self.patience)


def now() -> Timestamp:
    stamp = Timestamp()
    stamp.GetCurrentTime()
    return stamp


def create(traveller: Traveller, name: str, version: str) -> WorkflowExecutionIdentifier:
    request = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, spec=ExecutionSpec())
    identifier = Identifier(resource_type=3, project=PROJECT, domain=DOMAIN, name=name, version=version)  # type: ignore[arg-type]
    request.spec.launch_plan.CopyFrom(identifier)
    request.inputs.literals["symbol"].scalar.primitive.string_value = "ACME"
    return traveller.admin.call("CreateExecution", request, ExecutionCreateResponse).id


def get(traveller: Traveller, identifier: WorkflowExecutionIdentifier) -> Execution:
    return traveller.admin.call("GetExecution", WorkflowExecutionGetRequest(id=identifier), Execution)


def ended(traveller: Traveller, identifier: WorkflowExecutionIdentifier) -> Execution:
    def look() -> Execution | None:
        execution = get(traveller, identifier)
        return execution if execution.closure.phase in ENDS else None

    return traveller.eventually(look, f"an end of {identifier.name}")


def notified(traveller: Traveller, execution: Execution) -> Notification:
    try:
        return traveller.subscriber.wait_for(execution.id.name, traveller.patience)
    except TimeoutError as error:
        raise AssertionError(str(error)) from None


def fetched(request: str | urllib.request.Request) -> bytes:
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{error}: {error.read()[:500]!r}") from None


def followed(traveller: Traveller, rpc: str, request: Message) -> bytes:
    """Return the body of an answer that is too large for a function, fetched from where it says."""
    response = traveller.admin.send(rpc, request)
    if not response.ok:
        raise CallFailed(rpc, Status.FromString(response.body))
    assert response.status == 303, response
    return fetched(response.headers["location"])
