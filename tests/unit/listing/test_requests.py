"""List requests: page size, order and start; and pages of lists that are read whole."""

import base64
import json
from typing import cast

import pytest
from flyteidl.admin.common_pb2 import Sort
from hypothesis import given, settings
from hypothesis import strategies as st

from flyteadmin.errors import InvalidArgument
from flyteadmin.listing.columns import UPSTREAM_COLUMNS, Entity
from flyteadmin.listing.conditions import Column, Kind
from flyteadmin.listing.requests import MAX_PAGE, Order, order_of, page_of, requested_page
from flyteadmin.listing.tokens import Cursor, Start, start_from, token_of

BY_NAME = Order("name", ascending=True)
NEWEST_FIRST = Order("created_at", ascending=False)
SORTED_BY = {"created_at": "created_at", "id": "created_at", "name": "name"}


def order(key: str, direction: int) -> Order:
    sort = Sort(key=key, direction=cast("Sort.Direction", direction))
    return order_of(sort, UPSTREAM_COLUMNS[Entity.TASK], SORTED_BY, BY_NAME)


def refusal(token: str, of: Order = NEWEST_FIRST) -> str:
    with pytest.raises(InvalidArgument) as refused:
        start_from(token, "ListTasks", str(of))
    return refused.value.message


@pytest.mark.conformance("LST-13")
def test_an_order_is_a_column_and_a_direction() -> None:
    assert order_of(None, UPSTREAM_COLUMNS[Entity.TASK], SORTED_BY, BY_NAME) == BY_NAME
    assert order("created_at", Sort.DESCENDING) == NEWEST_FIRST
    assert order("id", Sort.ASCENDING) == Order("created_at", ascending=True)
    assert order_of(Sort(key="name"), UPSTREAM_COLUMNS[Entity.TASK], SORTED_BY, BY_NAME) == Order(
        "name", ascending=False
    )


@pytest.mark.conformance("LST-13")
@pytest.mark.parametrize(
    ("key", "direction", "message"),
    [
        ("nonsense", 0, "invalid sort key 'nonsense'"),
        ("", 0, "invalid sort key ''"),
        ("digest", 0, "invalid sort key 'digest': this list is sorted by created_at, id, name only"),
        ("name", 7, "invalid sort order specified: 7, expected DESCENDING or ASCENDING"),
    ],
)
def test_what_is_no_order_is_refused(key: str, direction: int, message: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        order(key, direction)
    assert refused.value.message == message


@pytest.mark.conformance("LST-16")
def test_a_limit_is_above_0_and_bounded_by_the_page() -> None:
    with pytest.raises(InvalidArgument, match="invalid value for limit"):
        requested_page(0, "", BY_NAME, "ListTasks")
    assert requested_page(7, "", BY_NAME, "ListTasks").limit == 7
    assert requested_page(2**32 - 1, "", BY_NAME, "ListTasks").limit == MAX_PAGE


@pytest.mark.conformance("LST-14")
@pytest.mark.parametrize(
    ("token", "offset"),
    [("", 0), ("0", 0), ("500", 500), ("+5", 5), ("-0", 0), ("007", 7), (str(2**63 - 1), 2**63 - 1)],
)
def test_a_decimal_token_is_an_offset(token: str, offset: int) -> None:
    assert start_from(token, "ListTasks", "name") == Start(skip=offset, order="name")


@pytest.mark.conformance("LST-14")
@pytest.mark.parametrize("token", ["-1", "abc", "1.5", str(2**63), "٣", "1 ", "é", "e30=", "bnVsbA=="])
def test_what_is_no_token_is_refused(token: str) -> None:
    assert refusal(token).startswith(f"invalid pagination token {token} for ListTasks")


cursors = st.builds(
    Cursor,
    partition=st.integers(0, 40),
    sort_value=st.integers(-(10**20), 10**20) | st.text(min_size=1, max_size=20),
    key=st.tuples(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20)),
)


@given(st.builds(Start, after=st.none() | cursors, skip=st.integers(0, 10**6), order=st.just("-created_at")))
def test_a_token_is_where_it_was_given_out(start: Start) -> None:
    assert start_from(token_of(start), "ListTasks", "-created_at") == start
    assert refusal(token_of(start), BY_NAME).startswith("invalid pagination token")


def test_no_token_is_empty() -> None:
    assert token_of(None) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"sort_value": 10**40},
        {"sort_value": 1.5},
        {"sort_value": "x" * 1025},
        {"sort_value": None},
        {"key": []},
        {"key": [""]},
        {"key": ["a", "b", "c"]},
        {"key": "ab"},
        {"partition": -1},
        {"partition": True},
    ],
)
def test_a_token_that_no_database_takes_is_refused(change: dict[str, object]) -> None:
    after = {"partition": 0, "sort_value": 1, "key": ["a", "b"], **change}
    body = json.dumps({"after": after, "skip": 0, "order": "-created_at"})
    assert refusal(base64.urlsafe_b64encode(body.encode()).decode()).startswith("invalid pagination token")


rows = st.lists(
    st.tuples(st.text("abc", min_size=1, max_size=3), st.none() | st.integers(0, 3)),
    max_size=12,
    unique_by=lambda row: row[0],
)
type Named = tuple[str, int | None]
NUMBER = Column[Named](Kind.INTEGER, lambda row: row[1])


def page_and_token(everything: list[Named], order: Order, limit: int, token: str) -> tuple[list[Named], str]:
    page_request = requested_page(limit, token, order, "ListProjects")
    shown, next_start = page_of(everything, page_request, NUMBER, lambda row: row[0])
    return shown, token_of(next_start)


@settings(max_examples=300)
@given(rows, rows, st.booleans(), st.integers(1, 5))
def test_walking_tokens_sees_every_row_that_was_there_once(
    before: list[Named], inserted: list[Named], ascending: bool, limit: int
) -> None:
    everything, seen, token = list(before), [], ""
    later = [row for row in inserted if row[0] not in {name for name, _ in before}]
    while True:
        shown, token = page_and_token(everything, Order("n", ascending), limit, token)
        seen += [row for row in shown if row in before]
        everything += later[:1]
        later = later[1:]
        if not token:
            break
    assert sorted(seen, key=str) == sorted(before, key=str)
    places = [(4 if place is None else place, name) for name, place in seen]
    assert places == sorted(places, reverse=not ascending)


@settings(max_examples=200)
@given(rows, st.integers(0, 14), st.integers(1, 5))
def test_an_offset_skips_so_many(everything: list[Named], offset: int, limit: int) -> None:
    order = Order("n", ascending=True)
    whole, _ = page_and_token(everything, order, 100, "")
    shown, token = page_and_token(everything, order, limit, str(offset))
    assert shown == whole[offset : offset + limit]
    assert bool(token) == (offset + limit < len(whole))
