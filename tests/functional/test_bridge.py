"""gRPC clients through a real bridge to the real handlers, with what can go wrong in between."""

import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import CredentialRetrievalError
from flyteidl.admin.common_pb2 import ObjectGetRequest, ResourceListRequest
from flyteidl.admin.event_pb2 import EventFailureReason
from flyteidl.admin.execution_pb2 import (
    Execution,
    ExecutionCreateRequest,
    ExecutionList,
    ExecutionRecoverRequest,
    ExecutionRelaunchRequest,
    WorkflowExecutionGetRequest,
)
from flyteidl.admin.project_pb2 import ProjectListRequest, Projects
from flyteidl.admin.task_pb2 import Task, TaskCreateRequest, TaskList
from flyteidl.core.identifier_pb2 import TASK
from flyteidl.core.tasks_pb2 import RuntimeMetadata, TaskTemplate
from flyteidl.service import admin_pb2, auth_pb2, dataproxy_pb2, identity_pb2, signal_pb2
from flytekit.clients.friendly import SynchronousFlyteClient
from flytekit.configuration import PlatformConfig
from flytekit.exceptions.user import FlyteEntityNotExistException
from flytekit.models.core.identifier import WorkflowExecutionIdentifier as FlyteExecutionId
from google.protobuf.any_pb2 import Any as Packed
from google.rpc.status_pb2 import Status
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_reflection.v1alpha import reflection_pb2

from bridge.answers import OCTETS
from bridge.service import rpcs
from bridge.settings import Settings
from bridge.signing import Signer
from flyteadmin.api.status import CUT
from flyteadmin.errors import Code
from local.aws.client import Response
from local.aws.data import DataAccount as Aws
from local.bridge import free_port
from tests.builders import execution_id, stored_execution
from tests.grpc_stack import Client, Gateway, Refused, bridge, client, gateway, hangs_up, loses_the_answer, refuses

SERVICES = (admin_pb2, signal_pb2, dataproxy_pb2, identity_pb2, auth_pb2)
UNAVAILABLE = refuses(503, b'{"message":"Service Unavailable"}')
ABSENT = WorkflowExecutionGetRequest(id=execution_id("absent"))
PROJECTS = ProjectListRequest(limit=1)
CREATE = ExecutionCreateRequest(project="flytesnacks", domain="development")
KEYED = {
    "CreateExecution": CREATE,
    "RelaunchExecution": ExecutionRelaunchRequest(id=execution_id()),
    "RecoverExecution": ExecutionRecoverRequest(id=execution_id()),
}


@pytest.fixture
def api(aws: Aws) -> Iterator[Gateway]:
    with gateway() as state:
        yield state


@pytest.fixture
def flyte(api: Gateway) -> Iterator[Client]:
    with client(Settings(api_url=api.url, listen="127.0.0.1:0", drain_seconds=1)) as opened:
        yield opened


def described() -> list[str]:
    """Each unary method of the five services, as their descriptors have it."""
    services = [each for module in SERVICES for each in module.DESCRIPTOR.services_by_name.values()]
    unary = [each for service in services for each in service.methods if not each.server_streaming]
    return [f"/{method.containing_service.full_name}/{method.name}" for method in unary]


def test_every_rpc_answers_with_a_known_code(flyte: Client) -> None:
    """Asked with nothing, and with bytes that are no message."""
    answers = {path: {flyte.code(path, request) for request in (b"", b"\xff")} for path in described()}
    known = {Code.OK, Code.INVALID_ARGUMENT, Code.UNIMPLEMENTED, Code.NOT_FOUND}
    assert {path: codes for path, codes in answers.items() if not codes <= known} == {}
    assert len(answers) == 66
    assert set(answers) == {rpc.path for rpc in rpcs()}


def test_a_method_that_no_service_has(flyte: Client) -> None:
    assert flyte.code("/flyteidl.service.AdminService/Nothing", b"") is Code.UNIMPLEMENTED


def test_a_status_arrives_in_the_trailers(flyte: Client) -> None:
    with pytest.raises(Refused) as raised:
        flyte.call("GetExecution", ABSENT, x_request_id="r-1")
    refused = raised.value
    assert (refused.code, refused.trailers["x-request-id"]) == (Code.NOT_FOUND, "r-1")
    assert "absent" in refused.message


FLYTEKIT = [("grpc.max_metadata_size", 32 * 1024)]
GO = [("grpc.primary_user_agent", "grpc-go/1.65.0"), ("grpc.max_metadata_size", 16 * 1024 * 1024)]


