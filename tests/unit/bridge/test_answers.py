"""Answers over HTTPS as gRPC statuses."""

import pytest
from flyteidl.admin.event_pb2 import EventFailureReason
from google.protobuf.any_pb2 import Any as Packed
from google.rpc.status_pb2 import Status

from bridge.answers import OCTETS, Answer, error_of, unreachable
from flyteadmin.errors import Code


def gateway(status: int, message: str = "said") -> Answer:
    return Answer(status, {"content-type": "application/json"}, f'{{"message":"{message}"}}'.encode())


def function(status: int, code: int, *details: Packed) -> Answer:
    said = Status(code=code, message="said", details=details)
    return Answer(status, {"content-type": OCTETS}, said.SerializeToString())


@pytest.mark.conformance("ERR-11")
def test_a_function_speaks_for_itself() -> None:
    detail = Packed()
    detail.Pack(EventFailureReason())
    status = error_of(function(400, Code.FAILED_PRECONDITION, detail), "CreateWorkflowEvent")
    assert (status.code, status.message, list(status.details)) == (Code.FAILED_PRECONDITION, "said", [detail])


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, Code.INVALID_ARGUMENT),
        (401, Code.UNAUTHENTICATED),
        (403, Code.PERMISSION_DENIED),
        (404, Code.UNIMPLEMENTED),
        (413, Code.RESOURCE_EXHAUSTED),
        (414, Code.RESOURCE_EXHAUSTED),
        (418, Code.INTERNAL),
        (429, Code.UNAVAILABLE),
        (500, Code.UNAVAILABLE),
        (502, Code.UNAVAILABLE),
        (503, Code.UNAVAILABLE),
        (504, Code.UNAVAILABLE),
        (302, Code.INTERNAL),
    ],
)
def test_the_gateways_own_answers(status: int, code: Code) -> None:
    assert error_of(gateway(status), "GetExecution").code == code


def test_propeller_knows_a_message_that_is_too_large() -> None:
    assert "message larger than max" in error_of(gateway(413), "CreateNodeEvent").message


@pytest.mark.parametrize("rpc", ["CreateExecution", "RecoverExecution"])
@pytest.mark.parametrize("answer", [gateway(429), gateway(503), function(503, Code.UNAVAILABLE)])
def test_propeller_tries_creates_again_on_internal_only(rpc: str, answer: Answer) -> None:
    assert error_of(answer, rpc).code == Code.INTERNAL
    assert error_of(answer, "RelaunchExecution").code == Code.UNAVAILABLE
    assert unreachable(rpc, "reset").code == Code.INTERNAL
    assert unreachable("CreateNodeEvent", "reset").code == Code.UNAVAILABLE


def test_a_limit_on_creates_stays_what_it_is() -> None:
    assert error_of(function(429, Code.RESOURCE_EXHAUSTED), "CreateExecution").code == Code.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("code", [Code.UNKNOWN, 99, -1])
def test_never_unknown(code: int) -> None:
    assert error_of(function(500, code), "GetExecution").code == Code.INTERNAL


@pytest.mark.parametrize("body", [b"", b"<html>", b'"text"', b"[1]", b"\xff\xfe", b"{}"])
def test_a_body_of_any_kind(body: bytes) -> None:
    assert error_of(Answer(503, {}, body), "GetExecution").code == Code.UNAVAILABLE
    assert error_of(Answer(403, {"content-type": OCTETS}, body), "GetExecution").code == Code.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("answer", "passing"),
    [
        (gateway(500), True),
        (gateway(502), True),
        (gateway(429), True),
        (gateway(403), False),
        (function(503, Code.UNAVAILABLE), True),
        (function(500, Code.INTERNAL), False),
        (function(429, Code.RESOURCE_EXHAUSTED), False),
        (function(200, 0), False),
    ],
)
def test_which_faults_pass(answer: Answer, passing: bool) -> None:
    assert answer.is_passing is passing
