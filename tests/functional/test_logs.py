"""Logs name requests and executions, and neither callers nor what they sent, whatever goes wrong."""

import logging
from collections.abc import Iterator

import pytest
from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionSpec
from flyteidl.admin.launch_plan_pb2 import LaunchPlanCreateResponse
from flyteidl.admin.task_pb2 import TaskCreateResponse
from flyteidl.admin.workflow_pb2 import WorkflowCreateResponse
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.api.routes import routes_of
from flyteadmin.clients import configuration, storage
from flyteadmin.errors import FlyteAdminError
from flyteadmin.observability import logger
from functions.create_execution.handler import lambda_handler as create_execution
from functions.get_executions.handler import lambda_handler as get_executions
from functions.notify.handler import lambda_handler as notify
from functions.process_event.handler import lambda_handler as process_event
from local.admin import Admin
from local.aws.data import DataAccount as Aws
from tests import in_process
from tests.aws_events import PRINCIPAL_ARN, Context, http_event
from tests.builders import DOMAIN, PROJECT, stored_execution
from tests.entities import identifier, integer, launch_plan_request, task_request, workflow_request
from tests.faults import answering
from tests.hostile_requests import plausible

CALLER = "data-scientist"
VALUE = 271828182845
RPCS = sorted({rpc for handler in in_process.handlers().values() for rpc in handler.rpcs})


class _Lines(logging.Handler):
    """Keeps every line with its keys and its traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(logger.registered_formatter)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """The lines of the application's log."""
    handler = _Lines()
    application = logging.getLogger(logger.name)
    application.addHandler(handler)
    try:
        yield handler.lines
    finally:
        application.removeHandler(handler)


def requests_of_everybody(admin: Admin) -> None:
    for rpc in RPCS:
        request = plausible(routes_of(rpc)[0].request_type()())
        if isinstance(request, ExecutionCreateRequest):
            inputs = LiteralMap(literals={"x": integer(VALUE)})
            plan = identifier(LAUNCH_PLAN, "doubling")
            request = ExecutionCreateRequest(
                project=PROJECT, domain=DOMAIN, spec=ExecutionSpec(launch_plan=plan), inputs=inputs
            )
        try:
            admin.send(rpc, request)
        except StopIteration:
            continue  # its path needs a value that no field's name tells


def test_no_line_names_a_caller_or_a_value(aws: Aws, admin: Admin, logged: list[str]) -> None:
    admin.call("CreateTask", task_request(), TaskCreateResponse)
    admin.call("CreateWorkflow", workflow_request(), WorkflowCreateResponse)
    admin.call("CreateLaunchPlan", launch_plan_request("doubling"), LaunchPlanCreateResponse)
    stored_execution()
    requests_of_everybody(admin)
    for operation in ("GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "TransactWriteItems"):
        with answering("dynamodb", operation, "AccessDeniedException", times=10_000):
            requests_of_everybody(admin)
    assert {"refused", "internal error", "AWS refused a call"} <= {
        said for line in logged for said in ("refused", "internal error", "AWS refused a call") if said in line
    }
    assert [line for line in logged if CALLER in line or str(VALUE) in line] == []


def test_a_line_is_found_in_the_gateways_access_log(aws: Aws, logged: list[str]) -> None:
    """The access log has the caller, who is in no line here."""
    event = http_event("GET", "/api/v1/executions/p/d/n", headers={"x-request-id": "mine"})
    context = event["requestContext"]
    assert isinstance(context, dict)
    context["requestId"] = "gateway-17"
    get_executions(event, Context())
    [line] = logged
    assert '"request_id":"mine","gateway_request_id":"gateway-17"' in line


def test_a_request_of_a_strange_form_is_not_quoted() -> None:
    event = http_event("GET", "/api/v1/projects")
    context = event["requestContext"]
    assert isinstance(context, dict)
    del context["http"]
    assert CALLER in str(context)
    with pytest.raises(ValueError, match="http") as raised:
        create_execution(event, Context())
    assert CALLER not in str(raised.value)


@pytest.mark.parametrize("handler", [notify, process_event])
def test_a_record_of_a_strange_form_is_not_quoted(handler: object) -> None:
    assert callable(handler)
    with pytest.raises(ValueError, match="Records") as raised:
        handler({"Records": [PRINCIPAL_ARN]}, Context())
    assert CALLER not in str(raised.value)


def test_the_configurations_values_are_not_quoted(aws: Aws, logged: list[str]) -> None:
    source = storage.uri("config", "flyteadmin.yaml")
    storage.write(b"remoteData: {maxSizeInBytes: hunter2}", source)
    with pytest.raises(FlyteAdminError):
        configuration._read(source, None)
    [line] = logged
    assert "maxSizeInBytes" in line or "max_size_in_bytes" in line
    assert "hunter2" not in line
