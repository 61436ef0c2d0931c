"""The published OpenAPI document, and what schemathesis makes of it sent to the registry's routes.

It sends what the document admits and what it does not: nothing may crash, and no answer be one that is not published.
"""

from collections.abc import Mapping
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from werkzeug import Request, Response

from flyteadmin.api.routes import ROUTES
from functions.get_server_info.handler import lambda_handler
from tests.aws_events import Context, answer_of, http_event
from tests.builders import DOMAIN, PROJECT
from tests.in_process import InProcessApi, handlers

REGISTRY = ("register_entity", "get_entities", "manage_projects", "data_proxy", "get_server_info")
EXAMPLES = 20
NAMES = {
    "project": [PROJECT],
    "domain": [DOMAIN],
    "filters": ["", "eq(created_at,2026-11-25T10:00:00Z)"],
    "token": ["", "0"],
    "key": ["created_at"],
    "name": ["double", "v1"],
}
"""The formats of text fields by their names; any other field is like "name"."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

API = InProcessApi()


def published() -> dict[str, Any]:
    answer = answer_of(lambda_handler(http_event("GET", "/api/v1/openapi"), Context()))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return answer.json()


DOCUMENT = published()
SERVED = {rpc for name, handler in handlers().items() if name in REGISTRY for rpc in handler.rpcs}
TEMPLATES = {(route.method, route.template.replace(".", "_")) for route in ROUTES if route.rpc in SERVED}


def test_every_route_is_published_with_its_parameters() -> None:
    found = {(path, method.upper()) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert found == {(route.template.replace(".", "_"), route.method) for route in ROUTES}
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


def with_names(schema: Any, name: str = "") -> Any:
    """Return the same, where a text of any form is mostly a name that is registered: else no request gets far."""
    if schema == {"type": "string"}:
        return {**schema, "format": next((known for known in NAMES if name.endswith(known)), "name")}
    if isinstance(schema, Mapping):
        called = schema.get("name", name)
        return {key: with_names(value, called if key == "schema" else key) for key, value in schema.items()}
    return [with_names(each) for each in schema] if isinstance(schema, list) else schema


@Request.application
def app(request: Request) -> Response:
    """Return the handlers, for whom schemathesis sends to."""
    headers = {"accept": "application/json", "content-type": request.content_type or ""}
    answer = API.request(request.method, request.environ["REQUEST_URI"], request.get_data(), headers)
    return Response(answer.body, answer.status, answer.headers)


def schema() -> schemathesis.BaseSchema:
    schemathesis.openapi.format("int64", st.integers(-(2**63), 2**63 - 1).map(str))
    schemathesis.openapi.format("uint64", st.integers(0, 2**64 - 1).map(str))
    for name, known in NAMES.items():
        schemathesis.openapi.format(name, st.sampled_from(known) | st.sampled_from(known) | st.text(max_size=12))
    loaded = schemathesis.openapi.from_dict(with_names(DOCUMENT))
    loaded.app = app
    loaded.config.checks.not_a_server_error.expected_statuses = ["2xx", "3xx", "4xx", "503"]  # a database that is busy
    loaded.config.phases.coverage.enabled = False  # flyteidl's messages hold each other: it would take minutes
    return loaded.include(func=lambda it: (it.operation.method.upper(), it.operation.path) in TEMPLATES)


@pytest.mark.usefixtures("aws")
@schema().parametrize()
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_whatever_is_sent_gets_an_answer_that_the_document_names(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(checks=CHECKS)
