"""Query and path parameters, by the rules of grpc-gateway's runtime/query.go."""

import pytest
from flyteidl.admin.common_pb2 import NamedEntityGetRequest, NamedEntityListRequest, ResourceListRequest
from flyteidl.admin.execution_pb2 import Execution
from flyteidl.admin.node_execution_pb2 import NodeExecutionForTaskListRequest, NodeExecutionListRequest
from flyteidl.admin.project_pb2 import Project
from flyteidl.core.identifier_pb2 import ResourceType
from flyteidl.core.literals_pb2 import Literal
from flyteidl.event.event_pb2 import WorkflowExecutionEvent
from flyteidl.service.dataproxy_pb2 import CreateDownloadLocationRequest, GetDataRequest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin.api.parameters import apply_path, apply_query, parse_query
from flyteadmin.errors import InvalidArgument


def filled[M: Message](message: M, query: str, *bound: str) -> M:
    apply_query(message, parse_query(query), bound)
    return message


@pytest.mark.parametrize(
    ("raw", "pairs"),
    [
        ("", []),
        ("a=1&b=2", [("a", "1"), ("b", "2")]),
        ("a=1&&b", [("a", "1"), ("b", "")]),
        ("filters=eq(a,b)+eq(c,d)", [("filters", "eq(a,b) eq(c,d)")]),
        ("filters=eq(a,b)%2Beq(c,d)", [("filters", "eq(a,b)+eq(c,d)")]),
        ("filters=value_in(p,1;2;3)", [("filters", "value_in(p,1;2;3)")]),
        ("a=b=c", [("a", "b=c")]),
        ("a%5Bk%5D=%C3%A9", [("a[k]", "é")]),
    ],
)
@pytest.mark.conformance("ERR-09")
def test_the_pairs_of_a_query(raw: str, pairs: list[tuple[str, str]]) -> None:
    assert parse_query(raw) == pairs


