"""An RPC's method and path lands in the function that claims it, and no route leads to one that can't serve it."""

import re
from importlib import import_module

import pytest

from flyteadmin.api.handler import ApiHandler
from flyteadmin.api.routes import ROUTES, Route, api_gateway_routes
from tests.infrastructure.template import ROOT, Template, load, target_of

FALLBACK = "get_server_info"
PROBES = {"GET /healthcheck"}
"""Routes that need no signature."""

TEMPLATE = load()


def _handlers() -> dict[str, ApiHandler]:
    modules = (import_module(f"functions.{p.parent.name}.handler") for p in (ROOT / "functions").glob("*/handler.py"))
    found = {module.__name__.split(".")[1]: module.lambda_handler for module in modules}
    return {name: handler for name, handler in found.items() if isinstance(handler, ApiHandler)}


def _functions_by_key() -> dict[str, str]:
    integrations = dict(TEMPLATE.targets("AWS::ApiGatewayV2::Integration", "IntegrationUri"))
    folders = {n: f["CodeUri"].removeprefix("functions/") for n, f in TEMPLATE.resources("AWS::Serverless::Function")}
    targets = dict(TEMPLATE.targets("AWS::ApiGatewayV2::Route", "Target"))
    routes = TEMPLATE.resources("AWS::ApiGatewayV2::Route")
    return {route["RouteKey"]: folders[integrations[targets[name]]] for name, route in routes}


HANDLERS = _handlers()
BY_KEY = _functions_by_key()
CLAIMED_BY = {rpc: name for name, handler in HANDLERS.items() for rpc in handler.rpcs}


def landing(method: str, path: str) -> str:
    """Return the route key that API Gateway chooses: literal, {var}, {proxy+}, $default; a method before ANY."""
    matching = [key for key in BY_KEY if key != "$default" and _matches(key, method, path)]
    return min(matching, key=_precedence, default="$default")


def _matches(key: str, method: str, path: str) -> bool:
    wanted, _, template = key.partition(" ")
    parts = re.split(r"(\{[^}]+\})", template)
    pattern = "".join(
        (".+" if part.endswith("+}") else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts
    )
    return wanted in {method, "ANY"} and re.fullmatch(pattern, path) is not None


def _precedence(key: str) -> tuple[list[int], bool]:
    method, _, template = key.partition(" ")
    ranks = [2 if part.endswith("+}") else 1 if part.startswith("{") else 0 for part in template.split("/")]
    return ranks, method == "ANY"


def path_of(route: Route) -> str:
    return re.sub(r"\{[^}]+\}", "some", route.template)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.rpc} {route.method} {route.template}")
def test_an_rpc_lands_in_the_function_that_claims_it(route: Route) -> None:
    key = landing(route.method, path_of(route))
    if route.rpc in CLAIMED_BY:
        assert BY_KEY[key] == CLAIMED_BY[route.rpc]
    else:  # 501, in Status form, from whichever function it lands in
        assert route.rpc not in HANDLERS[BY_KEY[key]].rpcs


@pytest.mark.parametrize("key", sorted(set(BY_KEY) - PROBES - {"$default"}))
def test_a_route_leads_to_a_function_that_serves_something_below_it(key: str) -> None:
    served = HANDLERS[BY_KEY[key]].rpcs
    assert [route.rpc for route in ROUTES if route.rpc in served and landing(route.method, path_of(route)) == key]


@pytest.mark.parametrize("name", sorted(HANDLERS))
def test_a_functions_routes_are_those_of_its_rpcs(name: str) -> None:
    keys = {key for key, function in BY_KEY.items() if function == name}
    pages = {"$default", *PROBES} if name == FALLBACK else set()
    assert keys == set(api_gateway_routes(HANDLERS[name].rpcs)) | pages


def test_an_rpc_is_claimed_once_and_exists() -> None:
    claims = [rpc for handler in HANDLERS.values() for rpc in handler.rpcs]
    assert sorted(claims) == sorted(set(claims))
    assert set(claims) <= {route.rpc for route in ROUTES}


@pytest.mark.parametrize("path", ["/", "/api/v1/executions/", "/api/v1/nothing", "/api/v2/projects", "/healthcheck/x"])
def test_what_no_rpc_knows_lands_in_the_fallback(path: str) -> None:
    assert BY_KEY[landing("GET", path)] == FALLBACK
    assert BY_KEY[landing("POST", path)] == FALLBACK


def test_the_healthcheck_is_a_page_of_the_function_it_lands_in() -> None:
    assert "/healthcheck" in HANDLERS[BY_KEY[landing("GET", "/healthcheck")]].pages


@pytest.mark.parametrize("account", ["000000000000", "111122223333"])
@pytest.mark.parametrize("stage", ["local", "production"])
@pytest.mark.parametrize("mode", ["IAM", "NONE"])
def test_only_the_embedded_stack_may_be_open(mode: str, stage: str, account: str) -> None:
    template = Template(TEMPLATE.document, {"AuthMode": mode, "Stage": stage}, account=account)
    routes = template.resources("AWS::ApiGatewayV2::Route")
    open_keys = {route["RouteKey"] for _, route in routes if route["AuthorizationType"] == "NONE"}
    is_open = mode == "NONE" and stage == "local" and account == "000000000000"
    assert open_keys == (set(BY_KEY) if is_open else PROBES)


def test_each_function_behind_a_route_may_be_called_by_this_api_only() -> None:
    permissions = {
        target_of(each["Properties"]["FunctionName"]): each["Properties"]
        for each in TEMPLATE.document["Resources"].values()
        if each["Type"] == "AWS::Lambda::Permission" and each["Properties"]["Principal"] != "events.amazonaws.com"
    }
    called = {function for _, function in TEMPLATE.targets("AWS::ApiGatewayV2::Integration", "IntegrationUri")}
    assert set(permissions) == called
    assert {each["Principal"] for each in permissions.values()} == {"apigateway.amazonaws.com"}
    for each in permissions.values():
        assert TEMPLATE.resolve(each["SourceArn"]).endswith(":flyteadmin-Api/*")
