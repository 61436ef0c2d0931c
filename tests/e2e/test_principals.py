"""Tests the principal of an execution: the bridge's caller, believed from the bridge's role alone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

import grpc
import pytest
from flyteidl.admin.event_pb2 import WorkflowExecutionEventRequest
from flyteidl.admin.execution_pb2 import (
    Execution,
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionSpec,
    WorkflowExecutionGetRequest,
)
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier, WorkflowExecutionIdentifier
from flyteidl.event.event_pb2 import WorkflowExecutionEvent
from google.protobuf.json_format import MessageToJson

from flyteadmin.api.identity import PRINCIPAL_HEADER
from local import bridge
from local.admin import Admin
from local.aws.client import REGION, HttpApi
from local.callers import ACCOUNT, user
from local.stack import DOMAIN, PROJECT, ROOT, Stack
from tests.flytekit_registration import register
from tests.grpc_stack import Client
from tests.issuer import issuing
from tests.workflows import ECHOED_REPORT

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]


@pytest.fixture(scope="module")
def request_(stack: Stack) -> ExecutionCreateRequest:
    launch_plan = register(stack.admin(), ECHOED_REPORT, PROJECT, DOMAIN, "principals").launch_plan
    request = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, spec=ExecutionSpec(launch_plan=launch_plan))
    request.inputs.literals["symbol"].scalar.primitive.string_value = "ACME"
    return request


def principal(stack: Stack, identifier: WorkflowExecutionIdentifier) -> str:
    execution = stack.admin().call("GetExecution", WorkflowExecutionGetRequest(id=identifier), Execution)
    return execution.spec.metadata.principal


@contextmanager
def client(address: str) -> Iterator[Client]:
    with grpc.insecure_channel(address) as channel:
        yield Client(channel)


def created(flyte: Client, request: ExecutionCreateRequest, **metadata: str) -> WorkflowExecutionIdentifier:
    answer = flyte.call("CreateExecution", request, timeout=60, **metadata)
    return ExecutionCreateResponse.FromString(answer).id


def test_the_subject_of_a_token_that_the_bridge_has_verified(
    stack: Stack, request_: ExecutionCreateRequest, tmp_path: Path
) -> None:
    with issuing() as issuer:
        trusting = {"BRIDGE_TOKEN_ISSUER": issuer.url, "BRIDGE_TOKEN_AUDIENCE": "flyte"}
        environment = {**stack.bridge.environment, **trusting}
        with bridge.running(environment, tmp_path / "log") as another, client(another.address) as flyte:
            identifier = created(flyte, request_, authorization=issuer.token(sub="ada@example.com"))
    assert principal(stack, identifier) == "ada@example.com"


def test_a_caller_on_the_bridges_own_machine_is_the_bridge(stack: Stack, request_: ExecutionCreateRequest) -> None:
    with client(stack.bridge.address) as flyte:
        identifier = created(flyte, request_, **{PRINCIPAL_HEADER: "eve"})
    assert ":assumed-role/bridge/" in principal(stack, identifier)


def test_nobody_else_is_believed(stack: Stack, request_: ExecutionCreateRequest) -> None:
    spoofing = Admin(stack.admin().api, {PRINCIPAL_HEADER: "eve"})
    identifier = spoofing.call("CreateExecution", request_, ExecutionCreateResponse).id
    assert principal(stack, identifier).endswith(":user/data-scientist")


def test_a_parent_lends_its_principal_to_propeller_alone(stack: Stack, request_: ExecutionCreateRequest) -> None:
    """Propeller calls through the bridge; one who names a parent over HTTPS stays who they are."""
    parent = stack.admin().call("CreateExecution", request_, ExecutionCreateResponse).id
    child = ExecutionCreateRequest()
    child.CopyFrom(request_)
    child.spec.metadata.parent_node_execution.CopyFrom(NodeExecutionIdentifier(node_id="n0", execution_id=parent))
    with client(stack.bridge.address) as flyte:
        assert principal(stack, created(flyte, child)).endswith(":user/data-scientist")
    mallory = Admin(HttpApi.at(stack.endpoint, stack.outputs["ApiId"], stack.propeller))
    identifier = mallory.call("CreateExecution", child, ExecutionCreateResponse).id
    assert principal(stack, identifier).endswith(":user/propeller")


def test_a_policy_leaves_events_to_propeller(stack: Stack, request_: ExecutionCreateRequest) -> None:
    names = {"PARTITION": "aws", "REGION": REGION, "ACCOUNT": ACCOUNT, "API": stack.outputs["ApiId"]}
    policy = Template((ROOT / "deploy/policies/caller.json").read_text()).substitute(names)
    person = user(stack.endpoint, "person", json.loads(policy)["Statement"])
    admin = Admin(HttpApi.at(stack.endpoint, stack.outputs["ApiId"], person))
    execution = admin.call("CreateExecution", request_, ExecutionCreateResponse).id
    event = WorkflowExecutionEvent(execution_id=execution, producer_id="propeller", phase=WorkflowExecution.FAILED)
    event.occurred_at.GetCurrentTime()
    body = MessageToJson(WorkflowExecutionEventRequest(event=event)).encode()
    for kind in ("workflows", "nodes", "tasks"):
        answer = admin.api.request("POST", f"/api/v1/events/{kind}", body, {"content-type": "application/json"})
        assert answer.status == 403, kind
