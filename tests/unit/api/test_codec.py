"""Bodies in all three forms: what clients send, what they get, and what is refused."""

import json
import math
from base64 import b64encode
from collections.abc import Mapping
from typing import cast

import pytest
from flyteidl.admin.common_pb2 import ResourceListRequest
from flyteidl.admin.event_pb2 import NodeExecutionEventRequest, TaskExecutionEventRequest, WorkflowExecutionEventRequest
from flyteidl.admin.execution_pb2 import (
    ExecutionCreateRequest,
    ExecutionRecoverRequest,
    ExecutionTerminateRequest,
)
from flyteidl.admin.project_pb2 import ProjectRegisterRequest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flyteadmin.api.codec import (
    Form,
    HttpRequest,
    decode_request,
    encode_message,
    inbound_form,
    outbound_form,
)
from flyteadmin.api.routes import match
from flyteadmin.errors import InvalidArgument

BINARY, JSON = "application/octet-stream", "application/json"
REQUESTS: Mapping[str, type[Message]] = {
    "/api/v1/executions": ExecutionCreateRequest,
    "/api/v1/executions/recover": ExecutionRecoverRequest,
    "/api/v1/events/workflows": WorkflowExecutionEventRequest,
    "/api/v1/events/nodes": NodeExecutionEventRequest,
    "/api/v1/events/tasks": TaskExecutionEventRequest,
    "/api/v1/projects": ProjectRegisterRequest,
}


def posted(path: str, body: bytes, content_type: str, *, method: str = "POST", query: str = "") -> Message:
    request = HttpRequest(method, path, query, {"content-type": content_type}, body)
    return decode_request(match(path)[method], request)


def created(body: str | bytes, content_type: str = JSON) -> Message:
    return posted("/api/v1/executions", body.encode() if isinstance(body, str) else body, content_type)


@pytest.mark.parametrize(
    ("headers", "inbound", "outbound"),
    [
        ({}, Form.CAMEL_JSON, Form.CAMEL_JSON),
        ({"accept": BINARY}, Form.CAMEL_JSON, Form.BINARY),
        ({"accept": JSON}, Form.CAMEL_JSON, Form.SNAKE_JSON),
        ({"accept": "application/json, text/plain, */*"}, Form.CAMEL_JSON, Form.CAMEL_JSON),
        ({"accept": "*/*"}, Form.CAMEL_JSON, Form.CAMEL_JSON),
        ({"accept": "*", "content-type": BINARY}, Form.BINARY, Form.CAMEL_JSON),
        ({"accept": "application/json;q=1", "content-type": BINARY}, Form.BINARY, Form.BINARY),
        ({"content-type": "Application/JSON; charset=utf-8"}, Form.SNAKE_JSON, Form.SNAKE_JSON),
        ({"content-type": "text/json"}, Form.CAMEL_JSON, Form.CAMEL_JSON),
    ],
)
@pytest.mark.conformance("ERR-07")
def test_which_form_is_spoken(headers: Mapping[str, str], inbound: Form, outbound: Form) -> None:
    assert (inbound_form(headers), outbound_form(headers)) == (inbound, outbound)


@pytest.mark.conformance("ERR-07")
def test_content_types_of_answers() -> None:
    assert [form.content_type for form in (Form.BINARY, Form.SNAKE_JSON, Form.CAMEL_JSON)] == [BINARY, JSON, JSON]


@pytest.mark.parametrize("content_type", [BINARY, JSON, "", "text/plain"])
def test_an_empty_body_is_an_empty_message(content_type: str) -> None:
    assert created(b"", content_type) == ExecutionCreateRequest()


@pytest.mark.parametrize("body", ['{"spec":{"launch_plan":{"name":"n"}}}', '{"spec":{"launchPlan":{"name":"n"}}}'])
@pytest.mark.parametrize("content_type", [JSON, "text/plain"])
def test_both_styles_of_names_are_accepted(body: str, content_type: str) -> None:
    request = created(body, content_type)
    assert isinstance(request, ExecutionCreateRequest)
    assert request.spec.launch_plan.name == "n"


def test_unknown_fields_are_refused_in_exact_json_and_ignored_otherwise() -> None:
    body = '{"project":"p","nope":{"a":1}}'
    assert created(body, "text/plain") == ExecutionCreateRequest(project="p")
    with pytest.raises(InvalidArgument, match="nope"):
        created(body)


