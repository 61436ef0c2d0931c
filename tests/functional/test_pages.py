"""Pages of an index, on the embedded database: every row once, at a bounded cost, whatever happens meanwhile."""

import itertools
from collections.abc import Sequence

import pytest
from flyteidl.core.security_pb2 import SecurityContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flyteadmin.clients.dynamodb import pages
from flyteadmin.clients.dynamodb.keys import key_of
from flyteadmin.clients.dynamodb.pages import ListPage, page_source, read_page
from flyteadmin.clients.dynamodb.writes import Delete, batch_put, write
from flyteadmin.errors import InvalidArgument
from flyteadmin.executions.models import LISTING_SHARDS, ExecutionState
from flyteadmin.executions.repository import listing_key, set_index_keys
from flyteadmin.listing.columns import Entity
from flyteadmin.listing.conditions import Conditions, KeyRange, conditions_of
from flyteadmin.listing.filters import parse_filters
from flyteadmin.listing.index_query import IndexQuery
from flyteadmin.listing.requests import Order, PageRequest, requested_page
from flyteadmin.listing.tokens import Start, token_of
from flyteadmin.named_entities import versions
from flyteadmin.tasks.listing import COLUMNS
from flyteadmin.tasks.models import TaskRow
from tests.sql_oracle import rows_examined

pytestmark = pytest.mark.usefixtures("aws")

ON_ONE_ACCOUNT = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
NO_FILTER = Conditions[TaskRow]()

_scopes = itertools.count()


def scope() -> str:
    """Return a project and domain that no example before had."""
    return f"p{next(_scopes)}:d"


def task(scope: str, number: int, created_at: int, *, task_type: str = "python-task") -> TaskRow:
    return TaskRow(
        name=f"{scope}:task",
        version=f"v{number:04d}",
        listing=scope,
        by_version=f"{scope}#v{number:04d}",
        created_at=created_at,
        digest=b"digest",
        task_type=task_type,
    )


def execution(scope: str, number: int, created_at: int) -> ExecutionState:
    row = ExecutionState(
        execution=f"{scope}:run{number}",
        phase="RUNNING",
        created_at=created_at,
        updated_at=created_at,
        launch_plan=f"{scope}:plan",
        launch_plan_version="v1",
        workflow=f"{scope}:workflow",
        workflow_version="v1",
    )
    set_index_keys(row, "")
    return row


def page_request(limit: int, token: str = "", *, ascending: bool = False) -> PageRequest:
    return requested_page(limit, token, Order("created_at", ascending), "ListTasks")


def tasks_page(scope: str, page: PageRequest, conditions: Conditions[TaskRow] = NO_FILTER) -> ListPage[TaskRow]:
    return read_page(page_source(TaskRow, IndexQuery("listing", (scope,)), conditions), page)


def executions_page(scope: str, page: PageRequest) -> ListPage[ExecutionState]:
    project, domain = scope.split(":")
    shards = tuple(listing_key(project, domain, shard) for shard in range(LISTING_SHARDS))
    return read_page(page_source(ExecutionState, IndexQuery("created", shards), Conditions[ExecutionState]()), page)


def typed(task_type: str) -> Conditions[TaskRow]:
    return conditions_of(parse_filters(f"eq(type,{task_type})", Entity.TASK), COLUMNS)


times = st.lists(st.integers(1, 4), max_size=14)


@pytest.mark.conformance("KD-36")
@ON_ONE_ACCOUNT
@given(before=times, meanwhile=times, ascending=st.booleans(), limit=st.integers(1, 5), deletes=st.booleans())
def test_walking_tokens_sees_every_row_that_was_there_once(
    before: Sequence[int], meanwhile: Sequence[int], ascending: bool, limit: int, deletes: bool
) -> None:
    here = scope()
    rows = [task(here, number, at) for number, at in enumerate(before)]
    batch_put(rows)
    later = iter([task(here, 1000 + number, at) for number, at in enumerate(meanwhile)])
    seen: list[TaskRow] = []
    token = ""
    while True:
        page = tasks_page(here, page_request(limit, token, ascending=ascending))
        assert len(page.rows) <= limit
        seen += page.rows
        batch_put(list(itertools.islice(later, 3)))
        if deletes and page.rows:  # where a token stands need not exist any more
            write(Delete(key_of(page.rows[-1])))
        token = token_of(page.next_start)
        if not token:
            break
    old = [row.version for row in seen if row.version < "v1000"]
    assert sorted(old) == [row.version for row in rows]
    assert len({row.version for row in seen}) == len(seen)
    places = [int(row.created_at) for row in seen]
    assert places == sorted(places, reverse=not ascending)


