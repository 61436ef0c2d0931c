"""Rules of filters hold at the real handler; the tests beside the rules have all their cases."""

import pytest
from flyteidl.admin.execution_pb2 import ExecutionList
from google.rpc.status_pb2 import Status

from flyteadmin.errors import Code
from functions.get_executions.handler import lambda_handler
from tests.aws_events import OCTETS, Answer, Context, answer_of, http_event
from tests.builders import CREATED_AT, DOMAIN, PROJECT, stored_execution

pytestmark = pytest.mark.usefixtures("aws")


def listed(filters: str) -> Answer:
    query = {"filters": filters, "limit": "10"}
    event = http_event("GET", f"/api/v1/executions/{PROJECT}/{DOMAIN}", query=query, headers={"accept": OCTETS})
    return answer_of(lambda_handler(event, Context()))


def names(filters: str) -> list[str]:
    answer = listed(filters)
    assert answer.status == 200, answer.message(Status)
    return [execution.id.name for execution in answer.message(ExecutionList).executions]


def refusal(filters: str) -> str:
    answer = listed(filters)
    status = answer.message(Status)
    assert (answer.status, status.code) == (400, Code.INVALID_ARGUMENT)
    message: str = status.message
    return message


@pytest.mark.conformance("LST-09")
def test_times_are_as_iso_8601_writes_them_to_the_nanosecond() -> None:
    stored_execution()
    assert CREATED_AT == 1_700_000_000_000_000_000
    for text in ("2023-11-14T22:13:20Z", "2023-11-14 22:13:20", "2023-11-14T21:13:20.000-01:00"):
        assert names(f"eq(created_at,{text})") == ["run"]
    assert names("lt(created_at,2023-11-14T22:13:20.000000001Z)") == ["run"]
    assert names("gt(created_at,2023-11-15)") == []
    for text in ("yesterday", "2023-13-01", "1700000000"):
        assert refusal(f"gte(created_at,{text})").endswith(f"is a time such as 2024-01-31T12:00:00Z, not {text!r}")


@pytest.mark.conformance("LST-10", "KD-35")
@pytest.mark.parametrize("function", ["eq", "ne", "gt", "contains"])
def test_one_value_is_no_list(function: str) -> None:
    stored_execution()
    assert refusal(f"{function}(phase,RUNNING;UNDEFINED)").endswith(
        f"{function} takes one value; value_in and value_not_in take a list"
    )
    assert names("value_in(phase,UNDEFINED)") == ["run"]
