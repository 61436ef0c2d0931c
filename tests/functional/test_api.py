"""API Gateway events through `api_handler`, as a function's handler uses it."""

import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Mapping
from urllib.parse import quote, unquote

import pytest
from flyteidl.admin.common_pb2 import ResourceListRequest
from flyteidl.admin.event_pb2 import EventFailureReason
from flyteidl.admin.execution_pb2 import (
    Execution,
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionList,
    ExecutionTerminateRequest,
    ExecutionTerminateResponse,
    WorkflowExecutionGetRequest,
)
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from flyteadmin import settings
from flyteadmin.api.handler import ApiHandler, ApiResponse, WithCaller, api_handler, healthcheck
from flyteadmin.api.identity import Identity
from flyteadmin.api.routes import segment
from flyteadmin.errors import Code, FailedPrecondition, NotFound, Unauthenticated
from flyteadmin.observability import logger
from tests.infrastructure.template import load
from tests.metrics import measured

BINARY, JSON = "application/octet-stream", "application/json"


def event(
    method: str,
    path: str,
    *,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    body: str | bytes | None = None,
    stage: str = "$default",
    authorizer: Mapping[str, object] | None = None,
) -> dict[str, object]:
    context: dict[str, object] = {"http": {"method": method, "path": path}, "stage": stage, "requestId": "gw"}
    made: dict[str, object] = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": dict(headers or {}),
        "requestContext": context | ({"authorizer": authorizer} if authorizer else {}),
        "isBase64Encoded": isinstance(body, bytes),
    }
    if body is not None:
        made["body"] = b64encode(body).decode() if isinstance(body, bytes) else body
    return made


