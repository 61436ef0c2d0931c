"""The table of routes equals flyteidl's descriptors, and matches paths as grpc-gateway does."""

import string
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections import Counter
from importlib import import_module
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from google.api import annotations_pb2
from hypothesis import assume, example, given
from hypothesis import strategies as st

from flyteadmin.api.routes import ROUTES, Route, api_gateway_routes, match, routes_of, segment
from flyteadmin.errors import InvalidArgument

SERVICES = ("admin", "signal", "dataproxy", "identity", "auth")
KNOWN_BINDINGS = Path(__file__).with_name("bindings_1_16_8.txt").read_text().splitlines()
PRIVATE = Route(
    service="flyteidl.service.SignalService",
    rpc="GetOrCreateSignal",
    method="POST",
    template="/api/v1/signals/get_or_create",
    body="*",
    request="flyteidl.admin.signal_pb2:SignalGetOrCreateRequest",
    response="flyteidl.admin.signal_pb2:Signal",
)


def descriptor_bindings() -> set[tuple[str, str, str, str, str, str, str]]:
    found = set()
    for name in SERVICES:
        for service in import_module(f"flyteidl.service.{name}_pb2").DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                rule = method.GetOptions().Extensions[annotations_pb2.http]
                for each in (rule, *rule.additional_bindings):
                    verb = each.WhichOneof("pattern")
                    if verb:
                        found.add(
                            (
                                service.full_name,
                                method.name,
                                verb.upper(),
                                getattr(each, verb),
                                each.body,
                                method.input_type.full_name,
                                method.output_type.full_name,
                            )
                        )
    return found


def as_descriptors_say(route: Route) -> tuple[str, str, str, str, str, str, str]:
    return (
        route.service,
        route.rpc,
        route.method,
        route.template,
        route.body,
        route.request_type().DESCRIPTOR.full_name,
        route.response_type().DESCRIPTOR.full_name,
    )


@pytest.mark.parametrize("line", KNOWN_BINDINGS)
def test_each_known_binding_is_in_the_table(line: str) -> None:
    method, template, rpc = line.split()
    assert [r.rpc for r in ROUTES if (r.method, r.template) == (method, template)] == [rpc]


def test_the_table_is_the_descriptors_bindings_and_one_private_route() -> None:
    assert len(KNOWN_BINDINGS) == 69
    assert {as_descriptors_say(route) for route in ROUTES if route != PRIVATE} == descriptor_bindings()
    assert PRIVATE in ROUTES
    assert len(ROUTES) == 70


def test_rpc_names_are_unique_over_all_services() -> None:
    assert all(len({route.service for route in routes_of(route.rpc)}) == 1 for route in ROUTES)
    assert routes_of("NoSuchRpc") == ()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.template}")
def test_a_template_filled_in_leads_to_its_own_route(route: Route) -> None:
    values = {part: f"v{index}" for index, part in enumerate(route.segments()) if part.startswith("{")}
    path = "/" + "/".join(values.get(part, part) for part in route.segments())

    found = match(path)[route.method]

    assert found.route == route
    assert dict(found.parameters) == {part[1:-1]: value for part, value in values.items()}


def test_no_two_routes_have_the_same_method_and_shape() -> None:
    shapes = Counter(
        (route.method, tuple("{}" if part.startswith("{") else part for part in route.segments())) for route in ROUTES
    )
    assert max(shapes.values()) == 1


def test_a_path_is_decoded_in_full_before_it_is_split() -> None:
    found = match("/api/v1/executions/my%20project/d%C3%A9v/a%2Bb+c")["GET"]
    assert found.parameters == (("id.project", "my project"), ("id.domain", "dév"), ("id.name", "a+b+c"))


def test_an_id_with_a_slash_does_not_route() -> None:
    assert match("/api/v1/active_launch_plans/p/d/name%2Fmore") == {}


@given(st.text())
@example("feature/x")
@example("..")
@example("base64:")
def test_any_value_can_be_a_part_of_a_path(value: str) -> None:
    path = f"/api/v1/projects/{segment(value)}"
    assert path == unquote(path) == unquote(unquote(path)), "there is nothing to decode"
    assert match(path)["GET"].parameters == (("id", value),)


@given(st.text(alphabet=string.ascii_letters + string.digits + "._~:@=,-", min_size=1))
def test_a_plain_name_has_one_form(value: str) -> None:
    assume(value not in {".", ".."} and not value.startswith("base64:"))
    assert segment(value) == value
    encoded = urlsafe_b64encode(value.encode()).decode().rstrip("=")
    with pytest.raises(InvalidArgument, match="invalid value for id"):
        match(f"/api/v1/projects/base64:{encoded}")


@given(st.characters(codec="utf-8").filter(lambda character: character not in "/%"))
def test_an_escape_is_decoded_once_or_refused(character: str) -> None:
    """A gateway that has decoded before changes nothing: the same value, or a refusal, never another value."""
    escaped, decoded = quote(f"a{character}", safe=""), f"a{character}"
    for path in (escaped, decoded):
        try:
            (parameter,) = match(f"/api/v1/projects/{path}")["GET"].parameters
        except InvalidArgument:
            continue
        assert parameter == ("id", decoded)


@pytest.mark.parametrize("part", ["base64:cA", "base64:!!!!", "base64:_w", "base64:Li5", "base64:YS9i="])
def test_base64_that_segment_does_not_write_is_refused(part: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid value for id"):
        match(f"/api/v1/projects/{part}")


def test_a_literal_goes_before_a_variable() -> None:
    assert match("/api/v1/executions/relaunch")["POST"].route.rpc == "RelaunchExecution"
    found = match("/api/v1/node_executions/p/d/n/node/dynamic_workflow")
    assert found["GET"].route.rpc == "GetDynamicNodeWorkflow"


def test_an_empty_part_is_an_empty_value() -> None:
    assert match("/api/v1/executions//d")["GET"].parameters == (("id.project", ""), ("id.domain", "d"))


@pytest.mark.parametrize("path", ["", "api/v1/projects", "/", "/api/v1", "/api/v1/projects/a/b", "/api/v1/projekts"])
def test_an_unknown_path_matches_nothing(path: str) -> None:
    assert match(path) == {}


def test_a_path_that_is_no_utf8_is_an_invalid_argument() -> None:
    with pytest.raises(InvalidArgument, match="path"):
        match("/api/v1/projects/%ff")


@given(st.text())
def test_any_path_is_matched_or_refused(path: str) -> None:
    try:
        assert isinstance(match(path), dict)
    except InvalidArgument:
        assert "%" in path


def test_api_gateway_routes_are_greedy_per_noun_and_method() -> None:
    keys = api_gateway_routes(["CreateExecution", "RelaunchExecution", "GetExecution", "ListExecutions"])
    assert keys == (
        "GET /api/v1/executions/{proxy+}",
        "POST /api/v1/executions",
        "POST /api/v1/executions/relaunch",
    )


def test_api_gateway_routes_of_everything_cover_every_route() -> None:
    keys = api_gateway_routes()
    assert len(keys) == len(set(keys))
    assert all(route.gateway_route() in keys for route in ROUTES)


def test_a_cold_start_imports_no_message_of_flyte_s() -> None:
    """Each function imports what its own RPCs need; the service descriptors alone would cost some 25 ms."""
    script = "import sys, flyteadmin.api.handler; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = imported.stdout.split()
    assert "flyteadmin.api.bindings" in modules
    assert [name for name in modules if name.startswith(("flyteidl", "grpc", "boto3", "pynamodb", "kubernetes"))] == []
    assert "google.protobuf.json_format" not in modules