@pytest.mark.conformance("KD-36")
@ON_ONE_ACCOUNT
@given(before=times, meanwhile=times, ascending=st.booleans(), limit=st.integers(1, 5))
def test_shards_are_one_list(before: Sequence[int], meanwhile: Sequence[int], ascending: bool, limit: int) -> None:
    here = scope()
    rows = [execution(here, number, at) for number, at in enumerate(before)]
    batch_put(rows)
    later = iter([execution(here, 1000 + number, at) for number, at in enumerate(meanwhile)])
    seen: list[ExecutionState] = []
    token = ""
    while True:
        page = executions_page(here, page_request(limit, token, ascending=ascending))
        seen += page.rows
        batch_put(list(itertools.islice(later, 3)))
        token = token_of(page.next_start)
        if not token:
            break
    assert {row.execution for row in rows} <= {row.execution for row in seen}
    assert len({row.execution for row in seen}) == len(seen)
    places = [int(row.created_at) for row in seen]
    assert places == sorted(places, reverse=not ascending)


@pytest.mark.conformance("LST-15", "KD-36")
@pytest.mark.parametrize("count", [4, 5, 6])
def test_the_last_page_says_that_it_is_the_last(count: int) -> None:
    here = scope()
    batch_put([task(here, number, number) for number in range(count)])
    first = tasks_page(here, page_request(5))
    assert len(first.rows) == min(count, 5)
    assert (first.next_start is not None) == (count > 5)


def test_an_empty_list_has_no_next_page() -> None:
    assert tasks_page(scope(), page_request(5)) == ListPage((), None)


@pytest.mark.conformance("LST-14")
@ON_ONE_ACCOUNT
@given(count=st.integers(0, 12), offset=st.integers(0, 15), limit=st.integers(1, 5))
def test_an_offset_skips_so_many(count: int, offset: int, limit: int) -> None:
    here = scope()
    batch_put([task(here, number, number) for number in range(count)])
    page = tasks_page(here, page_request(limit, str(offset), ascending=True))
    assert [int(row.created_at) for row in page.rows] == list(range(count))[offset : offset + limit]


def test_an_offset_beyond_what_a_page_looks_at_goes_on_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "EXAMINED_INDEX_ROWS", 10)
    here = scope()
    batch_put([task(here, number, number) for number in range(40)])
    first = tasks_page(here, page_request(3, "25", ascending=True))
    assert first.rows == ()
    assert first.next_start is not None
    assert first.next_start.skip == 15
    second = tasks_page(here, page_request(3, token_of(first.next_start), ascending=True))
    assert second.rows == ()
    third = tasks_page(here, page_request(3, token_of(second.next_start), ascending=True))
    assert [int(row.created_at) for row in third.rows] == [25, 26, 27]


def test_a_filter_that_passes_few_gives_short_pages_and_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "EXAMINED_INDEX_ROWS", 20)
    monkeypatch.setattr(pages, "_LEAST_FILTERED_AT_ONCE", 5)
    here = scope()
    rows = [task(here, number, number, task_type="rare" if number % 17 == 0 else "common") for number in range(100)]
    batch_put(rows)
    seen: list[int] = []
    token, sizes = "", []
    while True:
        with rows_examined() as counts:
            page = tasks_page(here, page_request(5, token, ascending=True), typed("rare"))
        assert sum(counts) <= 20
        sizes.append(len(page.rows))
        seen += [int(row.created_at) for row in page.rows]
        token = token_of(page.next_start)
        if not token:
            break
    assert seen == [number for number in range(100) if number % 17 == 0]
    assert max(sizes) < 5
    assert len(sizes) >= 5


def test_rows_that_must_be_read_whole_are_fewer_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "EXAMINED_ROWS", 4)
    here = scope()
    rows = [task(here, number, number) for number in range(12)]
    for row in rows:
        row.short_description = "wanted" if row.created_at in {0, 5, 6, 11} else "other"
    batch_put(rows)
    conditions = conditions_of(parse_filters("eq(short_description,wanted)", Entity.TASK), COLUMNS)
    walked, token = [], "1"
    while True:
        page = tasks_page(here, page_request(2, token, ascending=True), conditions)
        walked.append([int(row.created_at) for row in page.rows])
        token = token_of(page.next_start)
        if not token:
            break
    assert walked == [[], [5, 6], [], [11]]


def test_what_changed_behind_the_index_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    here = scope()
    batch_put([task(here, number, number) for number in range(4)])
    whole = pages._load_rows

    def changed(rows: Sequence[TaskRow]) -> list[TaskRow | None]:
        found = whole(rows)
        for row in found:
            if row is not None and row.created_at == 1:
                row.task_type = "another"
        return [None if row is not None and row.created_at == 2 else row for row in found]

    monkeypatch.setattr(pages, "_load_rows", changed)
    page = tasks_page(here, page_request(10, ascending=True), typed("python-task"))
    assert [int(row.created_at) for row in page.rows] == [0, 3]


