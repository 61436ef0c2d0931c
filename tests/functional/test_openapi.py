"""The published OpenAPI document, and whatever it admits sent to the registry's routes: no crash, no surprise."""

import base64
import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flyteadmin.api.routes import ROUTES, match
from functions.get_server_info.handler import lambda_handler
from tests.aws_events import Context, answer_of, http_event
from tests.builders import DOMAIN, PROJECT
from tests.in_process import InProcessApi, handlers

REGISTRY = ("register_entity", "get_entities", "manage_projects", "data_proxy", "get_server_info")
EXAMPLES = 12
DEEPEST = 4

_JSON = {"accept": "application/json", "content-type": "application/json"}


def published() -> dict[str, Any]:
    answer = answer_of(lambda_handler(http_event("GET", "/api/v1/openapi"), Context()))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return answer.json()


DOCUMENT = published()
SERVED = {rpc for name, handler in handlers().items() if name in REGISTRY for rpc in handler.rpcs}
OPERATIONS = [
    (method.upper(), path)
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    if any(route.rpc in SERVED for route in ROUTES if (route.template, route.method) == (path, method.upper()))
]


def test_every_route_is_published_with_its_parameters() -> None:
    found = {(path, method.upper()) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert found == {(route.template, route.method) for route in ROUTES}
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values():
            named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_every_reference_leads_somewhere() -> None:
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}

    def references(value: object) -> set[str]:
        if isinstance(value, dict):
            inner = set().union(*(references(each) for each in value.values()))
            return inner | ({str(value["$ref"])} if "$ref" in value else set())
        return set().union(*(references(each) for each in value)) if isinstance(value, list) else set()

    assert references(DOCUMENT) <= known
    identifiers = [operation["operationId"] for each in DOCUMENT["paths"].values() for operation in each.values()]
    assert len(identifiers) == len(set(identifiers))


def values(schema: Mapping[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """What a schema admits; deep messages are left out."""
    if "$ref" in schema:
        return values(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]], depth)
    if "allOf" in schema:
        return st.none() if depth > DEEPEST else values(schema["allOf"][0], depth)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object":
            return _objects(schema, depth)
        case "array":
            return st.just([]) if depth > DEEPEST else st.lists(values(schema["items"], depth + 1), max_size=2)
        case "string":
            return _strings(schema)
        case "integer":
            least = schema.get("minimum", -(2**31))
            return st.sampled_from([least, 0, 1, 2**31 - 1]) | st.integers(least, 2**31 - 1)
        case "number":
            return st.floats(allow_nan=False, allow_infinity=False, width=32)
        case "boolean":
            return st.booleans()
        case _:
            return st.none()


def _objects(schema: Mapping[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if depth > DEEPEST:
        return st.just({})
    if "additionalProperties" in schema:
        return st.dictionaries(st.text(max_size=5), values(schema["additionalProperties"], depth + 1), max_size=2)
    fields = {name: values(each, depth + 1) for name, each in schema.get("properties", {}).items()}
    likely = st.fixed_dictionaries({}, optional=fields)
    return likely | st.lists(st.sampled_from(sorted(fields) or ["none"]), max_size=2).flatmap(
        lambda chosen: st.fixed_dictionaries({name: fields[name] for name in chosen if name in fields})
    )


def _strings(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    match schema.get("format"):
        case "int64":
            return st.integers(-(2**63), 2**63 - 1).map(str)
        case "uint64":
            return st.integers(0, 2**64 - 1).map(str)
        case "byte":
            return st.binary(max_size=20).map(lambda raw: base64.b64encode(raw).decode())
        case "date-time":
            return st.sampled_from(["2026-11-25T10:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9Z"])
    if "pattern" in schema:
        return st.sampled_from(["1s", "0s", "-5s", "3600.5s"])
    return st.sampled_from([PROJECT, DOMAIN, "double", "v1", ""]) | st.text(max_size=12)


@st.composite
def requests(draw: st.DrawFn, method: str, path: str) -> tuple[str, bytes | None]:
    """A path with its query, and a body where the operation has one."""
    operation = DOCUMENT["paths"][path][method.lower()]
    query: list[tuple[str, str]] = []
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            text = str(draw(values(parameter["schema"]))) or "empty"
            path = path.replace(f"{{{parameter['name']}}}", quote(text.replace("/", "_"), safe=""))
        elif draw(st.booleans()):
            value = draw(values(parameter["schema"]))
            query += [(parameter["name"], str(each)) for each in (value if isinstance(value, list) else [value])]
    body = None
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        body = json.dumps(draw(values(schema))).encode()
    return (f"{path}?{urlencode(query)}" if query else path), body


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_whatever_the_document_admits_gets_an_answer_that_it_names(method: str, path: str) -> None:
    api = InProcessApi()
    documented = {int(status) for status in DOCUMENT["paths"][path][method.lower()]["responses"]}

    @given(requests(method, path))
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    def holds(sent: tuple[str, bytes | None]) -> None:
        target, body = sent
        found = match(target.partition("?")[0]).get(method)
        if found is None or found.route.rpc not in SERVED:
            return
        answer = api.request(method, target, body, _JSON)
        assert answer.status in documented - {500}, (answer.status, answer.body[:500], sent)
        if answer.status != 303:
            assert isinstance(cast("object", answer.json()), dict)

    holds()