@pytest.mark.conformance("ERR-02", "ERR-11")
@pytest.mark.parametrize("options", [[], FLYTEKIT, GO], ids=["python", "flytekit", "go"])
@pytest.mark.parametrize("piece", ["x", "a line\n", "é%"])
@pytest.mark.parametrize("has_details", [False, True])
def test_a_refusal_of_any_length_arrives(
    api: Gateway, options: list[tuple[str, str | int]], piece: str, has_details: bool
) -> None:
    detail = Packed()
    detail.Pack(EventFailureReason())
    with (
        bridge(Settings(api_url=api.url, listen="127.0.0.1:0")) as address,
        grpc.insecure_channel(address, options) as channel,
    ):
        for length in (0, 100, 3_000, 7_000, 8_000, 10_000, 16_000, 17_000, 24_000, 32_000):
            said = Status(code=Code.INVALID_ARGUMENT, message=(piece * length)[:length], details=[detail] * has_details)
            api.faults.append(refuses(400, said.SerializeToString(), **{"content-type": OCTETS}))
            with pytest.raises(Refused) as raised:
                Client(channel).call("CreateWorkflow", b"", x_request_id="r" * 128)
            told = raised.value
            assert (told.code, told.trailers["x-request-id"]) == (Code.INVALID_ARGUMENT, "r" * 128), (length, told)
            assert said.message.startswith(told.message.removesuffix(CUT)), length
            assert told.message == said.message or len(told.message) > 1_000
            assert (told.status is not None) == has_details


def test_answers_arrive_whole(flyte: Client) -> None:
    stored_execution("run")
    one = flyte.call("GetExecution", WorkflowExecutionGetRequest(id=execution_id()))
    assert Execution.FromString(one).id == execution_id()
    listed = flyte.call(
        "ListExecutions", ResourceListRequest(id={"project": "flytesnacks", "domain": "development"}, limit=1)
    )
    assert [each.id for each in ExecutionList.FromString(listed).executions] == [execution_id()]


@pytest.mark.conformance("VAL-07")
def test_a_version_that_a_path_would_split_is_read_back(flyte: Client) -> None:
    """Upstream takes any version (VAL-07), and CI names them after branches."""
    identifier = {"resource_type": TASK, "project": "flytesnacks", "domain": "development", "name": "a/b"}
    task = TaskTemplate(
        id={**identifier, "version": "feature/x"},
        type="container",
        interface={},
        container={"image": "python:3.12"},
        metadata={"runtime": {"type": RuntimeMetadata.FLYTE_SDK, "version": "1"}},
    )
    flyte.call("CreateTask", TaskCreateRequest(id=task.id, spec={"template": task}))
    assert Task.FromString(flyte.call("GetTask", ObjectGetRequest(id=task.id))).id == task.id
    named = ResourceListRequest(id={name: identifier[name] for name in ("project", "domain", "name")}, limit=1)
    assert [each.id for each in TaskList.FromString(flyte.call("ListTasks", named)).tasks] == [task.id]


def test_flytekit_is_served(api: Gateway) -> None:
    with bridge(Settings(api_url=api.url, listen="127.0.0.1:0")) as address:
        flytekit = SynchronousFlyteClient(PlatformConfig(endpoint=address, insecure=True))
        projects, _ = flytekit.list_projects_paginated(limit=5)
        assert [project.id for project in projects] == ["flytesnacks"]
        with pytest.raises(FlyteEntityNotExistException):
            flytekit.get_execution(FlyteExecutionId("flytesnacks", "development", "absent"))
        assert len([seen for seen in api.seen if "absent" in seen.target]) == 4  # its own four attempts


def test_calls_are_signed_and_carry_the_callers_request_id(flyte: Client, api: Gateway) -> None:
    flyte.call("ListProjects", PROJECTS, x_request_id="r-1")
    [seen] = api.seen
    assert seen.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=")
    assert "/execute-api/aws4_request" in seen.headers["authorization"]
    assert (seen.headers["x-request-id"], seen.headers["accept"]) == ("r-1", OCTETS)


def test_what_a_caller_says_of_itself_goes_no_further(flyte: Client, api: Gateway) -> None:
    said = {"x_flyteadmin_principal": "eve", "idempotency_key": "k", "cookie": "c", "x_forwarded_for": "10.0.0.1"}
    flyte.call("ListProjects", PROJECTS, timeout=10, x_request_id="no id " * 9, **said)
    [seen] = api.seen
    assert {name.replace("_", "-") for name in said}.isdisjoint(seen.headers)
    assert seen.headers["x-request-id"].startswith("b-")


