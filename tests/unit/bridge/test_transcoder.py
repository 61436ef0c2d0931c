"""A request becomes the HTTPS call from which the API reads the same request."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flyteidl.admin.common_pb2 import NamedEntityListRequest, ObjectGetRequest, ResourceListRequest
from flyteidl.admin.execution_pb2 import ExecutionTerminateRequest, WorkflowExecutionGetRequest
from flyteidl.admin.launch_plan_pb2 import ActiveLaunchPlanRequest
from flyteidl.admin.node_execution_pb2 import (
    NodeExecutionForTaskListRequest,
    NodeExecutionGetRequest,
    NodeExecutionListRequest,
)
from flyteidl.admin.task_execution_pb2 import TaskExecutionGetRequest, TaskExecutionListRequest
from flyteidl.service.dataproxy_pb2 import CreateDownloadLocationRequest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from bridge.service import Rpc, rpcs
from bridge.transcoder import transcode
from flyteadmin.api.codec import HttpRequest, decode_request
from flyteadmin.api.routes import match, routes_of
from flyteadmin.errors import InvalidArgument

OCTETS = {"content-type": "application/octet-stream"}
NODE = {"execution_id": {"project": "p", "domain": "d", "name": "n"}, "node_id": "n0"}
TASK = {"project": "p", "domain": "d", "name": "n", "version": "v"}
READS = [rpc for rpc in rpcs() if not rpc.routes[0].body]

Draw = Any  # hypothesis has no name for what `st.data()` draws with


def as_read(rpc: Rpc, request: bytes) -> tuple[str, Message]:
    """Return the RPC and the request that the API makes of the call."""
    call = transcode(rpc.routes, request)
    parts = urlsplit(call.target)
    found = match(parts.path)[call.method]
    return found.route.rpc, decode_request(found, HttpRequest(call.method, parts.path, parts.query, OCTETS, call.body))


def filled(message: Message, data: Draw, depth: int = 0) -> None:
    """Set some fields, whatever their types are."""
    for field in message.DESCRIPTOR.fields:
        if depth > 3 or not data.draw(st.booleans()):
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            assert field.message_type.fields_by_name["value"].type == FieldDescriptor.TYPE_STRING
            getattr(message, field.name).update(data.draw(st.dictionaries(st.from_regex(r"\A[^\[\]]+\Z"), st.text())))
        elif field.is_repeated:
            getattr(message, field.name).extend(data.draw(st.lists(scalar(field), max_size=3)))
        elif field.message_type is not None:
            submessage(getattr(message, field.name), data, depth)
        elif field.containing_oneof is None or message.WhichOneof(field.containing_oneof.name) is None:
            setattr(message, field.name, data.draw(scalar(field)))


def submessage(message: Message, data: Draw, depth: int) -> None:
    if isinstance(message, Timestamp):
        message.FromNanoseconds(data.draw(st.integers(0, 2**62)))
    elif isinstance(message, Duration):
        message.FromNanoseconds(data.draw(st.integers(-(2**62), 2**62)))
    else:
        filled(message, data, depth + 1)


def scalar(field: Any) -> st.SearchStrategy[Any]:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            return st.binary()
        case FieldDescriptor.CPPTYPE_STRING:
            return st.text()
        case FieldDescriptor.CPPTYPE_ENUM:
            return st.sampled_from([value.number for value in field.enum_type.values])
        case FieldDescriptor.CPPTYPE_BOOL:
            return st.booleans()
        case FieldDescriptor.CPPTYPE_UINT32 | FieldDescriptor.CPPTYPE_UINT64:
            return st.integers(0, 2**32 - 1)
        case _:
            return st.integers(-(2**31), 2**31 - 1)


def bound(rpc: Rpc) -> Iterator[str]:
    return (part[1:-1] for part in rpc.routes[0].segments() if part.startswith("{"))


def set_path(message: Message, path: str, data: Draw) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        message = getattr(message, parent)
        message.SetInParent()
    field = message.DESCRIPTOR.fields_by_name[name]
    strategy = st.text(min_size=1) if field.cpp_type == FieldDescriptor.CPPTYPE_STRING else scalar(field)
    setattr(message, name, data.draw(strategy))


def pruned(message: Message) -> Message:
    """Without messages in which nothing is set: a query can't tell them from none."""
    for field, value in message.ListFields():
        if field.message_type is None or field.is_repeated or isinstance(value, Timestamp | Duration):
            continue
        if not pruned(value).ListFields():
            message.ClearField(field.name)
    return message


