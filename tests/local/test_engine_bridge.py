"""FlyteAdmin as the stand-in engine reaches it over gRPC, and what its answers mean to propeller."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest
from flyteidl.admin.event_pb2 import (
    EventErrorAlreadyInTerminalState,
    EventErrorIncompatibleCluster,
    EventFailureReason,
    NodeExecutionEventRequest,
)
from flyteidl.admin.signal_pb2 import Signal, SignalGetOrCreateRequest
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from flyteadmin.errors import Code
from local.engine.bridge import Bridge, Refused
from tests.builders import node_event, task_event, workflow_event
from tests.local.engine_admin import Stub, served


def said(code: Code, message: str = "no", *details: Message) -> Status:
    status = Status(code=code, message=message)
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


@contextmanager
def admin(*answers: Status | bytes) -> Iterator[tuple[Bridge, list[tuple[str, bytes]]]]:
    """FlyteAdmin, and the calls that its stub has received."""
    stub = Stub(list(answers))
    with served(stub) as address, grpc.insecure_channel(address) as channel:
        yield Bridge(channel, sleep=lambda _: None), stub.received


@pytest.mark.parametrize(
    ("event", "rpc"),
    [
        (workflow_event("RUNNING"), "CreateWorkflowEvent"),
        (node_event("RUNNING"), "CreateNodeEvent"),
        (task_event("RUNNING"), "CreateTaskEvent"),
    ],
)
def test_an_event_goes_where_its_kind_belongs(event: Message, rpc: str) -> None:
    with admin() as (bridge, received):
        bridge.send(event)  # type: ignore[arg-type]  # one of the three
    [(method, _)] = received
    assert method == f"/flyteidl.service.AdminService/{rpc}"


def test_an_event_is_its_request() -> None:
    event = node_event("RUNNING")
    with admin() as (bridge, received):
        bridge.send(event)
    assert NodeExecutionEventRequest.FromString(received[0][1]).event == event


def test_signals_have_a_service_of_their_own() -> None:
    with admin(Signal(type={"simple": "BOOLEAN"}).SerializeToString()) as (bridge, received):
        signal = bridge.call("GetOrCreateSignal", SignalGetOrCreateRequest(), Signal)
    assert received[0][0] == "/flyteidl.service.SignalService/GetOrCreateSignal"
    assert signal.type.simple == 4


@pytest.mark.parametrize("fault", [said(Code.UNAVAILABLE), said(Code.RESOURCE_EXHAUSTED, "slow down")])
def test_a_passing_fault_is_met_with_the_same_bytes(fault: Status) -> None:
    with admin(fault, fault) as (bridge, received):
        bridge.send(node_event("RUNNING"))
    assert len(received) == 3
    assert len(set(received)) == 1


def test_a_fault_that_does_not_pass_is_told() -> None:
    with admin(*[said(Code.UNAVAILABLE)] * 20) as (bridge, received), pytest.raises(Refused) as refused:
        bridge.send(node_event("RUNNING"))
    assert refused.value.code == Code.UNAVAILABLE
    assert len(received) == 20


def test_a_repeated_event_counts_as_taken_and_a_repeated_call_does_not() -> None:
    with admin(said(Code.ALREADY_EXISTS), said(Code.ALREADY_EXISTS)) as (bridge, received):
        bridge.send(node_event("RUNNING"))
        with pytest.raises(Refused):
            bridge.call("CreateExecution", SignalGetOrCreateRequest(), Signal)
    assert len(received) == 2


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        (said(Code.NOT_FOUND), Code.NOT_FOUND, ""),
        (said(Code.RESOURCE_EXHAUSTED, "message larger than max"), Code.RESOURCE_EXHAUSTED, ""),
        (
            said(
                Code.FAILED_PRECONDITION,
                "no",
                EventFailureReason(already_in_terminal_state=EventErrorAlreadyInTerminalState()),
            ),
            Code.FAILED_PRECONDITION,
            "already_in_terminal_state",
        ),
        (
            said(
                Code.FAILED_PRECONDITION,
                "no",
                EventFailureReason(incompatible_cluster=EventErrorIncompatibleCluster(cluster="c")),
            ),
            Code.FAILED_PRECONDITION,
            "incompatible_cluster",
        ),
    ],
)
def test_a_refusal_is_told_with_its_reason(answer: Status, code: Code, reason: str) -> None:
    with admin(answer) as (bridge, received), pytest.raises(Refused) as refused:
        bridge.send(node_event("RUNNING"))
    assert (refused.value.code, refused.value.reason) == (code, reason)
    assert len(received) == 1


def test_nobody_at_home_is_unavailable() -> None:
    with grpc.insecure_channel("127.0.0.1:9") as channel, pytest.raises(Refused) as refused:
        Bridge(channel, attempts=2, sleep=lambda _: None).send(node_event("RUNNING"))
    assert refused.value.code == Code.UNAVAILABLE
