"""The routes as they are deployed: each request goes to the function that claims its RPC, the rest to the default."""

import json
import logging
from urllib.parse import quote

import pytest
from flyteidl.admin.common_pb2 import Labels
from flyteidl.admin.project_pb2 import Project, ProjectRegisterRequest, Projects
from flyteidl.admin.workflow_pb2 import CreateWorkflowFailureReason
from google.protobuf.json_format import MessageToJson
from google.rpc.status_pb2 import Status

from flyteadmin.clients.aws import client
from flyteadmin.errors import Code
from local.aws.client import Response
from tests.aws_events import OCTETS
from tests.builders import DOMAIN, PROJECT
from tests.entities import launch_plan_request, task_request, workflow_request
from tests.faults import answering
from tests.in_process import InProcessApi

JSON = {"content-type": "application/json", "accept": "application/json"}
BINARY = {"content-type": OCTETS, "accept": OCTETS}
EXECUTION = f"/api/v1/executions/{PROJECT}/{DOMAIN}/nobodys"


@pytest.fixture
def api() -> InProcessApi:
    return InProcessApi()


def code_of(response: Response) -> tuple[int, Code]:
    return response.status, Code(response.json()["code"])


def register_workflow(api: InProcessApi, headers: dict[str, str] = BINARY) -> Response:
    api.request("POST", "/api/v1/tasks", task_request().SerializeToString(), BINARY)
    body = workflow_request()
    sent = body.SerializeToString() if headers == BINARY else MessageToJson(body).encode()
    return api.request("POST", "/api/v1/workflows", sent, headers)


@pytest.mark.conformance("AUT-09")
@pytest.mark.parametrize("path", ["/me", "/config/v1/flyte_client", "/.well-known/oauth-authorization-server"])
def test_without_authentication_its_metadata_is_unimplemented(api: InProcessApi, path: str) -> None:
    assert code_of(api.request("GET", path)) == (501, Code.UNIMPLEMENTED)


@pytest.mark.conformance("ERR-08")
def test_unknown_paths_and_methods(api: InProcessApi) -> None:
    assert code_of(api.request("GET", "/api/v1/nope")) == (404, Code.NOT_FOUND)
    assert code_of(api.request("PATCH", EXECUTION)) == (501, Code.UNIMPLEMENTED)


@pytest.mark.conformance("ERR-05")
@pytest.mark.usefixtures("aws")
def test_codes_have_the_statuses_of_grpc_gateway(api: InProcessApi) -> None:
    assert register_workflow(api).status == 200
    assert code_of(register_workflow(api, JSON)) == (409, Code.ALREADY_EXISTS)
    assert code_of(api.request("GET", EXECUTION)) == (404, Code.NOT_FOUND)
    assert code_of(api.request("GET", f"/api/v1/executions/{PROJECT}/{DOMAIN}")) == (400, Code.INVALID_ARGUMENT)
    assert code_of(api.request("GET", "/me")) == (501, Code.UNIMPLEMENTED)
    assert code_of(api.request("POST", "/api/v1/tasks", b"\0" * (6 << 20), JSON)) == (429, Code.RESOURCE_EXHAUSTED)
    with answering("dynamodb", "*", "ThrottlingException", 100):
        assert code_of(api.request("GET", EXECUTION)) == (503, Code.UNAVAILABLE)
    with answering("dynamodb", "*", "AccessDeniedException", 1):
        assert code_of(api.request("GET", EXECUTION)) == (500, Code.INTERNAL)


@pytest.mark.conformance("ERR-06")
@pytest.mark.usefixtures("aws")
def test_errors_are_statuses_with_details_in_the_negotiated_form(api: InProcessApi) -> None:
    register_workflow(api)
    text = register_workflow(api, JSON).json()
    assert set(text) == {"code", "message", "details"}
    [detail] = text["details"]
    assert detail["@type"] == "type.googleapis.com/flyteidl.admin.CreateWorkflowFailureReason"
    assert detail["exists_identical_structure"]["id"]["name"] == "doubling"

    status = Status.FromString(register_workflow(api).body)
    reason = CreateWorkflowFailureReason()
    assert (status.code, status.details[0].Unpack(reason)) == (Code.ALREADY_EXISTS, True)
    assert reason.exists_identical_structure.id.name == "doubling"