def test_a_key_range_is_read_and_nothing_else() -> None:
    here = scope()
    batch_put([task(here, number, number) for number in range(100)])
    for key_range, wanted_rows in (
        (KeyRange(10, 12), [10, 11, 12]),
        (KeyRange(97, None), [97, 98, 99]),
        (KeyRange(None, 1), [0, 1]),
    ):
        with rows_examined() as counts:
            page = read_page(
                page_source(TaskRow, IndexQuery("listing", (here,), key_range), NO_FILTER),
                page_request(50, ascending=True),
            )
        assert [int(row.created_at) for row in page.rows] == wanted_rows
        assert sum(counts) == len(wanted_rows)
    assert read_page(
        page_source(TaskRow, IndexQuery("listing", (here,), KeyRange(5, 4)), NO_FILTER), page_request(5)
    ) == ListPage((), None)


def test_a_bound_longer_than_any_key_is_left_to_the_filter() -> None:
    here = scope()
    batch_put([task(here, 1, 1)])
    index_query = IndexQuery("names", (here,), KeyRange("p", "q" * 2000))
    assert len(read_page(page_source(TaskRow, index_query, NO_FILTER), page_request(5)).rows) == 1


def next_start(scope: str) -> Start:
    batch_put([task(scope, number, number) for number in range(4)])
    page = tasks_page(scope, page_request(2))
    assert page.next_start is not None
    return page.next_start


@pytest.mark.parametrize(
    "change", [{"partition": 3}, {"sort_value": "text"}, {"key": ("only one",)}], ids=["partition", "sort_value", "key"]
)
def test_a_token_of_another_list_is_refused(change: dict[str, object]) -> None:
    here = scope()
    start = next_start(here)
    assert start.after is not None
    foreign = start.model_copy(update={"after": start.after.model_copy(update=change)})
    with pytest.raises(InvalidArgument, match="invalid pagination token"):
        tasks_page(here, page_request(2, token_of(foreign)))


def test_a_token_without_a_place_is_refused() -> None:
    here = scope()
    start = next_start(here)
    assert start.after is not None
    foreign = start.model_copy(update={"after": start.after.model_copy(update={"sort_value": ""})})
    with pytest.raises(InvalidArgument, match="invalid pagination token"):
        read_page(page_source(TaskRow, IndexQuery("names", (here,)), NO_FILTER), page_request(2, token_of(foreign)))


def test_a_token_outside_of_what_is_asked_for_is_refused() -> None:
    here = scope()
    token = token_of(next_start(here))
    with pytest.raises(InvalidArgument, match="invalid pagination token"):
        read_page(
            page_source(TaskRow, IndexQuery("listing", (here,), KeyRange(3, 9)), NO_FILTER), page_request(2, token)
        )


def test_a_page_is_cut_before_it_outgrows_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_PAGE_WEIGHT", 1)
    here = scope()
    batch_put([task(here, number, number) for number in range(3)])
    walked, token = [], ""
    for _ in range(3):
        page = tasks_page(here, page_request(6, token, ascending=True))
        walked.append([int(row.created_at) for row in page.rows])
        token = token_of(page.next_start)
    assert (walked, token) == ([[0], [1], [2]], "")


def test_what_a_row_shows_from_elsewhere_counts_towards_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_PAGE_WEIGHT", 1000)
    here = scope()
    batch_put([task(here, number, number) for number in range(6)])
    source = page_source(TaskRow, IndexQuery("listing", (here,)), NO_FILTER, blob=lambda _row: b"x" * 500)
    page = read_page(source, page_request(6, ascending=True))
    assert [int(row.created_at) for row in page.rows] == [0, 1]
    assert page.next_start is not None


def test_tiny_elements_count_towards_the_page_by_what_they_take_once_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_PAGE_WEIGHT", 30_000)
    here = scope()
    batch_put([task(here, number, number) for number in range(6)])
    secrets = SecurityContext(secrets=[{}] * 1000).SerializeToString()
    assert len(secrets) == 2000
    source = page_source(TaskRow, IndexQuery("listing", (here,)), NO_FILTER, blob=lambda _row: secrets)
    page = read_page(source, page_request(6, ascending=True))
    assert [int(row.created_at) for row in page.rows] == [0, 1]


def test_a_large_row_counts_for_as_many_as_it_has_4_kilobytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "EXAMINED_INDEX_ROWS", 40)
    monkeypatch.setattr(pages, "_LEAST_FILTERED_AT_ONCE", 5)
    here = scope()
    rows = [task(here, number, number) for number in range(20)]
    for row in rows:
        row.closure = b"x" * 40_000
    batch_put(rows)
    of_a_name = page_source(TaskRow, IndexQuery(None, (f"{here}:task",)), typed("rare"))
    with rows_examined() as counts:
        page = read_page(of_a_name, page_request(2, ascending=True))
    assert (page.rows, page.next_start is not None) == ((), True)
    assert sum(counts) == 5


def test_the_columns_of_versions_are_those_of_upstream() -> None:
    assert {field for _, field in versions.columns(Entity.TASK)} == {
        "project",
        "domain",
        "name",
        "version",
        "created_at",
        "updated_at",
    }