def test_the_path_overwrites_the_body_and_the_query_counts_for_nothing() -> None:
    body = ExecutionTerminateRequest(cause="why")
    body.id.project, body.id.name, body.id.org = "evil", "evil", "o"
    sent = posted(
        "/api/v1/executions/p/d/n", body.SerializeToString(), BINARY, method="DELETE", query="cause=other&id.org=x"
    )
    assert isinstance(sent, ExecutionTerminateRequest)
    assert (sent.id.project, sent.id.domain, sent.id.name, sent.id.org, sent.cause) == ("p", "d", "n", "o", "why")


def test_a_get_takes_path_and_query_and_no_body() -> None:
    request = HttpRequest("GET", "/api/v1/executions/p/d", "limit=2", {"content-type": BINARY}, b"\xff")
    sent = decode_request(match(request.path)["GET"], request)
    assert sent == ResourceListRequest(id={"project": "p", "domain": "d"}, limit=2)


def test_no_limit_is_zero() -> None:
    request = HttpRequest("GET", "/api/v1/executions/p/d", "filters=&token=", {}, b"")
    sent = decode_request(match(request.path)["GET"], request)
    assert isinstance(sent, ResourceListRequest)
    assert (sent.limit, sent.filters, sent.token) == (0, "", "")


DEEP = b'{"inputs":' + b'{"literals":{"a":' * 3000 + b"1" + b"}}" * 3000 + b"}"


@pytest.mark.parametrize(
    ("body", "content_type", "names"),
    [
        (b'{"project":', JSON, "Expecting value"),
        (b'{"project":1}', JSON, "project"),
        (b'{"project":{}}', JSON, "project"),
        (b'{"spec":[]}', JSON, "spec"),
        (b'{"spec":{"max_parallelism":1.5}}', JSON, "max_parallelism|maxParallelism"),
        (b'{"spec":{"max_parallelism":99999999999999999999}}', JSON, "max_parallelism|maxParallelism"),
        (b'{"spec":{"max_parallelism":' + b"9" * 5000 + b"}}", JSON, "digits"),
        (b'{"spec":{"max_parallelism":NaN}}', JSON, "NaN"),
        (b'{"spec":{"max_parallelism":1e999}}', JSON, "1e999"),
        (b'{"spec":{"metadata":{"mode":"SIDEWAYS"}}}', JSON, "mode"),
        (b'{"spec":{"metadata":{"scheduled_at":"now"}}}', JSON, "scheduled_at|scheduledAt"),
        (b'{"spec":{"metadata":{"scheduled_at":7}}}', JSON, "scheduled_at|scheduledAt"),
        (b'{"project":"a","project":"b"}', JSON, "project"),
        (b'{"inputs":{"literals":{"a":{"scalar":{"binary":{"value":"!"}}}}}}', JSON, "value"),
        (b'{"inputs":{"literals":{"a":{"scalar":{},"map":{}}}}}', JSON, "oneof fields at .*literals"),
        (b'{"project":"\\ud800"}', JSON, "project|surrogate"),
        (b'{"project":"\xff"}', JSON, "UTF-8"),
        (b"[]", JSON, "object"),
        (b"null", JSON, "object"),
        (b"7", JSON, "object"),
        (b"{} {}", JSON, "Extra data"),
        (DEEP, JSON, "deep|depth|nested"),
        (DEEP, "", "deep|depth|nested"),
        (b"\xff", BINARY, "ExecutionCreateRequest"),
        (b"\x0a\x01\xff", BINARY, "ExecutionCreateRequest"),
        (b"\x0a\xff\xff\xff\xff\x0f", BINARY, "ExecutionCreateRequest"),
    ],
)
@pytest.mark.conformance("ERR-08", "VAL-10")
def test_a_bad_body_is_an_invalid_argument_that_says_where(body: bytes, content_type: str, names: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^invalid request body: .*({names})") as error:
        created(body, content_type)
    assert len(error.value.message) < 1000
    assert "Available Fields" not in error.value.message


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["project", "spec", "inputs", "literals", "metadata", "labels", "x"]), inner)
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(st.binary(), JSON_LIKE.map(lambda value: json.dumps(value).encode())), st.sampled_from([BINARY, JSON, ""])
)
def test_any_body_is_taken_or_an_invalid_argument(body: bytes, content_type: str) -> None:
    try:
        request = created(body, content_type)
    except InvalidArgument as error:
        assert error.message.startswith("invalid request body")  # noqa: PT017 (both outcomes are right)
    else:
        assert isinstance(request, ExecutionCreateRequest)