@pytest.mark.parametrize("rpc", READS, ids=lambda rpc: rpc.name)
@given(data=st.data())
def test_the_api_reads_the_same_request(rpc: Rpc, data: Draw) -> None:
    request = rpc.routes[0].request_type()()
    filled(request, data)
    for path in bound(rpc):
        set_path(request, path, data)
    name, read = as_read(rpc, request.SerializeToString())
    assert name == rpc.name
    assert pruned(read) == pruned(request)


def test_a_body_goes_on_as_it_came() -> None:
    unknown = b"\xfa\x3f\x01x"
    request = ExecutionTerminateRequest(id={"project": "p", "domain": "d", "name": "n"}, cause="enough")
    body = request.SerializeToString() + unknown
    call = transcode(routes_of("TerminateExecution"), body)
    assert (call.method, call.target, call.body) == ("DELETE", "/api/v1/executions/p/d/n", body)


def test_a_list_by_name_and_one_of_all() -> None:
    by_name = ResourceListRequest(id={"project": "p", "domain": "d", "name": "n"}, limit=5)
    every = ResourceListRequest(id={"project": "p", "domain": "d"}, limit=5)
    routes = routes_of("ListTasks")
    assert transcode(routes, by_name.SerializeToString()).target == "/api/v1/tasks/p/d/n?limit=5"
    assert transcode(routes, every.SerializeToString()).target == "/api/v1/tasks/p/d?limit=5"


def test_filters_keep_what_a_query_would_change() -> None:
    request = NamedEntityListRequest(project="p", domain="d", filters="eq(a,b c)+value_in(n,1;2;ü&=)")
    target = transcode(routes_of("ListNamedEntities"), request.SerializeToString()).target
    assert target == "/api/v1/named_entities/0/p/d?filters=eq%28a%2Cb%20c%29%2Bvalue_in%28n%2C1%3B2%3B%C3%BC%26%3D%29"


def test_what_a_path_would_change_is_escaped() -> None:
    request = ObjectGetRequest(id={"project": "p", "domain": "d", "name": "..", "version": "feature/x"})
    target = transcode(routes_of("GetTask"), request.SerializeToString()).target
    assert target.startswith("/api/v1/tasks/p/d/base64:Li4/base64:ZmVhdHVyZS94")


def test_a_duration_as_go_writes_it() -> None:
    request = CreateDownloadLocationRequest(native_url="s3://b/k", expires_in={"seconds": 3, "nanos": 5})
    _, read = as_read(next(rpc for rpc in rpcs() if rpc.name == "CreateDownloadLocation"), request.SerializeToString())
    assert read == request


@pytest.mark.parametrize(
    ("rpc", "request_", "says"),
    [
        ("GetExecution", WorkflowExecutionGetRequest(), "missing id"),
        ("GetExecution", WorkflowExecutionGetRequest(id={"domain": "d", "name": "n"}), "missing project"),
        ("TerminateExecution", ExecutionTerminateRequest(cause="slow"), "missing id"),
        ("ListTasks", ResourceListRequest(limit=1), "missing id"),
        ("GetTask", ObjectGetRequest(), "missing id"),
        ("GetActiveLaunchPlan", ActiveLaunchPlanRequest(), "missing project"),
        ("GetNodeExecution", NodeExecutionGetRequest(), "missing id"),
        ("GetNodeExecution", NodeExecutionGetRequest(id={"node_id": "n0"}), "missing execution_id"),
        ("ListNodeExecutions", NodeExecutionListRequest(), "missing execution_id"),
        ("ListTaskExecutions", TaskExecutionListRequest(), "missing id"),
        ("GetTaskExecution", TaskExecutionGetRequest(), "missing id"),
        ("GetTaskExecution", TaskExecutionGetRequest(id={"task_id": TASK}), "missing node_execution_id"),
        ("GetTaskExecution", TaskExecutionGetRequest(id={"node_execution_id": NODE}), "missing task_id"),
        ("ListNodeExecutionsForTask", NodeExecutionForTaskListRequest(), "missing id"),
        ("GetExecution", WorkflowExecutionGetRequest(id={"project": "p", "domain": "d"}), "missing name"),
        ("ListTasks", ResourceListRequest(id={"project": "p"}), "missing domain"),
    ],
)
def test_what_a_path_needs(rpc: str, request_: Message, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        transcode(routes_of(rpc), request_.SerializeToString())


def test_bytes_that_are_no_request() -> None:
    with pytest.raises(InvalidArgument, match=r"flyteidl\.admin\.ObjectGetRequest"):
        transcode(routes_of("GetTask"), b"\x0a\xff")
