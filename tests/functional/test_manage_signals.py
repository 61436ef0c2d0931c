"""Signals through the real handler: made once with their type, set as long as somebody waits, listed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flyteidl.admin.common_pb2 import Sort
from flyteidl.admin.signal_pb2 import (
    Signal,
    SignalGetOrCreateRequest,
    SignalList,
    SignalListRequest,
    SignalSetRequest,
    SignalSetResponse,
)
from flyteidl.core.identifier_pb2 import SignalIdentifier
from flyteidl.core.literals_pb2 import Literal
from flyteidl.core.types_pb2 import BOOLEAN, INTEGER, LiteralType, SimpleType
from google.protobuf.message import Message

from flyteadmin.errors import Code
from flyteadmin.executions import repository as executions
from flyteadmin.executions.phases import ControlPlanePhase, facts_of_control_plane
from flyteadmin.signals import repository
from local.admin import Admin, CallFailed
from tests import in_process
from tests.builders import execution_id, stored_execution
from tests.entities import integer, text

pytestmark = pytest.mark.usefixtures("aws")

ADMIN = in_process.admin


def signal_id(name: str = "approve") -> SignalIdentifier:
    return SignalIdentifier(signal_id=name, execution_id=execution_id())


def get_or_create(name: str = "approve", kind: SimpleType = INTEGER) -> Signal:
    request = SignalGetOrCreateRequest(id=signal_id(name), type=LiteralType(simple=kind))
    return ADMIN().call("GetOrCreateSignal", request, Signal)


def set_to(value: Literal, name: str = "approve") -> None:
    ADMIN().call("SetSignal", SignalSetRequest(id=signal_id(name), value=value), SignalSetResponse)


def listed(**more: object) -> SignalList:
    request = SignalListRequest(workflow_execution_id=execution_id(), limit=10)
    request.MergeFrom(SignalListRequest(**more))  # type: ignore[arg-type]  # whatever the test is about
    return ADMIN().call("ListSignals", request, SignalList)


def refused(rpc: str, request: Message, of: type[Message], admin: Admin | None = None) -> CallFailed:
    with pytest.raises(CallFailed) as failure:
        (admin or ADMIN()).call(rpc, request, of)
    return failure.value


@pytest.mark.conformance("SIG-02")
def test_a_signal_is_made_once_and_its_execution_need_not_exist() -> None:
    first = get_or_create()
    assert (first.id, first.type.simple, first.HasField("value")) == (signal_id(), INTEGER, False)
    assert get_or_create() == first


@pytest.mark.conformance("SIG-02", "SIG-06")
def test_what_is_set_is_there_at_the_next_look() -> None:
    get_or_create()
    set_to(integer(5))
    assert get_or_create().value == integer(5)
    set_to(integer(6))
    assert get_or_create().value == integer(6)


@pytest.mark.conformance("SIG-02")
def test_many_looks_at_once_make_one_signal() -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: get_or_create(), range(6)))
    assert found == [found[0]] * 6
    assert len(listed().signals) == 1


@pytest.mark.conformance("SIG-03")
def test_another_type_is_refused() -> None:
    get_or_create()
    request = SignalGetOrCreateRequest(id=signal_id(), type=LiteralType(simple=BOOLEAN))
    assert refused("GetOrCreateSignal", request, Signal).code is Code.ALREADY_EXISTS
    assert get_or_create().type.simple == INTEGER


@pytest.mark.conformance("SIG-01", "SIG-04")
@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("id", "missing id"),
        ("id.execution_id", "missing execution_id"),
        ("id.signal_id", "missing signal_id"),
        ("id.execution_id.project", "missing project"),
        ("id.execution_id.domain", "missing domain"),
        ("id.execution_id.name", "missing name"),
        ("type", "missing type"),
        ("value", "missing value"),
    ],
)
def test_a_missing_field_is_named(field: str, says: str) -> None:
    made = SignalGetOrCreateRequest(id=signal_id(), type=LiteralType(simple=INTEGER))
    given = SignalSetRequest(id=signal_id(), value=integer(5))
    for rpc, request, answer in (("GetOrCreateSignal", made, Signal), ("SetSignal", given, SignalSetResponse)):
        if field.split(".", maxsplit=1)[0] not in request.DESCRIPTOR.fields_by_name:
            continue
        *parents, last = field.split(".")
        message: Message = request
        for parent in parents:
            message = getattr(message, parent)
        message.ClearField(last)
        failure = refused(rpc, request, answer)
        assert (failure.code, failure.status.message) == (Code.INVALID_ARGUMENT, says)


@pytest.mark.conformance("SIG-04", "KD-42")
def test_a_signal_that_is_not_there_can_not_be_set() -> None:
    failure = refused("SetSignal", SignalSetRequest(id=signal_id(), value=integer(5)), SignalSetResponse)
    says = "failed to validate that signal [approve] exists"
    assert (failure.code, says in failure.status.message) == (Code.INVALID_ARGUMENT, True)
    assert repository.read(signal_id()) is None


@pytest.mark.conformance("SIG-05")
@pytest.mark.parametrize(
    ("value", "says"),
    [(text("yes"), "is not castable to existing signal type"), (Literal(), "Failed to validate literal type")],
)
def test_a_value_of_another_type_is_refused(value: Literal, says: str) -> None:
    get_or_create()
    failure = refused("SetSignal", SignalSetRequest(id=signal_id(), value=value), SignalSetResponse)
    assert (failure.code, says in failure.status.message) == (Code.INVALID_ARGUMENT, True)
    assert not get_or_create().HasField("value")


@pytest.mark.conformance("SIG-06", "KD-42")
@pytest.mark.parametrize("phase", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"])
def test_nobody_waits_once_the_execution_has_ended(phase: str) -> None:
    state = stored_execution()
    get_or_create()
    set_to(integer(5))
    executions.write_control_plane_facts(state, facts_of_control_plane(ControlPlanePhase(phase, 1)))
    failure = refused("SetSignal", SignalSetRequest(id=signal_id(), value=integer(6)), SignalSetResponse)
    assert (failure.code, phase in failure.status.message) == (Code.FAILED_PRECONDITION, True)
    assert get_or_create().value == integer(5)


def test_what_no_row_holds_is_refused() -> None:
    get_or_create()
    large = SignalSetRequest(id=signal_id(), value=text("x" * 300_000))
    assert refused("SetSignal", large, SignalSetResponse).code is Code.RESOURCE_EXHAUSTED
    long = SignalGetOrCreateRequest(id=signal_id("x" * 1025), type=LiteralType(simple=INTEGER))
    failure = refused("GetOrCreateSignal", long, Signal)
    assert failure.status.message == "size of signal_id exceeded length 1024"


@pytest.mark.conformance("SIG-07")
def test_a_list_goes_page_by_page() -> None:
    for name in ("c", "a", "b"):
        get_or_create(name)
    set_to(integer(5), "b")
    first = listed().signals
    assert [(each.id.signal_id, each.HasField("value")) for each in first] == [("a", False), ("b", True), ("c", False)]
    names, token = [], ""
    while True:
        page = ADMIN().call(
            "ListSignals", SignalListRequest(workflow_execution_id=execution_id(), limit=1, token=token), SignalList
        )
        names += [each.id.signal_id for each in page.signals]
        token = page.token
        if not token:
            break
    assert names == ["a", "b", "c"]
    assert [each.id.signal_id for each in listed(token="2").signals] == ["c"]


@pytest.mark.conformance("SIG-07", "LST-04", "LST-05")
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("contains(signal_id,b)", ["ab", "b"]),
        ("gt(signal.signal_id,ab)", ["b", "c"]),
        ("eq(execution_name,run)+ne(signal_id,c)", ["ab", "b"]),
        ("eq(execution_name,other)", []),
        ("gt(created_at,2001-01-01T00:00:00Z)", ["ab", "b", "c"]),
    ],
)
def test_a_list_takes_filters_and_both_directions(filters: str, found: list[str]) -> None:
    for name in ("c", "ab", "b"):
        get_or_create(name)
    assert [each.id.signal_id for each in listed(filters=filters).signals] == found
    descending = Sort(key="signal_id", direction=Sort.DESCENDING)
    assert [each.id.signal_id for each in listed(filters=filters, sort_by=descending).signals] == found[::-1]


@pytest.mark.conformance("SIG-07")
def test_what_a_list_must_say() -> None:
    cases = [
        (SignalListRequest(workflow_execution_id=execution_id()), "invalid value for limit"),
        (
            SignalListRequest(workflow_execution_id=execution_id(), limit=1, sort_by=Sort(key="colour")),
            "invalid sort key",
        ),
        (SignalListRequest(workflow_execution_id=execution_id(), limit=1, token="?"), "invalid pagination token"),
    ]
    for request, says in cases:
        failure = refused("ListSignals", request, SignalList)
        assert (failure.code, says in failure.status.message) == (Code.INVALID_ARGUMENT, True), failure