def scalars(field: FieldDescriptor) -> st.SearchStrategy[object]:
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return st.binary(max_size=6) if field.type == FieldDescriptor.TYPE_BYTES else st.text(max_size=6)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return st.booleans()
    if kind == FieldDescriptor.CPPTYPE_DOUBLE:
        return st.floats(allow_nan=False)
    if kind == FieldDescriptor.CPPTYPE_FLOAT:
        return st.floats(width=32, allow_nan=False)
    unsigned = kind in {FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64}
    bits = 64 if kind in {FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64} else 32
    return st.integers(0, 2**bits - 1) if unsigned else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def well_known(name: str, draw: st.DrawFn) -> object:
    """Draw a value of a well-known type as json_format takes it."""
    if name == "google.protobuf.Timestamp":
        return draw(st.datetimes(timezones=st.none())).isoformat() + "Z"
    if name == "google.protobuf.Duration":
        return f"{draw(st.integers(-(10**9), 10**9))}s"
    if name == "google.protobuf.BoolValue":
        return draw(st.booleans())
    return draw(st.dictionaries(st.text(max_size=4), st.none() | st.text(max_size=4) | st.floats(-9, 9), max_size=2))


@st.composite
def contents(draw: st.DrawFn, descriptor: Descriptor, depth: int) -> dict[str, object]:
    """Some fields of a message as `json_format.ParseDict` takes them; one member of each oneof at most."""
    fields: dict[str, object] = {}
    oneofs: set[str] = set()
    for field in draw(st.lists(st.sampled_from(list(descriptor.fields)), max_size=5)) if descriptor.fields else []:
        oneof = field.containing_oneof.name if field.containing_oneof else field.name
        if oneof in oneofs or (field.message_type is not None and depth == 0):
            continue
        oneofs.add(oneof)
        fields[field.name] = draw_field(draw, field, depth)
    return fields


def draw_field(draw: st.DrawFn, field: FieldDescriptor, depth: int) -> object:
    count = draw(st.integers(0, 2)) if field.is_repeated else 1
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        value = field.message_type.fields_by_name["value"]
        return {draw(st.text(max_size=4)): draw_single(draw, value, depth) for _ in range(count)}
    values = [draw_single(draw, field, depth) for _ in range(count)]
    return values if field.is_repeated else values[0]


def draw_single(draw: st.DrawFn, field: FieldDescriptor, depth: int) -> object:
    if field.message_type is None:
        value = draw(scalars(field))
        return json_scalar(value)
    if field.message_type.full_name.startswith("google."):
        return well_known(field.message_type.full_name, draw)
    return draw(contents(field.message_type, max(depth - 1, 0)))


def json_scalar(value: object) -> object:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(sorted(REQUESTS)), st.data())
@pytest.mark.conformance("ERR-07")
def test_any_request_survives_each_form(path: str, data: st.DataObject) -> None:
    message = REQUESTS[path]()
    ParseDict(dict(data.draw(contents(cast("Descriptor", message.DESCRIPTOR), 4))), message)

    assert posted(path, encode_message(message, Form.BINARY), BINARY) == message
    assert posted(path, encode_message(message, Form.SNAKE_JSON), JSON) == message
    assert posted(path, encode_message(message, Form.CAMEL_JSON), JSON) == message


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(sorted(REQUESTS)), st.data())
@pytest.mark.conformance("ERR-07")
def test_json_is_json_format_s_and_nulls_for_unset_messages(path: str, data: st.DataObject) -> None:
    message = REQUESTS[path]()
    ParseDict(dict(data.draw(contents(cast("Descriptor", message.DESCRIPTOR), 4))), message)

    for form, proto_names in ((Form.SNAKE_JSON, True), (Form.CAMEL_JSON, False)):
        ours = json.loads(encode_message(message, form))
        theirs = MessageToDict(
            message, always_print_fields_with_no_presence=True, preserving_proto_field_name=proto_names
        )
        assert without_extra_nulls(ours, theirs) == theirs


def without_extra_nulls(ours: object, theirs: object) -> object:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        kept = {key: value for key, value in ours.items() if key in theirs or value is not None}
        return {key: without_extra_nulls(value, theirs.get(key)) for key, value in kept.items()}
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [without_extra_nulls(*pair) for pair in zip(ours, theirs, strict=True)]
    return ours
