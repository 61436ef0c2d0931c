"""Lists against SQL: the rows that a test stored, in a database that upstream's queries run on."""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.model import OperationModel
from flyteidl.core.execution_pb2 import ExecutionError
from google.protobuf.message import Message
from hypothesis import strategies as st

from flyteadmin.api.handler import ApiHandler
from flyteadmin.clients import aws
from flyteadmin.timestamps import NANOSECONDS, to_datetime
from tests.aws_events import OCTETS, Answer, Context, answer_of, http_event

type Cell = str | int | None

_OPERATORS = {
    "contains": "LIKE '%' || ? || '%' ESCAPE '\\'",
    "not_like": "NOT LIKE ? ESCAPE '\\'",
    "gt": "> ?",
    "gte": ">= ?",
    "lt": "< ?",
    "lte": "<= ?",
    "eq": "= ?",
    "ne": "<> ?",
}
_EXPRESSION = re.compile(r"(\w+)\(([\w.]+),(.*)\)")


FIRST = 1_700_000_000 * NANOSECONDS
"""When the first row was created."""


def moment(seconds: int) -> str:
    """So many seconds after the first row, as clients write it."""
    return to_datetime(second(seconds)).isoformat().replace("+00:00", "Z")


def second(number: int) -> int:
    """So many seconds after the first row, as rows hold it."""
    return FIRST + number * NANOSECONDS


def error_of(phase: str, number: int) -> ExecutionError | None:
    """Return the error of whatever failed: its kind and code go round."""
    if phase != "FAILED":
        return None
    kind = (ExecutionError.USER, ExecutionError.SYSTEM)[number % 2]
    return ExecutionError(code=f"Code{number % 3}", kind=kind, message="ü" * 200)


@dataclass(frozen=True)
class Ask:
    """A column by the name that a filter gives it, and values worth asking for."""

    field: str
    values: Sequence[str]
    is_text: bool = True

    def filters(self) -> st.SearchStrategy[str]:
        """Filters on this column that upstream understands."""
        value = st.sampled_from(self.values)
        single = ["gt", "gte", "lt", "lte", "eq", "ne", *(["contains", "not_like"] if self.is_text else [])]
        several = st.lists(value, min_size=1, max_size=3).map(";".join)
        return st.one_of(
            st.builds(f"{{}}({self.field},{{}})".format, st.sampled_from(single), value),
            st.builds(f"{{}}({self.field},{{}})".format, st.sampled_from(["value_in", "value_not_in"]), several),
            st.builds(f"eq({self.field},{{}})".format, value),
        )


def some_filters(asks: Sequence[Ask]) -> st.SearchStrategy[str]:
    """Draw filters that one request may combine."""
    return st.lists(st.one_of([ask.filters() for ask in asks]), max_size=3).map("+".join)


class Database:
    """Rows by column, as upstream's SQL sees them; columns are named as filters name them."""

    def __init__(self, rows: Sequence[Mapping[str, Cell]]) -> None:
        self._connection = sqlite3.connect(":memory:")
        self._connection.execute("PRAGMA case_sensitive_like = ON")
        self._columns = list(rows[0])
        names = ", ".join(f'"{name}"' for name in self._columns)
        self._connection.execute(f"CREATE TABLE rows ({names})")
        slots = ", ".join("?" * len(self._columns))
        self._connection.executemany(f"INSERT INTO rows VALUES ({slots})", [tuple(row.values()) for row in rows])

    def close(self) -> None:
        self._connection.close()

    def select(self, what: str, filters: str, order: str) -> list[Cell]:
        """Return a column of the rows that pass, in order."""
        conditions, values = ["TRUE"], []
        for expression in filters.split("+") if filters else []:
            condition, bound = _condition(expression)
            conditions.append(condition)
            values += bound
        query = f"SELECT {what} FROM rows WHERE {' AND '.join(conditions)} ORDER BY {order}"
        return [cell for (cell,) in self._connection.execute(query, values)]


def _condition(expression: str) -> tuple[str, list[Cell]]:
    match = _EXPRESSION.fullmatch(expression)
    assert match is not None
    function, field, value = match.groups()
    values = [_cell(field, each) for each in value.split(";")]
    if function in {"value_in", "value_not_in"}:
        negation = "NOT " if function == "value_not_in" else ""
        return f'"{field}" {negation}IN ({", ".join("?" * len(values))})', values
    return f'"{field}" {_OPERATORS[function]}', values


def _cell(field: str, text: str) -> Cell:
    if field.endswith("_at"):
        return int(datetime.fromisoformat(text).timestamp()) * NANOSECONDS
    if field == "duration":
        return int(text) * NANOSECONDS
    return int(text) if re.fullmatch(r"-?\d+", text) else text


@dataclass(frozen=True)
class Listing:
    """A list of the API: its handler, its path, its answer."""

    handler: ApiHandler
    path: str
    of: type[Message]
    always: Mapping[str, str] = field(default_factory=dict)

    def get(self, query: Mapping[str, str]) -> Answer:
        query = {**self.always, **query}
        event = http_event("GET", f"/api/v1/{self.path}", query=query, headers={"accept": OCTETS})
        return answer_of(self.handler(event, Context()))

    def pages(self, limit: int, filters: str = "", sort: str = "", direction: str = "") -> Iterator[list[Any]]:
        """Yield the rows of each page, to the last."""
        token = ""
        sorting = {"sort_by.key": sort, "sort_by.direction": direction} if sort else {}
        while True:
            answer = self.get({"limit": str(limit), "filters": filters, "token": token, **sorting})
            assert answer.status == 200, answer.body
            page: Any = answer.message(self.of)
            rows = [row for field, value in page.ListFields() if field.name != "token" for row in value]
            assert len(rows) <= limit
            yield rows
            token = page.token
            if not token:
                return

    def walk(self, limit: int, filters: str = "", sort: str = "", direction: str = "") -> Iterator[Any]:
        """All rows."""
        for rows in self.pages(limit, filters, sort, direction):
            yield from rows


@contextmanager
def requests_made() -> Iterator[list[str]]:
    """The operations on the database during the block."""
    operations: list[str] = []

    def note(model: OperationModel, **_: object) -> None:
        operations.append(model.name)

    events = aws.client("dynamodb").meta.events
    events.register("after-call.dynamodb", note)
    try:
        yield operations
    finally:
        events.unregister("after-call.dynamodb", note)


@contextmanager
def rows_examined() -> Iterator[list[int]]:
    """Record the number of rows that each query during the block reads."""
    counts: list[int] = []

    def count(parsed: Mapping[str, int], **_: object) -> None:
        counts.append(parsed["ScannedCount"])

    events = aws.client("dynamodb").meta.events
    events.register("after-call.dynamodb.Query", count)
    try:
        yield counts
    finally:
        events.unregister("after-call.dynamodb.Query", count)
