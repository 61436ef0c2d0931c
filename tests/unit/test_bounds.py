"""The bounds of any request: elements, depth, JSON, times and numbers, each refused by the name of its field."""

import time
from collections.abc import Callable

import pytest
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest
from flyteidl.core.literals_pb2 import Literal, LiteralMap
from flyteidl.core.types_pb2 import LiteralType
from google.protobuf.message import Message

from flyteadmin.api.codec import Form, encode_message
from flyteadmin.bounds import MAX_ELEMENTS, clear_unreadable, json_bytes, validate_bounds
from flyteadmin.errors import InvalidArgument
from tests.entities import integer, task_request, text, workflow_request

WRONG_TIMES = [(1 << 60, 0), (-62_135_596_801, 0), (253_402_300_800, 0), (0, -1), (0, 1_000_000_000)]
WRONG_DURATIONS = [(315_576_000_001, 0), (-(10**15), 0), (0, 1_000_000_000), (1, -1), (-1, 1)]


def refusal(message: Message) -> str:
    with pytest.raises(InvalidArgument) as failure:
        validate_bounds(message)
    return failure.value.message


def secrets(count: int) -> Message:
    task = task_request()
    bomb = b"\x12\x00" * count
    task.spec.template.security_context.MergeFromString(bomb)
    return task


def strings(count: int) -> Message:
    task = task_request()
    task.spec.template.container.args.extend(["x"] * count)
    return task


def labels(count: int) -> Message:
    task = task_request()
    task.spec.template.config.update({str(n): "" for n in range(count)})
    return task


def literals(count: int) -> Message:
    request = ExecutionCreateRequest()
    for n in range(count):
        request.inputs.literals[str(n)].SetInParent()
    return request


@pytest.mark.parametrize(
    ("too_many", "field"),
    [
        (secrets, "spec.template.security_context.secrets"),
        (strings, "spec.template.container.args"),
        (labels, "spec.template.config"),
        (literals, "inputs.literals"),
    ],
)
def test_too_many_elements_are_refused_at_once(too_many: Callable[[int], Message], field: str) -> None:
    message = too_many(MAX_ELEMENTS + 1)
    started = time.process_time()
    assert refusal(message) == f"invalid value for {field}: at most {MAX_ELEMENTS} elements are allowed in a request"
    assert time.process_time() - started < 0.2


def test_what_is_small_in_binary_and_large_in_json_is_refused() -> None:
    message = refusal(secrets(MAX_ELEMENTS - 10))
    assert message.startswith("invalid value for spec.template.security_context.secrets[")
    assert message.endswith("bytes of JSON are allowed in a request")
    assert "bytes of JSON" in refusal(ExecutionCreateRequest(name="\x01" * 6_000_000))


def test_real_requests_of_four_megabytes_pass() -> None:
    validate_bounds(workflow_request(nodes=11_000))
    numbers = LiteralMap()
    numbers.literals["x"].collection.literals.extend([integer(5)] * 400_000)
    validate_bounds(numbers)
    validate_bounds(LiteralMap(literals={"x": text("x" * 4_000_000)}))


@pytest.mark.conformance("KD-45")
@pytest.mark.parametrize("seconds_and_nanos", WRONG_TIMES)
def test_times_that_clients_cannot_read_are_refused_at_any_depth(seconds_and_nanos: tuple[int, int]) -> None:
    request = ExecutionCreateRequest()
    moment = request.inputs.literals["days"].collection.literals.add().scalar.primitive.datetime
    moment.seconds, moment.nanos = seconds_and_nanos
    field = "inputs.literals[days].collection.literals[0].scalar.primitive.datetime"
    assert refusal(request) == f"invalid value for {field}: expected a time in the years 1 to 9999"


@pytest.mark.parametrize("seconds_and_nanos", WRONG_DURATIONS)
def test_durations_that_clients_cannot_read_are_refused(seconds_and_nanos: tuple[int, int]) -> None:
    task = task_request()
    timeout = task.spec.template.metadata.timeout
    timeout.seconds, timeout.nanos = seconds_and_nanos
    assert refusal(task).startswith("invalid value for spec.template.metadata.timeout: expected a duration")


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_numbers_that_json_does_not_have_are_refused_in_structs(number: str) -> None:
    task = task_request()
    task.spec.template.custom.update({"a": [{"b": float(number)}]})
    assert "spec.template.custom.fields[a]" in refusal(task)
    validate_bounds(LiteralMap(literals={"x": Literal(scalar={"primitive": {"float_value": float(number)}})}))


def test_what_lists_could_not_nest_is_refused() -> None:
    kind = LiteralType()
    for _ in range(98):
        kind = LiteralType(collection_type=kind)
    assert "nested too deep" in refusal(kind)


def test_the_estimate_of_json_is_near() -> None:
    for message in (task_request(), workflow_request(nodes=50), secrets(1000), literals(1000)):
        real = len(encode_message(message, Form.SNAKE_JSON))
        assert real <= json_bytes(message, 10**9) <= 1.3 * real
    assert json_bytes(task_request(), 10) == 11


def test_stored_times_that_clients_cannot_read_are_shown_as_none() -> None:
    task = task_request()
    task.spec.template.metadata.timeout.seconds = 10**15
    task.spec.template.custom.update({"a": [float("nan"), 1]})
    task.spec.template.metadata.retries.retries = 3
    clear_unreadable(task)
    assert not task.spec.template.metadata.HasField("timeout")
    values = task.spec.template.custom.fields["a"].list_value.values
    assert [value.WhichOneof("kind") for value in values] == [None, "number_value"]
    assert task.spec.template.metadata.retries.retries == 3
    validate_bounds(task)
