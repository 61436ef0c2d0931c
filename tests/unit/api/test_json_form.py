"""The JSON form of messages, against what Go's protojson writes and json_format's where the two agree."""

import math

import pytest
from flyteidl.admin.common_pb2 import Notification
from flyteidl.admin.event_pb2 import EventFailureReason
from flyteidl.admin.execution_pb2 import Execution, ExecutionCreateRequest
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.literals_pb2 import Literal, LiteralMap, Primitive
from flyteidl.core.workflow_pb2 import ArrayNode
from flyteidl.event.event_pb2 import TaskExecutionEvent
from google.protobuf.any_pb2 import Any as PackedMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import BoolValue, Int64Value
from google.rpc.status_pb2 import Status

from flyteadmin.api.json_form import Names, to_json


def succeeded_execution() -> Execution:
    execution = Execution()
    execution.id.name = "f1"
    execution.spec.launch_plan.version = "v1"
    execution.closure.outputs.uri = "s3://b/o"
    execution.closure.phase = WorkflowExecution.SUCCEEDED
    execution.closure.duration.FromJsonString("1.5s")
    execution.closure.started_at.FromJsonString("2026-01-02T03:04:05.12Z")
    return execution


@pytest.mark.conformance("ERR-07")
def test_an_execution_reads_as_protojson_writes_it() -> None:
    answer = to_json(succeeded_execution(), Names.PROTO)

    assert isinstance(answer, dict)
    assert answer["id"] == {"project": "", "domain": "", "name": "f1", "org": ""}
    spec, closure = answer["spec"], answer["closure"]
    assert isinstance(spec, dict)
    assert isinstance(closure, dict)
    assert spec["launch_plan"] == {
        "resource_type": "UNSPECIFIED",
        "project": "",
        "domain": "",
        "name": "",
        "version": "v1",
        "org": "",
    }
    assert (spec["inputs"], spec["interruptible"], spec["tags"]) == (None, None, [])
    assert closure["outputs"] == {"uri": "s3://b/o"} | {
        key: value for key, value in to_json_of_outputs().items() if key != "uri"
    }
    assert (closure["phase"], closure["duration"], closure["started_at"], closure["created_at"]) == (
        "SUCCEEDED",
        "1.500s",
        "2026-01-02T03:04:05.120Z",
        None,
    )


def to_json_of_outputs() -> dict[str, object]:
    answer = to_json(succeeded_execution().closure.outputs, Names.PROTO)
    assert isinstance(answer, dict)
    return dict(answer)


def test_members_of_a_oneof_appear_only_when_set() -> None:
    assert to_json(Primitive(), Names.PROTO) == {}
    assert to_json(Primitive(integer=0), Names.PROTO) == {"integer": "0"}
    closure = to_json(Execution(), Names.PROTO)
    assert closure == {"id": None, "spec": None, "closure": None}


def test_names_are_camel_case_on_demand_at_every_depth() -> None:
    answer = to_json(succeeded_execution(), Names.CAMEL)
    assert isinstance(answer, dict)
    spec = answer["spec"]
    assert isinstance(spec, dict)
    assert isinstance(spec["launchPlan"], dict)
    assert spec["launchPlan"]["resourceType"] == "UNSPECIFIED"
    assert "launch_plan" not in spec


@pytest.mark.parametrize("number", [-(2**63), -1, 0, 2**53 + 1, 2**63 - 1])
def test_64_bit_integers_are_strings(number: int) -> None:
    assert to_json(Primitive(integer=number), Names.PROTO) == {"integer": str(number)}


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1.5, 1.5), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (1e300, 1e300), (-0.0, -0.0)],
)
def test_doubles(number: float, expected: float | str) -> None:
    assert to_json(Primitive(float_value=number), Names.PROTO) == {"float_value": expected}


def test_a_double_that_is_no_number() -> None:
    assert to_json(Primitive(float_value=math.nan), Names.PROTO) == {"float_value": "NaN"}


@pytest.mark.parametrize("number", [0.1, 0.3333333, 1e-45, 3.4028235e38, 16777216.0, -2.5])
def test_floats_have_as_few_digits_as_32_bits_need(number: float) -> None:
    answer = to_json(ArrayNode(min_success_ratio=number), Names.PROTO)
    assert isinstance(answer, dict)
    text = repr(answer["min_success_ratio"])
    assert len(text.replace("-", "").replace(".", "").replace("e", "")) <= 12
    assert ArrayNode(min_success_ratio=float(text)) == ArrayNode(min_success_ratio=number)


