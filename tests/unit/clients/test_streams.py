"""Rows out of a stream's images, as Lambda passes them on: DynamoDB's JSON with binary values in base64."""

import base64
from copy import deepcopy

from flyteadmin.clients.dynamodb.streams import StreamImage, from_image
from flyteadmin.executions.models import ExecutionState

IMAGE: StreamImage = {
    "execution": {"S": "flytesnacks:development:run"},
    "part": {"S": "state"},
    "version": {"N": "7"},
    "phase": {"S": "FAILED"},
    "created_at": {"N": "1700000000000000001"},
    "transitions": {"L": [{"S": "RUNNING 1 1"}, {"S": "FAILED 2 2"}]},
    "error": {"B": base64.b64encode(b"\x00\xff what broke").decode()},
}


def test_a_row_is_read_with_its_binary_parts_and_its_numbers_whole() -> None:
    row = from_image(ExecutionState, IMAGE)
    assert (row.execution, row.phase, row.version) == ("flytesnacks:development:run", "FAILED", 7)
    assert row.error == b"\x00\xff what broke"
    assert row.created_at == 1_700_000_000_000_000_001
    assert row.transitions == ["RUNNING 1 1", "FAILED 2 2"]


def test_an_older_row_without_optional_parts_is_read_with_defaults() -> None:
    row = from_image(ExecutionState, {"execution": {"S": "p:d:n"}, "phase": {"S": "QUEUED"}})
    assert row.transitions == []
    assert {row.attribute_values.get(name) for name in ("error", "abort", "task")} == {None}


def test_parts_of_a_newer_version_are_ignored_and_null_is_absent() -> None:
    newer: StreamImage = {"invented": {"M": {"a": {"B": "AA=="}}}, "also": {"BS": ["AA=="]}, "abort": {"NULL": True}}
    row = from_image(ExecutionState, {**IMAGE, **newer})
    assert (row.phase, row.attribute_values.get("abort")) == ("FAILED", None)


def test_an_image_stays_as_it_is_so_that_it_can_be_read_again() -> None:
    image = deepcopy(IMAGE)
    assert from_image(ExecutionState, image).error == from_image(ExecutionState, image).error
    assert image == IMAGE
