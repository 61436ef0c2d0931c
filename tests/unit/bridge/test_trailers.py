"""A status is cut to the trailers that its reader takes."""

from base64 import b64encode
from urllib.parse import quote

import pytest
from flyteidl.admin.event_pb2 import EventFailureReason
from google.protobuf.any_pb2 import Any as Packed
from google.rpc.status_pb2 import Status
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.trailers import GO_LIMIT, LIMIT, fitted, trailers_of
from flyteadmin.api.status import CUT
from flyteadmin.errors import Code

PYTHON, GO = "grpc-python/1.85.1 grpc-c/55.0.0 (linux; chttp2)", "flytectl grpc-go/1.65.0"


def status(message: str, *details: str) -> Status:
    packed = [Packed() for _ in details]
    for each, text in zip(packed, details, strict=True):
        reason = EventFailureReason()
        reason.already_in_terminal_state.current_phase = text
        each.Pack(reason)
    return Status(code=Code.FAILED_PRECONDITION, message=message, details=packed)


def size(told: Status) -> int:
    """Bytes on the wire: the message percent-encoded, and the whole status in base64 where there are details."""
    message = len(quote(told.message, safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"))
    return message + len(b64encode(told.SerializeToString())) * bool(told.details)


@pytest.mark.conformance("ERR-02")
def test_a_message_without_details_travels_once() -> None:
    assert trailers_of(status("said")) == ()
    assert [name for name, _ in trailers_of(status("said", "FAILED"))] == ["grpc-status-details-bin"]
    assert fitted(status("x" * LIMIT), PYTHON).message == "x" * LIMIT


@pytest.mark.conformance("ERR-11")
def test_what_is_cut_says_so_and_fills_the_room() -> None:
    told = fitted(status("x" * 32_000), PYTHON).message
    assert told.endswith("x" + CUT)
    assert LIMIT - 30 < len(told) <= LIMIT
    assert fitted(status("x" * 32_000), GO).message == "x" * 32_000


def test_line_breaks_count_as_they_travel() -> None:
    told = fitted(status("\n" * 32_000), PYTHON)
    assert LIMIT - 30 < size(told) <= LIMIT
    assert told.message.endswith("\n" + CUT)


@pytest.mark.conformance("KD-39")
def test_a_long_message_gives_way_to_its_details() -> None:
    told = fitted(status("x" * 32_000, "FAILED"), PYTHON)
    assert (len(told.details), told.message.endswith(CUT)) == (1, True)
    assert len(told.message) > 2_500


def test_a_short_message_is_whole_beside_large_details() -> None:
    told = fitted(status("ended", "x" * 4_000), PYTHON)
    assert (told.message, len(told.details)) == ("ended", 1)


def test_details_that_leave_no_room_are_dropped() -> None:
    told = fitted(status("ended", "x" * 6_000), PYTHON)
    assert (told.message, len(told.details)) == ("ended", 0)


@pytest.mark.conformance("ERR-11")
@given(
    st.text(st.characters(codec="utf-8")),
    st.integers(0, 60_000),
    st.integers(-1, 40_000),
    st.sampled_from([PYTHON, GO]),
)
@example("%", 60_000, 1, PYTHON)
@example("", 0, 5_000, PYTHON)
@example("é", 60_000, 1, GO)
@example("\U0001f600", 60_000, -1, PYTHON)
def test_whatever_is_said_fits(piece: str, length: int, detail: int, reader: str) -> None:
    message = (piece * (length // max(len(piece), 1)))[:length]
    told = fitted(status(message, *["x" * detail] * (detail >= 0)), reader)
    assert size(told) <= (GO_LIMIT if reader == GO else LIMIT) + 30
    assert told.message == message or told.message.endswith(CUT)
    assert message.startswith(told.message.removesuffix(CUT))
