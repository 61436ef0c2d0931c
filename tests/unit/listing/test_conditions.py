"""Filters over rows, compared with SQL itself."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyteadmin.errors import InvalidArgument
from flyteadmin.listing.columns import Entity
from flyteadmin.listing.conditions import Column, Columns, Conditions, Kind, conditions_of, like
from flyteadmin.listing.filters import Filter, Function, parse_filters


@dataclass(frozen=True)
class Row:
    """A row of some list."""

    text: str | None = None
    number: int | None = None
    moment: int | None = None
    lasting: int | None = None


COLUMNS: Columns[Row] = {
    (Entity.EXECUTION, "phase"): Column(Kind.TEXT, lambda row: row.text),
    (Entity.EXECUTION, "state"): Column(Kind.INTEGER, lambda row: row.number),
    (Entity.EXECUTION, "created_at"): Column(Kind.TIME, lambda row: row.moment),
    (Entity.EXECUTION, "duration"): Column(Kind.DURATION, lambda row: row.lasting, is_projected=False),
}
SQL = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def asks(text: str) -> Conditions[Row]:
    return conditions_of(parse_filters(text, Entity.EXECUTION), COLUMNS)


def refusal(text: str) -> str:
    with pytest.raises(InvalidArgument) as refused:
        asks(text)
    return refused.value.message


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA case_sensitive_like = ON")
    yield connection
    connection.close()


texts = st.text("aAb%_\\é\n", max_size=6)


@settings(max_examples=2000)
@given(text=texts, pattern=texts)
def test_like_is_sqls(database: sqlite3.Connection, text: str, pattern: str) -> None:
    try:
        matches = like(pattern).match(text) is not None
    except InvalidArgument:
        assert (len(pattern) - len(pattern.rstrip("\\"))) % 2 == 1
        return
    ((wanted,),) = database.execute(r"SELECT ? LIKE ? ESCAPE '\'", (text, pattern))
    assert matches == bool(wanted)


def test_a_hostile_pattern_is_no_danger() -> None:
    assert like("%a" * 400 + "%b").match("a" * 512) is None
    assert like("%_" * 400 + "%b").match("a" * 512) is None


@pytest.mark.conformance("LST-02")
@settings(max_examples=500)
@given(function=st.sampled_from(sorted(SQL)), wanted=st.integers(-3, 3), value=st.none() | st.integers(-3, 3))
def test_comparisons_are_sqls(database: sqlite3.Connection, function: str, wanted: int, value: int | None) -> None:
    ((truth,),) = database.execute(f"SELECT ? {SQL[function]} ?", (value, wanted))
    assert asks(f"{function}(state,{wanted})").hold(Row(number=value)) == bool(truth)


@pytest.mark.conformance("LST-02")
@settings(max_examples=500)
@given(
    function=st.sampled_from(["value_in", "value_not_in"]),
    wanted=st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
    value=st.none() | st.sampled_from("abc"),
)
def test_lists_are_sqls(database: sqlite3.Connection, function: str, wanted: list[str], value: str | None) -> None:
    operator = "IN" if function == "value_in" else "NOT IN"
    ((truth,),) = database.execute(f"SELECT ? {operator} ({','.join('?' * len(wanted))})", (value, *wanted))
    assert asks(f"{function}(phase,{';'.join(wanted)})").hold(Row(text=value)) == bool(truth)


@pytest.mark.conformance("LST-02")
def test_contains_is_anywhere_and_wildcards_stay_wildcards() -> None:
    assert asks("contains(phase,NNI)").hold(Row(text="RUNNING"))
    assert asks("contains(phase,R%G)").hold(Row(text="RUNNING"))
    assert not asks("contains(phase,nni)").hold(Row(text="RUNNING"))
    assert asks("not_like(phase,RUN)").hold(Row(text="RUNNING"))
    assert not asks("not_like(phase,RUN%)").hold(Row(text="RUNNING"))


@pytest.mark.conformance("LST-02")
def test_all_must_hold() -> None:
    both = asks("eq(phase,RUNNING)+eq(state,0)")
    assert both.hold(Row(text="RUNNING", number=0))
    assert not both.hold(Row(text="RUNNING", number=1))
    assert not both.hold(Row(text="FAILED", number=0))


@pytest.mark.parametrize("function", [str(function) for function in Function])
def test_nothing_holds_of_an_absent_value(function: str) -> None:
    assert not asks(f"{function}(phase,RUNNING)").hold(Row())


@pytest.mark.conformance("LST-09")
@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("2024-01-31T12:00:00Z", 1706702400_000),
        ("2024-01-31T12:00:00.250Z", 1706702400_250),
        ("2024-01-31 12:00:00", 1706702400_000),
        ("2024-01-31T07:00:00-05:00", 1706702400_000),
        ("2024-01-31", 1706659200_000),
        ("1969-12-31T23:59:59.5Z", -500),
    ],
)
def test_a_time_is_as_iso_8601_writes_it(text: str, milliseconds: int) -> None:
    assert asks(f"eq(created_at,{text})").hold(Row(moment=milliseconds * 10**6))


@pytest.mark.conformance("LST-09")
def test_a_times_nanoseconds_count() -> None:
    assert asks("eq(created_at,2024-01-31T12:00:00.123456789Z)").hold(Row(moment=1706702400_123456789))
    assert not asks("gt(created_at,2024-01-31T12:00:00.123456789Z)").hold(Row(moment=1706702400_123456789))


@pytest.mark.conformance("LST-09")
@pytest.mark.parametrize("text", ["yesterday", "2024-13-01", "2024-01-31T25:00:00Z", "1706702400", "0000-01-01"])
def test_no_time_is_refused(text: str) -> None:
    assert refusal(f"gte(created_at,{text})") == (
        f"invalid value for filters: 'created_at' is a time such as 2024-01-31T12:00:00Z, not {text!r}"
    )


@pytest.mark.conformance("LST-10", "KD-35")
@pytest.mark.parametrize("function", [*sorted(SQL), "contains", "not_like"])
def test_one_value_is_no_list(function: str) -> None:
    assert refusal(f"{function}(phase,RUNNING;FAILED)") == (
        f"invalid value for filters: {function} takes one value; value_in and value_not_in take a list"
    )
    assert asks("value_in(phase,RUNNING)").hold(Row(text="RUNNING"))


@pytest.mark.conformance("LST-07")
def test_states_are_numbers() -> None:
    assert refusal("eq(state,EXECUTION_ARCHIVED)").startswith("invalid value for filters: 'state' is a whole number")
    assert refusal("contains(state,1)").endswith("'state' is a whole number, and contains is about text")


def test_a_column_that_is_not_kept_is_refused_with_those_that_are() -> None:
    assert refusal("eq(launch_plan_id,7)") == (
        "invalid value for filters: this list can't be filtered by 'e.launch_plan_id',"
        " only by e.created_at, e.duration, e.phase, e.state"
    )


def test_what_an_index_may_answer() -> None:
    one = asks("value_in(phase,RUNNING;FAILED)+value_in(phase,FAILED;ABORTED)+lt(duration,5)")
    assert one.exact_text(Entity.EXECUTION, "phase") == "FAILED"
    assert asks("value_in(phase,RUNNING;FAILED)").exact_text(Entity.EXECUTION, "phase") == ""
    assert asks("ne(phase,RUNNING)").exact_text(Entity.EXECUTION, "phase") == ""
    assert not one.allow(Entity.EXECUTION, "phase", "RUNNING")
    assert one.allow(Entity.EXECUTION, "phase", "FAILED")
    assert one.allow(Entity.EXECUTION, "state", 1)
    assert [each.filter.field for each in one.on_indexes().all] == ["phase", "phase"]


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.sampled_from(["eq", "gt", "gte", "lt", "lte", "ne"]), st.integers(0, 5)), max_size=3),
    st.integers(0, 5),
)
def test_a_key_range_holds_every_row_that_passes(filters: list[tuple[str, int]], value: int) -> None:
    given_filters = [Filter(Entity.EXECUTION, Function(name), "state", (str(bound),)) for name, bound in filters]
    found = conditions_of(given_filters, COLUMNS)
    key_range = found.key_range(Entity.EXECUTION, "state")
    if found.hold(Row(number=value)):
        assert key_range.low is None or int(key_range.low) <= value
        assert key_range.high is None or value <= int(key_range.high)
