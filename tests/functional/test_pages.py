"""Pages of an index, on the embedded database: every row once, at a bounded cost, whatever happens meanwhile."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flyteadmin.clients.dynamodb import pages
from flyteadmin.clients.dynamodb.keys import key_of
from flyteadmin.clients.dynamodb.pages import Listed, read_page, reading
from flyteadmin.clients.dynamodb.writes import Remove, batch_put, write
from flyteadmin.errors import InvalidArgument
from flyteadmin.executions.models import LISTING_SHARDS, ExecutionState
from flyteadmin.executions.repository import index, listing_key
from flyteadmin.listing.access import Access
from flyteadmin.listing.columns import Entity
from flyteadmin.listing.conditions import Conditions, Span, conditions
from flyteadmin.listing.filters import parse_filters
from flyteadmin.listing.requests import Order, Wanted, wanted
from flyteadmin.listing.tokens import Start, token_of
from flyteadmin.named_entities import versions
from flyteadmin.tasks.listing import COLUMNS
from flyteadmin.tasks.models import TaskRow
from tests.listed import rows_examined

pytestmark = pytest.mark.usefixtures("aws")

ON_ONE_ACCOUNT = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
NO_FILTER = Conditions[TaskRow]()

_scopes = itertools.count()


def scope() -> str:
    """A project and domain that no example before had."""
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
    index(row, "")
    return row


def asked(limit: int, token: str = "", *, ascending: bool = False) -> Wanted:
    return wanted(limit, token, Order("created_at", ascending), "ListTasks")


def tasks_page(scope: str, page: Wanted, asks: Conditions[TaskRow] = NO_FILTER) -> Listed[TaskRow]:
    return read_page(reading(TaskRow, Access("listing", (scope,)), asks), page)


def executions_page(scope: str, page: Wanted) -> Listed[ExecutionState]:
    project, domain = scope.split(":")
    shards = tuple(listing_key(project, domain, shard) for shard in range(LISTING_SHARDS))
    return read_page(reading(ExecutionState, Access("created", shards), Conditions[ExecutionState]()), page)


def typed(task_type: str) -> Conditions[TaskRow]:
    return conditions(parse_filters(f"eq(type,{task_type})", Entity.TASK), COLUMNS)


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
        page = tasks_page(here, asked(limit, token, ascending=ascending))
        assert len(page.rows) <= limit
        seen += page.rows
        batch_put(list(itertools.islice(later, 3)))
        if deletes and page.rows:  # where a token stands need not exist any more
            write(Remove(key_of(page.rows[-1])))
        token = token_of(page.following)
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
        page = executions_page(here, asked(limit, token, ascending=ascending))
        seen += page.rows
        batch_put(list(itertools.islice(later, 3)))
        token = token_of(page.following)
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
    first = tasks_page(here, asked(5))
    assert len(first.rows) == min(count, 5)
    assert (first.following is not None) == (count > 5)


def test_an_empty_list_has_no_next_page() -> None:
    assert tasks_page(scope(), asked(5)) == Listed((), None)


@pytest.mark.conformance("LST-14")
@ON_ONE_ACCOUNT
@given(count=st.integers(0, 12), offset=st.integers(0, 15), limit=st.integers(1, 5))
def test_an_offset_skips_so_many(count: int, offset: int, limit: int) -> None:
    here = scope()
    batch_put([task(here, number, number) for number in range(count)])
    page = tasks_page(here, asked(limit, str(offset), ascending=True))
    assert [int(row.created_at) for row in page.rows] == list(range(count))[offset : offset + limit]


def test_an_offset_beyond_what_a_page_looks_at_goes_on_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "EXAMINED_INDEX_ROWS", 10)
    here = scope()
    batch_put([task(here, number, number) for number in range(40)])
    first = tasks_page(here, asked(3, "25", ascending=True))
    assert first.rows == ()
    assert first.following is not None
    assert first.following.skip == 15
    second = tasks_page(here, asked(3, token_of(first.following), ascending=True))
    assert second.rows == ()
    third = tasks_page(here, asked(3, token_of(second.following), ascending=True))
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
            page = tasks_page(here, asked(5, token, ascending=True), typed("rare"))
        assert sum(counts) <= 20
        sizes.append(len(page.rows))
        seen += [int(row.created_at) for row in page.rows]
        token = token_of(page.following)
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
    asks = conditions(parse_filters("eq(short_description,wanted)", Entity.TASK), COLUMNS)
    walked, token = [], "1"
    while True:
        page = tasks_page(here, asked(2, token, ascending=True), asks)
        walked.append([int(row.created_at) for row in page.rows])
        token = token_of(page.following)
        if not token:
            break
    assert walked == [[], [5, 6], [], [11]]


def test_what_changed_behind_the_index_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    here = scope()
    batch_put([task(here, number, number) for number in range(4)])
    whole = pages._whole

    def changed(rows: Sequence[TaskRow]) -> list[TaskRow | None]:
        found = whole(rows)
        for row in found:
            if row is not None and row.created_at == 1:
                row.task_type = "another"
        return [None if row is not None and row.created_at == 2 else row for row in found]

    monkeypatch.setattr(pages, "_whole", changed)
    page = tasks_page(here, asked(10, ascending=True), typed("python-task"))
    assert [int(row.created_at) for row in page.rows] == [0, 3]


def test_a_span_is_read_and_nothing_else() -> None:
    here = scope()
    batch_put([task(here, number, number) for number in range(100)])
    for span, wanted_rows in ((Span(10, 12), [10, 11, 12]), (Span(97, None), [97, 98, 99]), (Span(None, 1), [0, 1])):
        with rows_examined() as counts:
            page = read_page(reading(TaskRow, Access("listing", (here,), span), NO_FILTER), asked(50, ascending=True))
        assert [int(row.created_at) for row in page.rows] == wanted_rows
        assert sum(counts) == len(wanted_rows)
    assert read_page(reading(TaskRow, Access("listing", (here,), Span(5, 4)), NO_FILTER), asked(5)) == Listed((), None)


def test_a_bound_longer_than_any_key_is_left_to_the_filter() -> None:
    here = scope()
    batch_put([task(here, 1, 1)])
    access = Access("names", (here,), Span("p", "q" * 2000))
    assert len(read_page(reading(TaskRow, access, NO_FILTER), asked(5)).rows) == 1


def following(scope: str) -> Start:
    batch_put([task(scope, number, number) for number in range(4)])
    page = tasks_page(scope, asked(2))
    assert page.following is not None
    return page.following


@pytest.mark.parametrize(
    "change", [{"lane": 3}, {"place": "text"}, {"key": ("only one",)}], ids=["lane", "place", "key"]
)
def test_a_token_of_another_list_is_refused(change: dict[str, object]) -> None:
    here = scope()
    start = following(here)
    assert start.after is not None
    foreign = start.model_copy(update={"after": start.after.model_copy(update=change)})
    with pytest.raises(InvalidArgument, match="invalid pagination token"):
        tasks_page(here, asked(2, token_of(foreign)))


def test_a_token_without_a_place_is_refused() -> None:
    here = scope()
    start = following(here)
    assert start.after is not None
    foreign = start.model_copy(update={"after": start.after.model_copy(update={"place": ""})})
    with pytest.raises(InvalidArgument, match="invalid pagination token"):
        read_page(reading(TaskRow, Access("names", (here,)), NO_FILTER), asked(2, token_of(foreign)))


def test_a_token_outside_of_what_is_asked_for_is_refused() -> None:
    here = scope()
    token = token_of(following(here))
    with pytest.raises(InvalidArgument, match="invalid pagination token"):
        read_page(reading(TaskRow, Access("listing", (here,), Span(3, 9)), NO_FILTER), asked(2, token))


def test_a_page_is_cut_before_it_outgrows_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_MAX_PAGE_BYTES", 1)
    here = scope()
    batch_put([task(here, number, number) for number in range(3)])
    walked, token = [], ""
    for _ in range(3):
        page = tasks_page(here, asked(6, token, ascending=True))
        walked.append([int(row.created_at) for row in page.rows])
        token = token_of(page.following)
    assert (walked, token) == ([[0], [1], [2]], "")


def test_what_a_row_shows_from_elsewhere_counts_towards_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_MAX_PAGE_BYTES", 1000)
    here = scope()
    batch_put([task(here, number, number) for number in range(6)])
    source = reading(TaskRow, Access("listing", (here,)), NO_FILTER, blob=lambda _row: b"x" * 500)
    page = read_page(source, asked(6, ascending=True))
    assert [int(row.created_at) for row in page.rows] == [0, 1]
    assert page.following is not None


def test_a_large_row_counts_for_as_many_as_it_has_4_kilobytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "EXAMINED_INDEX_ROWS", 40)
    monkeypatch.setattr(pages, "_LEAST_FILTERED_AT_ONCE", 5)
    here = scope()
    rows = [task(here, number, number) for number in range(20)]
    for row in rows:
        row.closure = b"x" * 40_000
    batch_put(rows)
    of_a_name = reading(TaskRow, Access(None, (f"{here}:task",)), typed("rare"))
    with rows_examined() as counts:
        page = read_page(of_a_name, asked(2, ascending=True))
    assert (page.rows, page.following is not None) == ((), True)
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