def test_an_enum_number_without_a_name_stays_a_number() -> None:
    notification = Notification(phases=[4, 99])  # type: ignore[list-item]  # what a newer client may send
    answer = to_json(notification, Names.PROTO)
    assert isinstance(answer, dict)
    assert answer["phases"] == ["SUCCEEDED", 99]


def test_bytes_are_base64_and_maps_keep_their_keys() -> None:
    literal = Literal()
    literal.scalar.binary.value = b"\xff\x00"
    literals = LiteralMap(literals={"a/b": literal})
    answer = to_json(literals, Names.PROTO)
    assert isinstance(answer, dict)
    assert "/wA=" in str(answer["literals"])
    assert list(answer["literals"]) == ["a/b"]  # type: ignore[arg-type]  # a dict, as the next comparison needs


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (0, "1970-01-01T00:00:01Z"),
        (120_000_000, "1970-01-01T00:00:01.120Z"),
        (1_000, "1970-01-01T00:00:01.000001Z"),
        (1, "1970-01-01T00:00:01.000000001Z"),
    ],
)
def test_timestamps_have_0_3_6_or_9_digits(nanos: int, text: str) -> None:
    assert to_json(Timestamp(seconds=1, nanos=nanos), Names.PROTO) == text


@pytest.mark.parametrize(
    "time",
    [Timestamp(seconds=2**60), Timestamp(nanos=-1), Timestamp(seconds=-(2**62)), Duration(seconds=2**60)],
    ids=str,
)
def test_a_time_that_protobuf_forbids_is_null(time: Timestamp | Duration) -> None:
    assert to_json(time, Names.PROTO) is None


def test_wrappers_are_their_values() -> None:
    assert to_json(BoolValue(value=False), Names.PROTO) is False
    assert to_json(Int64Value(value=7), Names.PROTO) == "7"
    assert to_json(ExecutionCreateRequest(), Names.PROTO) == {
        "project": "",
        "domain": "",
        "name": "",
        "spec": None,
        "inputs": None,
        "org": "",
    }


def test_structs_are_plain_json() -> None:
    event = TaskExecutionEvent()
    given: dict[str, object] = {"a": [1.0, "x", None, {"b": True}], "c": {}}
    ParseDict(given, event.custom_info)
    answer = to_json(event, Names.CAMEL)
    assert isinstance(answer, dict)
    assert answer["customInfo"] == given
    assert to_json(Struct(), Names.PROTO) == {}
    assert to_json(Value(), Names.PROTO) is None


@pytest.mark.conformance("ERR-06")
def test_details_carry_their_type() -> None:
    reason = EventFailureReason()
    reason.already_in_terminal_state.current_phase = "SUCCEEDED"
    status = Status(code=9, message="no")
    status.details.add().Pack(reason)
    assert to_json(status, Names.PROTO) == {
        "code": 9,
        "message": "no",
        "details": [
            {
                "@type": "type.googleapis.com/flyteidl.admin.EventFailureReason",
                "already_in_terminal_state": {"current_phase": "SUCCEEDED"},
            }
        ],
    }


@pytest.mark.parametrize(
    ("packed", "expected"),
    [
        (
            PackedMessage(type_url="type.googleapis.com/no.Such", value=b"\x01"),
            {"@type": "type.googleapis.com/no.Such", "value": "AQ=="},
        ),
        (
            PackedMessage(type_url="type.googleapis.com/flyteidl.core.Literal", value=b"\xff"),
            {"@type": "type.googleapis.com/flyteidl.core.Literal", "value": "/w=="},
        ),
        (PackedMessage(), {"@type": "", "value": ""}),
    ],
    ids=["unknown type", "broken bytes", "empty"],
)
def test_a_detail_that_can_not_be_read_keeps_its_bytes(packed: PackedMessage, expected: dict[str, str]) -> None:
    assert to_json(packed, Names.PROTO) == expected


def test_a_packed_duration_is_under_value() -> None:
    packed = PackedMessage()
    packed.Pack(Duration(seconds=3))
    assert to_json(packed, Names.PROTO) == {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "3s"}