def test_metadata_too_large_for_anything(flyte: Client, api: Gateway) -> None:
    assert flyte.code("ListProjects", PROJECTS, authorization="x" * 100_000) is Code.RESOURCE_EXHAUSTED
    assert api.seen == []


@pytest.mark.parametrize("seconds", [0.0, 0.001])
def test_a_deadline_that_nobody_can_meet(flyte: Client, seconds: float) -> None:
    assert flyte.code("ListProjects", PROJECTS, timeout=seconds) is Code.DEADLINE_EXCEEDED
    assert flyte.code("ListProjects", PROJECTS) is Code.OK


@pytest.mark.parametrize(("seconds", "arrival", "code"), [(0, 30, Code.INVALID_ARGUMENT), (30, 0.2, Code.UNAVAILABLE)])
def test_a_message_that_does_not_come(api: Gateway, seconds: float, arrival: float, code: Code) -> None:
    enough = threading.Event()

    def nothing() -> Iterator[bytes]:
        enough.wait(seconds)
        yield from ()

    settings = Settings(api_url=api.url, listen="127.0.0.1:0", arrival_seconds=arrival, drain_seconds=1)
    with bridge(settings) as address, grpc.insecure_channel(address) as channel:
        method: grpc.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(rpcs()[0].path)
        assert method.future(nothing(), timeout=10).code().value[0] == code
        enough.set()


def test_credentials_that_can_not_be_had_for_a_while(api: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fails(Credentials):
        times = 5

        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            if self.times:
                self.times -= 1
                raise CredentialRetrievalError(provider="sts", error_msg="on purpose")
            return super().get_frozen_credentials()

    monkeypatch.setattr(Signer, "of_process", lambda: Signer(Fails("a", "s"), "us-east-1"))
    with client(Settings(api_url=api.url, listen="127.0.0.1:0")) as flyte:
        assert flyte.code("ListProjects", PROJECTS) is Code.UNAVAILABLE
        assert api.seen == []
        assert flyte.code("ListProjects", PROJECTS) is Code.OK


def test_a_bearer_is_passed_on_where_the_api_reads_tokens(api: Gateway) -> None:
    with client(Settings(api_url=api.url, listen="127.0.0.1:0", api_auth="bearer")) as flyte:
        flyte.call("ListProjects", PROJECTS, authorization="Bearer t")
        flyte.call("ListProjects", PROJECTS, flyte_authorization="Bearer t")
        assert [seen.headers["authorization"] for seen in api.seen] == ["Bearer t"] * 2
        api.faults[:] = [refuses(401, b'{"message":"Unauthorized"}')]
        assert flyte.code("ListProjects", PROJECTS) is Code.UNAUTHENTICATED
        assert "authorization" not in api.seen[-1].headers


def test_a_large_answer_is_fetched_from_where_it_lies(flyte: Client, api: Gateway) -> None:
    large = Projects(token="x" * 3_000_000).SerializeToString()
    api.faults += [
        refuses(303, location=f"{api.url}/answers/1?X-Amz-Signature=s"),
        lambda _: Response(200, {"content-type": OCTETS}, large),
    ]
    assert flyte.call("ListProjects", PROJECTS) == large
    followed = api.seen[-1]
    assert (followed.target, "authorization" in followed.headers) == ("/answers/1?X-Amz-Signature=s", False)


def test_a_fault_that_passes_is_met_with_the_same_call(flyte: Client, api: Gateway) -> None:
    api.faults += [UNAVAILABLE, hangs_up]
    assert flyte.code("GetExecution", ABSENT) is Code.NOT_FOUND
    assert len({(seen.target, seen.headers["x-request-id"]) for seen in api.seen}) == 1
    assert len(api.seen) >= 3


def test_a_fault_that_lasts(flyte: Client, api: Gateway) -> None:
    api.faults += [UNAVAILABLE] * 4
    assert flyte.code("GetExecution", ABSENT) is Code.UNAVAILABLE
    assert len(api.seen) == 4


@pytest.mark.parametrize("name", KEYED)
def test_a_create_is_one_call_however_often_it_is_sent(flyte: Client, api: Gateway, name: str) -> None:
    api.faults += [UNAVAILABLE, loses_the_answer, hangs_up, UNAVAILABLE, UNAVAILABLE]
    assert flyte.code(name, KEYED[name], timeout=20) in {Code.INVALID_ARGUMENT, Code.NOT_FOUND}
    keys = {seen.headers["idempotency-key"] for seen in api.seen}
    assert (len(api.seen), len(keys)) == (6, 1)
    assert all(keys)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("CreateExecution", Code.INTERNAL),
        ("RecoverExecution", Code.INTERNAL),
        ("RelaunchExecution", Code.UNAVAILABLE),
    ],
)
def test_a_create_whose_time_is_up_keeps_its_key(api: Gateway, name: str, code: Code) -> None:
    api.faults += [UNAVAILABLE] * 100
    with client(Settings(api_url=api.url, listen="127.0.0.1:0", patience_seconds=0.5)) as flyte:
        assert flyte.code(name, KEYED[name], timeout=None) is code
        assert flyte.code(name, KEYED[name], timeout=0.8) is code  # flytekit's next attempt
        same = {seen.headers["idempotency-key"] for seen in api.seen}
        flyte.code(name, b"", timeout=None)
        others = {seen.headers["idempotency-key"] for seen in api.seen} - same
    assert (len(same), len(others)) == (1, 1)


