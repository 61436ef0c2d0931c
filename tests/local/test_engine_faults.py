"""The errors that tasks leave behind, as events carry them."""

import pytest
from flyteidl.core.errors_pb2 import ContainerError, ErrorDocument

from local.engine.faults import documented_error

LIMIT = 256 * 1024


@pytest.mark.parametrize("line", ["a long line of a query that failed\n", "é"])
def test_a_huge_traceback_keeps_both_its_ends(line: str) -> None:
    message = "first " + line * (6_000_000 // len(line)) + " last"
    error, _ = documented_error(ErrorDocument(error=ContainerError(code="USER", message=message)), "s3://b/error.pb")
    assert LIMIT - 10 < len(error.message.encode()) <= LIMIT
    assert error.message.startswith("first " + line)
    assert error.message.endswith(line + " last")
    assert error.message.count("(cut)") == 1


def test_others_are_whole() -> None:
    message = "x" * LIMIT
    error, _ = documented_error(ErrorDocument(error=ContainerError(message=message)), "s3://b/error.pb")
    assert error.message == message