class Admin:
    """Stands in for a noun's service: keeps what it was asked, answers what it was told."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.callers: list[Identity] = []
        self.error: Exception | None = None
        self.executions = ExecutionList()

    def _called(self, request: object) -> None:
        self.asked.append(request)
        if self.error:
            raise self.error

    def create(self, request: ExecutionCreateRequest, caller: Identity) -> ExecutionCreateResponse:
        self.callers.append(caller)
        self._called(request)
        answer = ExecutionCreateResponse()
        answer.id.name = "f1é"
        return answer

    def get(self, request: WorkflowExecutionGetRequest) -> Execution:
        self._called(request)
        return Execution(id=request.id)

    def list(self, request: ResourceListRequest) -> ExecutionList:
        self._called(request)
        return self.executions

    def terminate(self, request: ExecutionTerminateRequest, caller: Identity) -> ExecutionTerminateResponse:
        self.callers.append(caller)
        self._called(request)
        return ExecutionTerminateResponse()


@pytest.fixture
def admin() -> Admin:
    return Admin()


@pytest.fixture
def handler(admin: Admin) -> ApiHandler:
    return api_handler(
        {
            "CreateExecution": WithCaller(admin.create),
            "GetExecution": admin.get,
            "ListExecutions": admin.list,
            "TerminateExecution": WithCaller(admin.terminate),
        },
        pages={"/healthcheck": healthcheck},
    )


def status_in(response: ApiResponse) -> Status:
    if response["isBase64Encoded"]:
        return Status.FromString(b64decode(response["body"]))
    answer = json.loads(response["body"])
    assert set(answer) == {"code", "message", "details"}
    return Status(code=answer["code"], message=answer["message"])


@pytest.mark.conformance("ERR-07")
def test_protobuf_in_and_out_as_the_console_and_the_bridge_speak(handler: ApiHandler, admin: Admin) -> None:
    request = ExecutionCreateRequest(project="p", domain="d")
    response = handler(
        event(
            "POST",
            "/api/v1/executions",
            headers={"Content-Type": BINARY, "Accept": BINARY},
            body=request.SerializeToString(),
        ),
        None,
    )
    assert (response["statusCode"], response["headers"]["content-type"]) == (200, BINARY)
    assert response["isBase64Encoded"]
    assert ExecutionCreateResponse.FromString(b64decode(response["body"])).id.name == "f1é"
    assert admin.asked == [request]


@pytest.mark.conformance("ERR-07")
def test_json_in_and_out(handler: ApiHandler, admin: Admin) -> None:
    headers = {"content-type": JSON}
    response = handler(event("POST", "/api/v1/executions", headers=headers, body='{"project":"é"}'), None)
    assert (response["statusCode"], response["headers"]["content-type"]) == (200, JSON)
    assert json.loads(response["body"]) == {"id": {"project": "", "domain": "", "name": "f1é", "org": ""}}
    assert admin.asked == [ExecutionCreateRequest(project="é")]


def test_json_in_base64_is_the_same(handler: ApiHandler, admin: Admin) -> None:
    handler(event("POST", "/api/v1/executions", headers={"content-type": JSON}, body=b'{"project":"p"}'), None)
    assert admin.asked == [ExecutionCreateRequest(project="p")]


@pytest.mark.conformance("ERR-09")
def test_the_query_is_read_raw(handler: ApiHandler, admin: Admin) -> None:
    query = "filters=value_in(phase,1;2)%2Beq(a,b)&limit=100&sort_by.key=created_at&token="
    response = handler(event("GET", "/api/v1/executions/p/d", query=query), None)
    assert response["statusCode"] == 200
    (request,) = admin.asked
    assert isinstance(request, ResourceListRequest)
    assert request.filters == "value_in(phase,1;2)+eq(a,b)"
    assert (request.id.project, request.limit, request.sort_by.key) == ("p", 100, "created_at")


def test_a_stage_is_no_part_of_the_path(handler: ApiHandler, admin: Admin) -> None:
    assert handler(event("GET", "/v1/api/v1/executions/p/d/n", stage="v1"), None)["statusCode"] == 200
    assert handler(event("GET", "/api/v1/executions/p/d/n", stage="api"), None)["statusCode"] == 404
    assert handler(event("GET", "/v1", stage="v1"), None)["statusCode"] == 404
    assert len(admin.asked) == 1


@pytest.mark.parametrize("name", ["100%41 é", "a?b", "a#b", "feature/x", "..", "a b", "ünï", "base64:eA", "a+b", ""])
def test_any_name_reaches_its_function_however_a_gateway_decodes(handler: ApiHandler, admin: Admin, name: str) -> None:
    path = f"/api/v1/executions/p/d/{segment(name)}"
    assert path == unquote(path) == quote(path, safe="/:")
    handler(event("GET", path), None)
    (request,) = admin.asked
    assert isinstance(request, WorkflowExecutionGetRequest)
    assert request.id.name == name


@pytest.mark.parametrize("name", ["a%253Fb", "100%2541", "100%41", "a?b", "a%3Fb", "a%23b", "a%0Ab"])
def test_a_name_that_gateways_read_differently_has_to_be_written_in_base64(
    handler: ApiHandler, admin: Admin, name: str
) -> None:
    response = handler(event("GET", f"/api/v1/executions/p/d/{name}"), None)
    assert response["statusCode"] == 400
    assert "base64" in status_in(response).message
    assert not admin.asked


def test_a_delete_takes_its_body_and_the_path(handler: ApiHandler, admin: Admin) -> None:
    body = ExecutionTerminateRequest(cause="stop").SerializeToString()
    handler(event("DELETE", "/api/v1/executions/p/d/n", headers={"content-type": BINARY}, body=body), None)
    (request,) = admin.asked
    assert isinstance(request, ExecutionTerminateRequest)
    assert (request.id.name, request.cause) == ("n", "stop")


@pytest.mark.conformance("ERR-08")
@pytest.mark.parametrize(
    ("method", "path", "http", "code", "message"),
    [
        ("GET", "/api/v1/nope", 404, Code.NOT_FOUND, "Not Found"),
        ("GET", "/", 404, Code.NOT_FOUND, "Not Found"),
        ("PATCH", "/api/v1/executions/p/d/n", 501, Code.UNIMPLEMENTED, "Method Not Allowed"),
        ("HEAD", "/api/v1/projects", 501, Code.UNIMPLEMENTED, "Method Not Allowed"),
    ],
)
@pytest.mark.parametrize("form", [BINARY, JSON, "*/*"])
def test_unknown_paths_and_methods(method: str, path: str, http: int, code: Code, message: str, form: str) -> None:
    response = api_handler({})(event(method, path, headers={"accept": form}), None)
    assert response["statusCode"] == http
    assert response["headers"]["content-type"] == (BINARY if form == BINARY else JSON)
    assert status_in(response) == Status(code=code, message=message)


@pytest.mark.parametrize("path", ["/me", "/config/v1/flyte_client", "/.well-known/oauth-authorization-server"])
def test_an_rpc_that_nobody_claims_is_unimplemented(path: str) -> None:
    response = api_handler({})(event("GET", path), None)
    assert response["statusCode"] == 501
    assert status_in(response).code == Code.UNIMPLEMENTED


@pytest.mark.conformance("ERR-06")
def test_errors_carry_their_details_in_the_negotiated_form(handler: ApiHandler, admin: Admin) -> None:
    reason = EventFailureReason()
    reason.already_in_terminal_state.current_phase = "FAILED"
    admin.error = FailedPrecondition("ended", reason)

    binary = handler(event("GET", "/api/v1/executions/p/d/n", headers={"accept": BINARY}), None)
    text = handler(event("GET", "/api/v1/executions/p/d/n"), None)

    assert (binary["statusCode"], text["statusCode"]) == (400, 400)
    (detail,) = status_in(binary).details
    assert detail.type_url.endswith("flyteidl.admin.EventFailureReason")
    assert json.loads(text["body"])["details"] == [
        {
            "@type": "type.googleapis.com/flyteidl.admin.EventFailureReason",
            "alreadyInTerminalState": {"currentPhase": "FAILED"},
        }
    ]


@pytest.mark.conformance("ERR-06")
def test_an_unknown_caller_is_told_how_to_authenticate(handler: ApiHandler, admin: Admin) -> None:
    admin.error = Unauthenticated("token\r\nexpired é")
    response = handler(event("GET", "/api/v1/executions/p/d/n"), None)
    assert response["statusCode"] == 401
    assert response["headers"]["www-authenticate"] == "token expired ?"


@pytest.mark.conformance("ERR-01", "ERR-03")
def test_a_crash_tells_the_client_the_request_id_and_the_log_the_cause(
    handler: ApiHandler, admin: Admin, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    admin.error = RuntimeError("the cause")
    with caplog.at_level(logging.ERROR):
        response = handler(event("GET", "/api/v1/executions/p/d/n", headers={"X-Request-Id": "r1"}), None)
    admin.error = None

    assert response["statusCode"] == 500
    assert status_in(response) == Status(code=Code.INTERNAL, message="internal error, request id r1")
    assert "the cause" not in response["body"]
    assert any(record.exc_info and "the cause" in str(record.exc_info[1]) for record in caplog.records)
    about = {"request_id": "r1", "rpc": "GetExecution", "path": "/api/v1/executions/p/d/n"}
    assert about.items() <= logger.get_current_keys().items(), "what to look for"
    assert handler(event("GET", "/api/v1/executions/p/d/n"), None)["statusCode"] == 200


def test_who_watches_the_stack_hears_of_internal_errors(
    handler: ApiHandler, admin: Admin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A crash that is answered is none of the function's own errors: it has a metric, and that an alarm."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")
    settings.environment.cache_clear()
    admin.error = NotFound("no such execution")
    handler(event("GET", "/api/v1/executions/p/d/n"), None)
    assert measured(capsys.readouterr().out) == []
    admin.error = RuntimeError("the cause")
    handler(event("GET", "/api/v1/executions/p/d/n"), None)
    admin.error = None
    settings.environment.cache_clear()
    assert measured(capsys.readouterr().out) == [("stack", {"InternalErrors": 1})]
    alarms = load().resources("AWS::CloudWatch::Alarm")
    assert [name for name, alarm in alarms if alarm["MetricName"] == "InternalErrors"] == ["InternalErrorsAlarm"]


@pytest.mark.conformance("ERR-13")
def test_a_request_id_is_taken_over_or_made(handler: ApiHandler) -> None:
    path = "/api/v1/executions/p/d/n"
    assert handler(event("GET", path, headers={"x-request-id": "r-1"}), None)["headers"]["x-request-id"] == "r-1"
    made = [handler(event("GET", path), None)["headers"]["x-request-id"] for _ in range(2)]
    assert all(len(request_id) == 22 and request_id.startswith("a-") for request_id in made)
    assert made[0] != made[1]
    strange = handler(event("GET", path, headers={"x-request-id": "a b\n"}), None)["headers"]["x-request-id"]
    assert strange.startswith("a-")


@pytest.mark.conformance("ERR-13")
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_healthcheck_is_200_and_empty_for_who_claims_it(handler: ApiHandler, method: str) -> None:
    response = handler(event(method, "/healthcheck"), None)
    assert (response["statusCode"], response["body"]) == (200, "")
    assert api_handler({})(event(method, "/healthcheck"), None)["statusCode"] == 404


def test_the_caller_is_who_the_gateway_says(handler: ApiHandler, admin: Admin) -> None:
    authorizer = {"jwt": {"claims": {"sub": "user-1"}, "scopes": None}}
    headers = {"Idempotency-Key": "k"}
    handler(event("DELETE", "/api/v1/executions/p/d/n", authorizer=authorizer, headers=headers), None)
    (caller,) = admin.callers
    assert (caller.principal, caller.idempotency_key) == ("user-1", "k")


@pytest.mark.parametrize("override", ["GET", "DELETE"])
def test_the_method_is_the_one_that_the_gateway_saw(handler: ApiHandler, admin: Admin, override: str) -> None:
    form = {"content-type": "application/x-www-form-urlencoded", "X-HTTP-Method-Override": override}
    sent = event("POST", "/api/v1/executions/p/d/n", headers=form, body=b"limit=5")
    assert handler(sent, None)["statusCode"] == 501
    assert not admin.asked


def test_a_body_above_the_limit_is_resource_exhausted(admin: Admin) -> None:
    small = api_handler({"CreateExecution": WithCaller(admin.create)}, max_bytes=10)
    response = small(event("POST", "/api/v1/executions", body=b"\0" * 11), None)
    assert response["statusCode"] == 429
    assert status_in(response) == Status(code=Code.RESOURCE_EXHAUSTED, message="message larger than max (11 vs. 10)")
    assert not admin.asked


def test_the_limit_is_4_mib_both_ways(handler: ApiHandler, admin: Admin) -> None:
    body = b"\0" * (4 * 1024 * 1024 + 1)
    response = handler(event("POST", "/api/v1/executions", body=body), None)
    assert "4194305 vs. 4194304" in status_in(response).message

    admin.executions.token = "t" * (4 * 1024 * 1024)
    response = handler(event("GET", "/api/v1/executions/p/d", headers={"accept": BINARY}), None)
    assert status_in(response).code == Code.RESOURCE_EXHAUSTED


def test_a_large_answer_is_a_redirect_to_where_it_was_stored(admin: Admin) -> None:
    stored: list[tuple[bytes, str]] = []

    def offload(body: bytes, content_type: str) -> str:
        stored.append((body, content_type))
        return "https://bucket/answer"

    admin.executions.token = "t" * 20
    response = api_handler({"ListExecutions": admin.list}, offload=offload, max_bytes=10)(
        event("GET", "/api/v1/executions/p/d", headers={"accept": BINARY}), None
    )
    assert (response["statusCode"], response["headers"]["location"]) == (303, "https://bucket/answer")
    assert "x-request-id" in response["headers"]
    assert stored == [(admin.executions.SerializeToString(), BINARY)]


def test_large_json_fits_lambda_whatever_has_to_be_escaped(handler: ApiHandler, admin: Admin) -> None:
    admin.executions.token = '"' * (2 * 1024 * 1024 - 100)
    response = handler(event("GET", "/api/v1/executions/p/d"), None)
    assert response["statusCode"] == 200
    assert json.loads(b64decode(response["body"]))["token"] == admin.executions.token
    assert len(json.dumps(response)) < 6 * 1024 * 1024


@pytest.mark.conformance("ERR-08")
@pytest.mark.parametrize(
    ("path", "query", "body", "field"),
    [
        ("/api/v1/executions/p/d", "limit=x", None, "limit"),
        ("/api/v1/executions/p/%ff", "", None, "path"),
        ("/api/v1/executions/p/d", "limit=%f", None, "query"),
    ],
)
def test_bad_input_is_a_400(handler: ApiHandler, path: str, query: str, body: str | None, field: str) -> None:
    response = handler(event("GET", path, query=query, body=body), None)
    assert response["statusCode"] == 400
    assert field in status_in(response).message


def test_a_body_that_is_no_base64_is_a_400(handler: ApiHandler) -> None:
    sent = event("POST", "/api/v1/executions", body="!!") | {"isBase64Encoded": True}
    assert handler(sent, None)["statusCode"] == 400


def test_a_handler_tells_what_it_claims(handler: ApiHandler) -> None:
    assert set(handler.rpcs) == {"CreateExecution", "GetExecution", "ListExecutions", "TerminateExecution"}


METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"])
PATHS = st.sampled_from(["/api/v1/executions", "/api/v1/executions/p/d", "/api/v1/executions/p/d/n"]) | st.text()
TYPES = st.sampled_from([BINARY, JSON, "application/x-www-form-urlencoded", "x"])


@given(METHODS, PATHS, st.text(), TYPES, st.none() | st.text() | st.binary())
def test_no_event_of_a_client_makes_an_error_of_ours(
    method: str, path: str, query: str, content_type: str, body: str | bytes | None
) -> None:
    admin = Admin()
    handler = api_handler(
        {
            "CreateExecution": WithCaller(admin.create),
            "ListExecutions": admin.list,
            "GetExecution": admin.get,
            "TerminateExecution": WithCaller(admin.terminate),
        }
    )
    sent = event(method, path, query=query, headers={"content-type": content_type}, body=body)
    assert handler(sent, None)["statusCode"] in {200, 400, 404, 501}