def test_a_create_that_its_caller_gave_up_keeps_its_key(flyte: Client, api: Gateway) -> None:
    api.faults += [UNAVAILABLE] * 100
    for _ in range(2):
        api.seen.clear()
        call = flyte.begin("CreateExecution", CREATE)
        while len(api.seen) < 2:
            assert not call.done()
        call.cancel()
    api.faults.clear()
    flyte.code("CreateExecution", CREATE)
    assert len({seen.headers["idempotency-key"] for seen in api.seen}) == 1


def test_each_create_that_was_answered_has_a_key_of_its_own(flyte: Client, api: Gateway) -> None:
    api.faults += [lambda _: Response(200, {"content-type": OCTETS}, b"")] * 2
    for _ in range(2):
        flyte.call("CreateExecution", CREATE)
    assert len({uuid.UUID(seen.headers["idempotency-key"]) for seen in api.seen}) == 2


def test_a_request_too_large_for_anything(flyte: Client) -> None:
    with pytest.raises(Refused, match="message larger than max") as raised:
        flyte.call("CreateTask", b"x" * 5_000_000)
    assert raised.value.code is Code.RESOURCE_EXHAUSTED


def test_health(flyte: Client) -> None:
    check = "/grpc.health.v1.Health/Check"
    for service in ("", "flyteadmin", "flyteidl.service.AdminService", "flyteidl.service.AuthMetadataService"):
        answer = HealthCheckResponse.FromString(flyte.call(check, HealthCheckRequest(service=service)))
        assert answer.status == HealthCheckResponse.SERVING
    assert flyte.code(check, HealthCheckRequest(service="nothing")) is Code.NOT_FOUND


def test_reflection_knows_every_service(flyte: Client) -> None:
    names = sorted({rpc.service for rpc in rpcs()})
    asked = [reflection_pb2.ServerReflectionRequest(list_services="")]
    asked += [reflection_pb2.ServerReflectionRequest(file_containing_symbol=name) for name in names]
    stream = flyte.channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    services, *files = stream(iter(asked), timeout=10)
    assert {each.name for each in services.list_services_response.service} >= set(names)
    assert all(answer.file_descriptor_response.file_descriptor_proto for answer in files)


def test_metrics_count_calls_by_code(api: Gateway) -> None:
    port = free_port()
    settings = Settings(api_url=api.url, listen="127.0.0.1:0", metrics_listen=f"127.0.0.1:{port}")
    with client(settings) as flyte:
        flyte.code("GetExecution", ABSENT)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
            assert answer.status == 200
        rebound = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(rebound, timeout=10)
    assert 'flyteadmin_bridge_calls_total{code="NOT_FOUND",rpc="GetExecution"}' in text


def test_a_drained_bridge_lets_calls_end(api: Gateway) -> None:
    begun = threading.Event()

    def slow(_: object) -> Response:
        begun.set()
        time.sleep(0.5)
        return Response(200, {"content-type": OCTETS}, b"")

    api.faults.append(slow)
    with (
        ThreadPoolExecutor() as threads,
        grpc.insecure_channel(f"127.0.0.1:{(port := free_port())}") as channel,
    ):
        with bridge(Settings(api_url=api.url, listen=f"127.0.0.1:{port}", drain_seconds=10)):
            answer = threads.submit(Client(channel).call, "ListProjects", PROJECTS)
            assert begun.wait(10)
        assert answer.result() == b""
