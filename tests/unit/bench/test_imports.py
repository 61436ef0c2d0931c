"""The bench's reading of `-X importtime`."""

import pytest

from bench.imports import by_package

PRINTED = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |     pydantic.types
import time:       250 |        350 |   pydantic
import time:       400 |        400 |   google.protobuf.message
import time:        50 |         50 |   google.rpc.status_pb2
a warning of the interpreter | with a bar
import time:        10 |        810 | handler
"""


def test_a_package_is_its_modules_own_time() -> None:
    assert by_package(PRINTED) == pytest.approx(
        {"pydantic": 350e-6, "google.protobuf": 400e-6, "google.rpc": 50e-6, "handler": 10e-6}
    )