@pytest.mark.conformance("ERR-01", "ERR-03")
@pytest.mark.usefixtures("aws")
def test_a_crash_is_internal_and_the_function_goes_on(api: InProcessApi, caplog: pytest.LogCaptureFixture) -> None:
    def crash(**_: object) -> None:
        raise RuntimeError("the cause")

    client("dynamodb").meta.events.register("before-call", crash, unique_id="crash")
    with caplog.at_level(logging.ERROR):
        response = api.request("GET", EXECUTION, headers={"x-request-id": "r1"})
    client("dynamodb").meta.events.unregister("before-call", unique_id="crash")
    assert (*code_of(response), response.json()["message"]) == (500, Code.INTERNAL, "internal error, request id r1")
    assert any(record.exc_info and "the cause" in str(record.exc_info[1]) for record in caplog.records)
    assert code_of(api.request("GET", EXECUTION)) == (404, Code.NOT_FOUND)


def identifiers(api: InProcessApi, query: str) -> list[str]:
    response = api.request("GET", f"/api/v1/projects?{query}", headers=BINARY)
    assert response.status == 200, response.body
    return [project.id for project in Projects.FromString(response.body).projects]


@pytest.mark.conformance("ERR-09")
@pytest.mark.usefixtures("aws")
def test_the_query_has_dots_enums_and_encoded_filters(api: InProcessApi) -> None:
    for name in ("alpha", "beta", "gamma"):
        body = ProjectRegisterRequest(project=Project(id=name, name=name))
        assert api.request("POST", "/api/v1/projects", body.SerializeToString(), BINARY).status == 200
    filters = quote("value_in(identifier,alpha;beta;gamma)+ne(name,beta)")
    by_name = f"filters={filters}&limit=10&sort_by.key=identifier&sort_by.direction"
    assert identifiers(api, f"{by_name}=ASCENDING") == ["alpha", "gamma"]
    assert identifiers(api, f"{by_name}=DESCENDING") == ["gamma", "alpha"]
    assert identifiers(api, f"{by_name}=0") == ["gamma", "alpha"]
    unencoded = api.request("GET", "/api/v1/projects?filters=eq(identifier,alpha)+ne(name,beta)&limit=10")
    assert code_of(unencoded)[0] == 400


@pytest.mark.conformance("ERR-13")
@pytest.mark.usefixtures("aws")
def test_a_request_id_a_health_check_and_the_description_of_the_api(api: InProcessApi) -> None:
    assert api.request("GET", EXECUTION, headers={"x-request-id": "r-1"}).headers["x-request-id"] == "r-1"
    made = [api.request("GET", EXECUTION).headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]
    assert all(len(request_id) == 22 and request_id.startswith("a-") for request_id in made)
    healthy = api.request("GET", "/healthcheck")
    assert (healthy.status, healthy.body) == (200, b"")
    described = json.loads(api.request("GET", "/api/v1/openapi").body)
    assert "/api/v1/executions" in described["paths"]


@pytest.mark.conformance("VAL-09")
@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("labels", "taken"),
    [
        ({}, True),
        ({f"example.com/key{number}": "value" for number in range(16)}, True),
        ({f"key{number}": "value" for number in range(17)}, False),
        ({"a key": "value"}, False),
        ({"key": "a value"}, False),
    ],
    ids=["none", "sixteen", "seventeen", "key", "value"],
)
def test_one_rule_for_the_labels_of_projects_and_launch_plans(
    api: InProcessApi, labels: dict[str, str], taken: bool
) -> None:
    register_workflow(api)
    plan = launch_plan_request()
    plan.spec.labels.CopyFrom(Labels(values=labels))
    project = ProjectRegisterRequest(project=Project(id="mine", name="mine", labels=Labels(values=labels)))
    for path, body in (("launch_plans", plan), ("projects", project)):
        response = api.request("POST", f"/api/v1/{path}", body.SerializeToString(), BINARY)
        assert (response.status == 200) is taken
        assert taken or Status.FromString(response.body).code == Code.INVALID_ARGUMENT
