"""UpdateExecution through the real handler: archived and taken back, whatever else happens to the execution."""

import pytest
from flyteidl.admin.common_pb2 import NamedEntityIdentifier, ResourceListRequest
from flyteidl.admin.execution_pb2 import (
    EXECUTION_ACTIVE,
    EXECUTION_ARCHIVED,
    Execution,
    ExecutionList,
    ExecutionUpdateRequest,
    ExecutionUpdateResponse,
    WorkflowExecutionGetRequest,
)
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier

from flyteadmin.errors import Code, InvalidArgument
from flyteadmin.executions import service
from functions.process_event.handler import lambda_handler as process_event
from local.admin import Admin, CallFailed
from tests import in_process
from tests.aws_events import PRINCIPAL_ARN, Context, batch, queue_record
from tests.builders import CREATED_AT, DOMAIN, PROJECT, execution_id, message_body, stored_execution, workflow_event

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def admin() -> Admin:
    return in_process.admin()


def update(admin: Admin, state: int = EXECUTION_ARCHIVED, name: str = "run") -> None:
    request = ExecutionUpdateRequest(id=execution_id(name), state=state)  # type: ignore[arg-type]  # any number
    admin.call("UpdateExecution", request, ExecutionUpdateResponse)


def get(admin: Admin) -> Execution:
    return admin.call("GetExecution", WorkflowExecutionGetRequest(id=execution_id()), Execution)


def listed(admin: Admin) -> list[str]:
    scope = NamedEntityIdentifier(project=PROJECT, domain=DOMAIN)
    found = admin.call("ListExecutions", ResourceListRequest(id=scope, limit=10), ExecutionList)
    return [each.id.name for each in found.executions]


@pytest.mark.conformance("UPD-01", "UPD-02", "UPD-06", "AUT-04")
def test_an_archived_execution_is_hidden_from_lists_until_it_is_taken_back(admin: Admin) -> None:
    stored_execution()
    update(admin)
    change = get(admin).closure.state_change_details
    assert (change.state, change.principal) == (EXECUTION_ARCHIVED, PRINCIPAL_ARN)
    assert change.occurred_at.ToNanoseconds() > CREATED_AT
    assert listed(admin) == []
    update(admin, EXECUTION_ACTIVE)
    assert get(admin).closure.state_change_details.state == EXECUTION_ACTIVE
    assert listed(admin) == ["run"]


@pytest.mark.conformance("UPD-03", "UPD-06", "KD-04")
def test_an_archived_execution_goes_on(admin: Admin) -> None:
    stored_execution()
    for sequence, phase in enumerate(("RUNNING", "SUCCEEDING", "SUCCEEDED"), 1):
        update(admin)
        record = queue_record(message_body(workflow_event(phase, sequence)), sequence)
        assert process_event(batch([record]), Context()) == {"batchItemFailures": []}
    closure = get(admin).closure
    assert closure.phase == WorkflowExecution.SUCCEEDED
    assert closure.state_change_details.state == EXECUTION_ARCHIVED


@pytest.mark.conformance("UPD-04", "UPD-05")
def test_the_same_again_refreshes_when_and_not_the_execution(admin: Admin) -> None:
    stored_execution()
    update(admin)
    first = get(admin).closure
    update(admin)
    second = get(admin).closure
    assert (
        second.state_change_details.occurred_at.ToNanoseconds() > first.state_change_details.occurred_at.ToNanoseconds()
    )
    assert second.updated_at == first.updated_at


@pytest.mark.conformance("UPD-04")
def test_a_state_that_does_not_exist_is_named(admin: Admin) -> None:
    stored_execution()
    with pytest.raises(CallFailed, match="invalid value for state") as failure:
        update(admin, 7)
    assert failure.value.code == Code.INVALID_ARGUMENT


@pytest.mark.conformance("UPD-05")
def test_what_does_not_exist_is_not_found_and_not_made(admin: Admin) -> None:
    for _ in range(2):
        with pytest.raises(CallFailed) as failure:
            update(admin, name="nobody")
        assert failure.value.code == Code.NOT_FOUND
    assert listed(admin) == []


@pytest.mark.conformance("UPD-05", "VAL-03")
@pytest.mark.parametrize("field", ["project", "domain", "name"])
def test_a_missing_part_of_the_identifier_is_named(field: str) -> None:
    identifier = WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name="run")
    identifier.ClearField(field)
    with pytest.raises(InvalidArgument, match=f"missing {field}"):
        service.update(ExecutionUpdateRequest(id=identifier), "")
