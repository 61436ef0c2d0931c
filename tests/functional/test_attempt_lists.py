"""Lists of a node's attempts read what a page shows, or refuse what they can't bound."""

from collections.abc import Iterable
from typing import Any

import pytest
from flyteidl.admin.task_execution_pb2 import TaskExecutionClosure, TaskExecutionList
from flyteidl.core.identifier_pb2 import Identifier, TaskExecutionIdentifier
from google.rpc.status_pb2 import Status

from flyteadmin.clients import storage
from flyteadmin.clients.dynamodb import pages
from flyteadmin.clients.dynamodb.writes import batch_put
from flyteadmin.errors import Code
from flyteadmin.identifiers import task_execution_key
from flyteadmin.task_executions import listing as task_listing
from flyteadmin.task_executions.models import TaskExecutionRow
from flyteadmin.timestamps import to_timestamp
from functions.get_executions.handler import lambda_handler as get_executions
from tests.builders import DOMAIN, PROJECT, node_id
from tests.sql_oracle import Listing, rows_examined, second

pytestmark = pytest.mark.usefixtures("aws")

TASKS = Listing(get_executions, f"task_executions/{PROJECT}/{DOMAIN}/run/n0", TaskExecutionList)


def many_attempts(count: int) -> None:
    """Store attempts of a node whose closures are in S3, and one of the node whose key comes next."""
    rows = []
    for number, node in [*enumerate(["n0"] * count), (0, "n0$")]:
        task = Identifier(resource_type="TASK", project=PROJECT, domain=DOMAIN, name="t", version="v1")
        identifier = TaskExecutionIdentifier(task_id=task, node_execution_id=node_id(node), retry_attempt=number)
        closure = TaskExecutionClosure(phase="FAILED", created_at=to_timestamp(second(-number)))
        execution, attempt = task_execution_key(identifier)
        uri = storage.write_once(closure.SerializeToString(), "metadata", "closure")
        rows.append(
            TaskExecutionRow(
                execution=execution,
                attempt_key=attempt,
                identifier=identifier.SerializeToString(),
                phase="FAILED",
                sequence="1",
                closure_uri=uri,
            )
        )
    batch_put(rows)


def attempts_of(pages: Iterable[list[Any]]) -> list[list[int]]:
    return [[row.id.retry_attempt for row in page] for page in pages]


@pytest.mark.conformance("LST-24")
def test_a_page_of_attempts_reads_no_more_than_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt's closure may be as large as its events, so a page of five reads five, not all forty."""
    many_attempts(40)
    read: list[str] = []
    original = storage.read

    def reading(source: str, limit: int | None = None) -> bytes:
        read.append(source)
        return original(source, limit)

    monkeypatch.setattr(storage, "read", reading)
    with rows_examined() as examined:
        page = TASKS.get({"limit": "5"}).message(TaskExecutionList)
    assert [row.id.retry_attempt for row in page.task_executions] == [0, 1, 2, 3, 4]
    assert page.token
    assert len(read) == 5
    assert max(examined) <= 6


@pytest.mark.conformance("LST-24")
def test_pages_of_attempts_are_bounded_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    many_attempts(4)
    for module in (pages, task_listing):
        monkeypatch.setattr(module, "MAX_PAGE_WEIGHT", 1)
    assert attempts_of(TASKS.pages(3)) == [[0], [1], [2], [3]]
    assert attempts_of(TASKS.pages(3, "", "created_at", "ASCENDING")) == [[3], [2], [1], [0]]


def test_many_attempts_are_listed_in_their_own_order_only(monkeypatch: pytest.MonkeyPatch) -> None:
    many_attempts(4)
    monkeypatch.setattr(task_listing, "EXAMINED_ROWS", 3)
    assert attempts_of(TASKS.pages(3)) == [[0, 1, 2], [3]]
    answer = TASKS.get({"limit": "2", "sort_by.key": "created_at", "sort_by.direction": "ASCENDING"})
    assert answer.message(Status).code == Code.INVALID_ARGUMENT
    assert answer.message(Status).message == (
        "invalid value for sort_by: more than 3 attempts are listed in their own order only"
    )
