"""Tests key conditions, orders, limits and starts of pages on each emulator: tables, indexes, the log, batches."""

from collections.abc import Sequence

import pytest
from flyteidl.core.execution_pb2 import ExecutionError

from flyteadmin.clients.dynamodb import partitions
from flyteadmin.clients.dynamodb.keys import Key, key_of
from flyteadmin.clients.dynamodb.reads import batch_get, get, query, query_all
from flyteadmin.clients.dynamodb.writes import batch_put
from flyteadmin.events import log
from flyteadmin.events.envelope import Kind, QueueRecord
from flyteadmin.events.opening import open_record
from flyteadmin.events.projection import entity_of
from flyteadmin.events.validation import Event
from flyteadmin.executions.models import ExecutionState
from flyteadmin.listing.conditions import KeyRange
from flyteadmin.listing.index_query import IndexQuery
from flyteadmin.listing.requests import Order, PageRequest
from flyteadmin.listing.tokens import Cursor, Start
from flyteadmin.node_executions.models import NodeExecutionRow
from flyteadmin.tasks.models import TaskRow
from tests.aws_events import queue_record
from tests.builders import DOMAIN, PROJECT, message_body, node_event, workflow_event

LISTING = f"{PROJECT}:{DOMAIN}"
RUN = f"{LISTING}:run"
TIMES = {"a": 10, "b": 20, "c": 20, "d": 20, "e": 30}


def store_tasks() -> None:
    batch_put(
        [
            TaskRow(
                name=f"{LISTING}:{name}",
                version="v1",
                listing=LISTING,
                by_version=f"{LISTING}#v1",
                created_at=time,
                digest=b"d",
                task_type="t",
            )
            for name, time in TIMES.items()
        ]
    )


def seen(rows: Sequence[TaskRow]) -> str:
    return "".join(row.name[-1] for row in rows)


@pytest.mark.parametrize(
    ("key_range", "expected"),
    [
        (KeyRange(None, None), {10: 1, 20: 3, 30: 1}),
        (KeyRange(20, None), {20: 3, 30: 1}),
        (KeyRange(None, 20), {10: 1, 20: 3}),
        (KeyRange(11, 29), {20: 3}),
        (KeyRange(20, 20), {20: 3}),
        (KeyRange(31, None), {}),
    ],
)
@pytest.mark.parametrize("ascending", [True, False])
def test_a_key_range_of_an_index_by_number(
    database: str, key_range: KeyRange, expected: dict[int, int], ascending: bool
) -> None:
    store_tasks()
    condition = partitions._condition(TaskRow.created_at, key_range)
    page = query(TaskRow, LISTING, index="listing", sort=condition, ascending=ascending)
    times = [int(row.created_at) for row in page.items]
    assert times == sorted(times, reverse=not ascending)
    assert {time: times.count(time) for time in times} == expected
    assert page.next_key is None


@pytest.mark.parametrize(
    ("key_range", "expected"),
    [
        (KeyRange(f"{LISTING}:b", f"{LISTING}:d"), "bcd"),
        (KeyRange(f"{LISTING}:c", None), "cde"),
        (KeyRange(None, f"{LISTING}:c"), "abc"),
        (KeyRange(f"{LISTING}:", f"{LISTING}:a"), "a"),
    ],
)
def test_a_key_range_of_an_index_by_text(database: str, key_range: KeyRange, expected: str) -> None:
    store_tasks()
    page = query(TaskRow, LISTING, index="names", sort=partitions._condition(TaskRow.name, key_range))
    assert seen(page.items) == expected


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_pages_of_an_index_go_on_where_they_stopped(database: str, size: int, ascending: bool) -> None:
    """Rows of one time too, of which the order is the database's own."""
    store_tasks()
    whole = seen(query(TaskRow, LISTING, index="listing", ascending=ascending).items)
    page = query(TaskRow, LISTING, index="listing", limit=size, ascending=ascending)
    found = seen(page.items)
    while page.next_key is not None:
        assert len(page.items) == size
        assert set(page.next_key) == {"listing", "created_at", "name", "version"}
        page = query(TaskRow, LISTING, index="listing", limit=size, start=page.next_key, ascending=ascending)
        found += seen(page.items)
    assert found == whole