@pytest.mark.parametrize("raw", ["a=%zz", "a=%", "%f=1", "a=%ff", "a=%ed%a0%80"])
def test_a_query_that_does_not_decode_is_refused(raw: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid query"):
        parse_query(raw)


@pytest.mark.conformance("ERR-09")
def test_nested_fields_have_dots_and_enums_names() -> None:
    query = "id.project=p&limit=100&sort_by.key=created_at&sort_by.direction=ASCENDING&filters=eq(a,b)&token="
    request = filled(ResourceListRequest(), query)
    assert (request.id.project, request.limit, request.filters, request.token) == ("p", 100, "eq(a,b)", "")
    assert (request.sort_by.key, request.sort_by.direction) == ("created_at", 1)


def test_camel_case_names_are_as_good() -> None:
    request = filled(NodeExecutionListRequest(), "uniqueParentId=n0&sortBy.key=created_at")
    assert (request.unique_parent_id, request.sort_by.key) == ("n0", "created_at")


@pytest.mark.parametrize("value", ["WORKFLOW", "2"])
def test_an_enum_goes_by_name_or_number(value: str) -> None:
    assert filled(NamedEntityListRequest(), f"resource_type={value}").resource_type == ResourceType.WORKFLOW


def test_an_identifier_s_resource_type_works_in_a_query() -> None:
    assert filled(ResourceListRequest(), "id.name=n&limit=1").id.name == "n"
    request = filled(NodeExecutionForTaskListRequest(), "task_execution_id.task_id.resource_type=TASK")
    assert request.task_execution_id.task_id.resource_type == ResourceType.TASK


@pytest.mark.parametrize("query", ["nope=1", "id.nope=1", "nope[k]=v", "sort_by.nope.x=1", "=1", "[=]"])
def test_unknown_names_are_ignored(query: str) -> None:
    request = filled(ResourceListRequest(), query)
    assert (request.limit, request.id.project, request.sort_by.key) == (0, "", "")


def test_what_the_path_binds_can_not_be_overridden() -> None:
    request = ResourceListRequest()
    apply_path(request, [("id.project", "p"), ("id.domain", "d")])
    filled(request, "id.project=evil&id.name=n", "id.project", "id.domain")
    assert (request.id.project, request.id.name) == ("p", "n")


def test_camel_case_does_not_get_round_the_path() -> None:
    request = NodeExecutionListRequest()
    apply_path(request, [("workflow_execution_id.project", "p")])
    filled(request, "workflowExecutionId.project=evil", "workflow_execution_id.project")
    assert request.workflow_execution_id.project == "p"


def test_a_repeated_field_takes_every_value() -> None:
    execution = filled(Execution(), "spec.tags=a&spec.tags=b")
    assert execution.spec.tags == ["a", "b"]


def test_a_map_takes_one_entry_for_each_key() -> None:
    project = filled(Project(), "labels.values[a]=1&labels.values[b.c]=2&id=p")
    assert project.labels.values == {"a": "1", "b.c": "2"}
    assert project.id == "p"


@pytest.mark.parametrize(
    ("value", "seconds", "nanos"),
    [
        ("10s", 10, 0),
        ("1h2m3.5s", 3723, 500_000_000),
        ("-1.5m", -90, 0),
        ("100ms", 0, 100_000_000),
        ("2us", 0, 2_000),
        ("2µs", 0, 2_000),
        (".5ns", 0, 0),
        ("0", 0, 0),
        ("+3h", 10800, 0),
    ],
)
def test_a_duration_is_in_go_s_syntax(value: str, seconds: int, nanos: int) -> None:
    request = CreateDownloadLocationRequest()
    apply_query(request, [("expires_in", value)], ())
    assert (request.expires_in.seconds, request.expires_in.nanos) == (seconds, nanos)


@pytest.mark.parametrize("value", ["2026-01-02T03:04:05.000000006Z", "2026-01-02T04:04:05.000000006+01:00"])
def test_a_timestamp_is_rfc3339_and_keeps_nanoseconds(value: str) -> None:
    event = WorkflowExecutionEvent()
    apply_query(event, [("occurred_at", value)], ())
    assert (event.occurred_at.seconds, event.occurred_at.nanos) == (1767323045, 6)


@pytest.mark.parametrize(("value", "expected"), [("t", True), ("TRUE", True), ("1", True), ("F", False), ("0", False)])
def test_a_bool_as_go_parses_it(value: str, expected: bool) -> None:
    assert filled(Literal(), f"scalar.primitive.boolean={value}").scalar.primitive.boolean is expected


def test_other_scalars() -> None:
    assert filled(Literal(), "scalar.primitive.float_value=-1.5e3").scalar.primitive.float_value == -1500
    assert filled(Literal(), "scalar.primitive.integer=-9223372036854775808").scalar.primitive.integer == -(2**63)
    assert filled(Literal(), "scalar.binary.value=_w==").scalar.binary.value == b"\xff"
    assert filled(GetDataRequest(), "flyte_url=flyte://v1/a%3Fb").flyte_url == "flyte://v1/a?b"


@pytest.mark.parametrize(
    ("message", "query", "field"),
    [
        (ResourceListRequest(), "limit=1&limit=2", "limit"),
        (ResourceListRequest(), "limit=-1", "limit"),
        (ResourceListRequest(), "limit=0x10", "limit"),
        (ResourceListRequest(), "limit=1_0", "limit"),
        (ResourceListRequest(), "limit=%D9%A3", "limit"),
        (ResourceListRequest(), "limit=4294967296", "limit"),
        (ResourceListRequest(), "limit=" + "9" * 5000, "limit"),
        (ResourceListRequest(), "limit=", "limit"),
        (ResourceListRequest(), "sort_by.direction=SIDEWAYS", "sort_by.direction"),
        (ResourceListRequest(), "sort_by.direction=7", "sort_by.direction"),
        (ResourceListRequest(), "sort_by=x", "sort_by"),
        (ResourceListRequest(), "filters.x=1", "filters.x"),
        (ResourceListRequest(), "limit[a]=1", "limit"),
        (NamedEntityListRequest(), "resource_type=" + "9" * 19, "resource_type"),
        (CreateDownloadLocationRequest(), "expires_in=10", "expires_in"),
        (CreateDownloadLocationRequest(), "expires_in=", "expires_in"),
        (CreateDownloadLocationRequest(), "expires_in=99999999999h", "expires_in"),
        (CreateDownloadLocationRequest(), "expires_in=" + "9" * 1_000_000 + "s", "expires_in"),
        (WorkflowExecutionEvent(), "occurred_at=yesterday", "occurred_at"),
        (WorkflowExecutionEvent(), "occurred_at=9999-12-31T23:59:59-01:00", "occurred_at"),
        (Literal(), "scalar.primitive.boolean=yes", "scalar.primitive.boolean"),
        (Literal(), "scalar.primitive.float_value=1_0", "scalar.primitive.float_value"),
        (Literal(), "scalar.binary.value=!", "scalar.binary.value"),
        (Literal(), "scalar.primitive.integer=1&scalar.primitive.boolean=1", "scalar.primitive.boolean"),
        (Literal(), "scalar.primitive.integer=1&collection.literals=x", "collection.literals"),
        (Project(), "labels.values[a]=1&labels.values[a]=2", "labels.values"),
        (Project(), "labels.values=1", "labels.values"),
        (Project(), "domains=x", "domains"),
    ],
)
@pytest.mark.conformance("ERR-08", "VAL-10")
def test_a_bad_value_names_its_field(message: Message, query: str, field: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        filled(type(message)(), query)
    assert error.value.message.startswith(f"invalid value for {field}")
    assert len(error.value.message) < 1000


def test_a_path_value_that_does_not_fit_names_its_field() -> None:
    with pytest.raises(InvalidArgument, match=r"invalid value for task_execution_id\.retry_attempt"):
        apply_path(NodeExecutionForTaskListRequest(), [("task_execution_id.retry_attempt", "first")])
    with pytest.raises(InvalidArgument, match="resource_type"):
        apply_path(NamedEntityGetRequest(), [("resource_type", "WORKFLOWS")])


@pytest.mark.parametrize(
    "name", ["[" * 3_000_000, "." * 3_000_000, "id." * 1_000_000 + "project"], ids=["[", ".", "id."]
)
def test_a_name_without_end_is_ignored_at_once(name: str) -> None:
    request = ResourceListRequest()
    apply_query(request, [(name, "1")], {"id.project"})
    assert request.id.project == ""


def test_a_field_path_without_end_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="levels"):
        filled(Literal(), "scalar.union.value." * 40 + "hash=x")


NAMES = "id id.project limit sort_by sortBy direction filters expires_in scalar literals [ ]"
PIECES = st.sampled_from(NAMES.split())


@given(
    st.sampled_from([ResourceListRequest, NamedEntityListRequest, Literal, CreateDownloadLocationRequest, Project]),
    st.lists(st.tuples(st.one_of(PIECES, st.text()), st.text())),
)
def test_any_parameters_are_taken_or_refused(kind: type[Message], parameters: list[tuple[str, str]]) -> None:
    message = kind()
    try:
        apply_query(message, parameters, {"id.project"})
    except InvalidArgument as error:
        assert error.message  # noqa: PT017 (both outcomes are right)
    assert isinstance(message.SerializeToString(), bytes)


@given(st.text())
def test_any_query_string_is_parsed_or_refused(raw: str) -> None:
    try:
        pairs = parse_query(raw)
    except InvalidArgument as error:
        assert error.message.startswith("invalid query")  # noqa: PT017 (both outcomes are right)
    else:
        assert all(name or value for name, value in pairs) or "%" in raw
