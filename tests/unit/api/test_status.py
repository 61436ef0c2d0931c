"""Errors as google.rpc.Status, and their HTTP status."""

from base64 import b64encode
from urllib.parse import quote

import pytest
from flyteidl.admin.event_pb2 import EventFailureReason
from hypothesis import example, given
from hypothesis import strategies as st

from flyteadmin.api.status import HTTP_STATUS, cut_to_metadata, status_of
from flyteadmin.errors import Code, FailedPrecondition, Internal, InvalidArgument, NotFound, Unavailable

METADATA_BYTES = 32 * 1024


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
def test_a_long_message_is_cut_at_32000_bytes_between_characters() -> None:
    assert status_of(InvalidArgument("é" * 20_000), "r1").message == "é" * 16_000
    assert status_of(InvalidArgument("x" + "é" * 20_000), "r1").message == "x" + "é" * 15_999
    assert status_of(InvalidArgument("x" * 32_000), "r1").message == "x" * 32_000


@pytest.mark.conformance("KD-39")
def test_a_long_message_keeps_its_details() -> None:
    status = status_of(FailedPrecondition("x" * 40_000, reason("FAILED")), "r1")
    assert len(status.details) == 1
    assert 13_000 < len(status.message) < 14_000


def test_a_short_message_is_whole_beside_large_details() -> None:
    status = status_of(FailedPrecondition("ended", reason("x" * 20_000)), "r1")
    assert (status.message, len(status.details)) == ("ended", 1)


def test_details_that_leave_no_room_are_dropped() -> None:
    status = status_of(FailedPrecondition("ended", reason("x" * 30_000)), "r1")
    assert (status.message, len(status.details)) == ("ended", 0)


def test_a_message_with_half_a_surrogate_pair_still_travels() -> None:
    assert status_of(InvalidArgument("bad \ud800"), "r1").message == "bad ?"


@pytest.mark.conformance("ERR-11")
@given(st.text(), st.integers(0, 60_000), st.integers(0, 40_000))
@example("%", 60_000, 1)
@example("", 0, 24_501)
@example("é", 60_000, 1)
def test_a_status_with_details_fits_flytekit_s_metadata(piece: str, length: int, detail: int) -> None:
    message = (piece * (length // max(len(piece), 1)))[:length]
    status = cut_to_metadata(Code.FAILED_PRECONDITION, message, [reason("x" * detail)])

    if status.details:
        trailers = quote(status.message, safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")
        assert len(trailers) + len(b64encode(status.SerializeToString())) < METADATA_BYTES
    else:
        assert len(status.message.encode()) <= 32_000
