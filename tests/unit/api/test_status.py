"""Errors as google.rpc.Status, and their HTTP status."""

import pytest
from flyteidl.admin.event_pb2 import EventFailureReason

from flyteadmin.api.status import HTTP_STATUS, status_of
from flyteadmin.errors import Code, FailedPrecondition, Internal, InvalidArgument, NotFound, Unavailable


def reason(text: str) -> EventFailureReason:
    detail = EventFailureReason()
    detail.already_in_terminal_state.current_phase = text
    return detail


@pytest.mark.conformance("ERR-05")
def test_http_statuses_are_grpc_gateway_s() -> None:
    assert {Code(code).name: status for code, status in HTTP_STATUS.items()} == {
        "OK": 200,
        "CANCELLED": 499,
        "UNKNOWN": 500,
        "INVALID_ARGUMENT": 400,
        "DEADLINE_EXCEEDED": 504,
        "NOT_FOUND": 404,
        "ALREADY_EXISTS": 409,
        "PERMISSION_DENIED": 403,
        "UNAUTHENTICATED": 401,
        "RESOURCE_EXHAUSTED": 429,
        "FAILED_PRECONDITION": 400,
        "ABORTED": 409,
        "OUT_OF_RANGE": 400,
        "UNIMPLEMENTED": 501,
        "INTERNAL": 500,
        "UNAVAILABLE": 503,
        "DATA_LOSS": 500,
    }


@pytest.mark.parametrize("error", [NotFound("no such execution"), Unavailable("later"), Internal("retry")])
def test_an_error_of_ours_speaks_for_itself(error: NotFound | Unavailable | Internal) -> None:
    status = status_of(error, "r1")
    assert (status.code, status.message, len(status.details)) == (error.code, error.message, 0)


def test_details_are_packed() -> None:
    status = status_of(FailedPrecondition("ended", reason("FAILED")), "r1")
    unpacked = EventFailureReason()
    assert status.details[0].Unpack(unpacked)
    assert unpacked == reason("FAILED")


@pytest.mark.conformance("ERR-01")
@pytest.mark.parametrize("error", [ValueError("secret"), KeyError("secret"), RecursionError()], ids=type)
def test_anything_else_is_internal_and_tells_the_request_id_only(error: Exception) -> None:
    status = status_of(error, "r1")
    assert (status.code, status.message) == (Code.INTERNAL, "internal error, request id r1")


@pytest.mark.conformance("ERR-02")
def test_a_long_message_is_cut_at_32000_bytes_between_characters_and_says_so() -> None:
    assert status_of(InvalidArgument("x" * 32_000), "r1").message == "x" * 32_000
    for whole in ("é" * 20_000, "x" + "é" * 20_000):
        message = status_of(InvalidArgument(whole), "r1").message
        kept = message.removesuffix(" … (cut)")
        assert (whole.startswith(kept), kept == message) == (True, False)
        assert 31_998 <= len(message.encode()) <= 32_000


@pytest.mark.conformance("KD-39")
def test_a_long_message_keeps_its_details() -> None:
    status = status_of(FailedPrecondition("x" * 40_000, reason("FAILED")), "r1")
    assert (len(status.details), len(status.message.encode())) == (1, 32_000)


def test_a_message_with_half_a_surrogate_pair_still_travels() -> None:
    assert status_of(InvalidArgument("bad \ud800"), "r1").message == "bad ?"