def test_a_page_begins_behind_a_row_that_is_gone(database: str) -> None:
    store_tasks()
    after = Cursor(sort_value=10, key=(f"{LISTING}:aa", "v1"))
    start = partitions._start_key(TaskRow, "listing", LISTING, after)
    assert seen(query(TaskRow, LISTING, index="listing", start=start, limit=2).items) in {
        "bc",
        "bd",
        "cb",
        "cd",
        "db",
        "dc",
    }
    by_name = partitions._start_key(
        TaskRow, "names", LISTING, Cursor(sort_value=f"{LISTING}:bb", key=(f"{LISTING}:bb", "v1"))
    )
    assert seen(query(TaskRow, LISTING, index="names", start=by_name).items) == "cde"
    key_range = partitions._condition(TaskRow.name, KeyRange(None, f"{LISTING}:d"))
    assert seen(query(TaskRow, LISTING, index="names", sort=key_range, start=by_name).items) == "cd"


def test_an_index_shows_what_it_projects(database: str) -> None:
    store_tasks()
    [row] = query(TaskRow, LISTING, index="names", sort=TaskRow.name == f"{LISTING}:a").items
    assert row.created_at == 10
    assert row.attribute_values.get("digest") is None


@pytest.mark.parametrize("ascending", [True, False])
def test_partitions_are_merged_from_behind_a_row_on(database: str, ascending: bool) -> None:
    batch_put([execution_at(time) for time in range(100, 110)])
    index_query = IndexQuery("created", (f"{LISTING}#0", f"{LISTING}#1"), KeyRange(101, 108))
    after = Cursor(partition=1, sort_value=103, key=(f"{LISTING}:run-103", "state"))
    for start, expected in ((None, range(101, 109)), (after, range(104, 109) if ascending else range(102, 100, -1))):
        asked = PageRequest("List", Order("created_at", ascending), Start(after=start), 3)
        rows = partitions.rows_in_order(ExecutionState, index_query, asked, 3, partitions.ReadBudget(100))
        assert [row.created_at for _, row in rows] == list(expected if start or ascending else reversed(expected))


def execution_at(time: int) -> ExecutionState:
    return ExecutionState(
        execution=f"{LISTING}:run-{time}",
        phase="RUNNING",
        created_at=time,
        updated_at=time,
        listing=f"{LISTING}#{time % 2}",
        by_workflow="workflow",
        by_phase="RUNNING",
        by_user="user",
        launch_plan="plan",
        launch_plan_version="v1",
        workflow="workflow",
        workflow_version="v1",
    )


def test_the_log_of_an_entity_is_in_order_and_its_own(database: str) -> None:
    events = {number: workflow_event("RUNNING", number) for number in (2, 10, 1)}
    nodes = [queued(node_event("RUNNING", node=node), number) for number, node in ((3, "n1"), (4, "n10"))]
    log.append([queued(event, number) for number, event in events.items()])
    log.append([*nodes, queued(workflow_event("QUEUED", execution="b"), 5), queued(events[10], 10)])
    read = [(int(sequence), event) for sequence, event in log.read(RUN, Kind.WORKFLOW, "")]
    assert read == sorted(events.items())
    assert [int(sequence) for sequence, _ in log.read(RUN, Kind.NODE, "n1")] == [3]
    assert log.sequence_of(RUN, Kind.WORKFLOW, "", events[10].SerializeToString(deterministic=True)) == f"{10:039}"
    assert log.sequence_of(RUN, Kind.WORKFLOW, "", b"never") == ""


def queued(event: Event, sequence: int) -> log.Entry:
    record = QueueRecord.model_validate(queue_record(message_body(event), sequence))
    return log.entry(open_record(record), entity_of(event))


def test_a_batch_of_any_size_is_stored_and_found(database: str) -> None:
    items = [execution_at(time) for time in range(130)]
    batch_put([*items, *items])
    keys = [key_of(item) for item in items]
    missing = Key(NodeExecutionRow, "no", "such")
    found = batch_get([*keys, missing, *keys])
    assert {row.created_at for row in found.rows.values() if isinstance(row, ExecutionState)} == set(range(130))
    assert found.get(missing) is None
    assert get(missing) is None
    assert len(query_all(ExecutionState, "workflow", index="workflow")) == 130


def test_a_query_of_more_than_a_megabyte_goes_on(database: str) -> None:
    reasons = workflow_event("FAILED", error=ExecutionError(message="x" * 30_000))
    log.append([queued(reasons, number) for number in range(1, 51)])
    assert [int(sequence) for sequence, _ in log.read(RUN, Kind.WORKFLOW, "")] == list(range(1, 51))
