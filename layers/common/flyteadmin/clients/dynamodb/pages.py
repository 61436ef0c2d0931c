"""Pages of a list: rows of an index in its order, filtered, from a cursor on.

A page is made in three steps. First the index is read in order, from behind the last row of the previous page
(partitions.py). Each index row is tested against those conditions that need only the attributes on the index. The rest
is loaded whole from the table, by key, and tested against all conditions.

A `PageSource` describes what differs between nouns: the index query and the conditions; `from_index_row`, which wraps
an index row so that the conditions can read its columns; `load`, which reads some hundred rows whole at once; and
`weight_of`, which bounds the size of the page in memory. Most nouns list rows of one model and use `page_source`.
Executions consist of two items and bring their own functions.

A page reads a bounded number of rows, so its cost depends neither on the size of the list nor on the page's position.
Where few rows pass the filters, or an offset skips many, the page ends early, with a token to continue from.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pynamodb.models import Model

from flyteadmin.bounds import parsed_weight
from flyteadmin.clients.dynamodb.keys import key_of
from flyteadmin.clients.dynamodb.partitions import BudgetExhausted, ReadBudget, parsed_weight_of, rows_in_order
from flyteadmin.clients.dynamodb.reads import batch_get
from flyteadmin.listing.conditions import Conditions
from flyteadmin.listing.index_query import IndexQuery
from flyteadmin.listing.requests import PageRequest
from flyteadmin.listing.tokens import Cursor, Start

EXAMINED_INDEX_ROWS = 5000
"""The most rows of an index that a page examines, unless its limit is higher."""

EXAMINED_ROWS = 1000
"""The same where each row must be loaded before its conditions can be tested."""

_LEAST_FILTERED_AT_ONCE = 100
_LOADED_AT_ONCE = 500
MAX_PAGE_WEIGHT = 16 * 1024 * 1024


@dataclass(frozen=True)
class PageSource[M: Model, R]:
    """The rows that a page is made of: an index query, the conditions, and how to load rows.

    `from_index_row` wraps an index row as the conditions read it. `load` reads rows whole, in the order given, None for
    a row that is gone; if it yields them, it stops with the page. `weight_of` returns what a whole row takes in memory
    (`bounds.parsed_weight`). With `has_whole_rows` the index holds rows whole, and nothing is loaded.
    """

    model: type[M]
    index_query: IndexQuery
    conditions: Conditions[R]
    from_index_row: Callable[[M], R]
    load: Callable[[Sequence[M]], Iterable[R | None]]
    weight_of: Callable[[R], int]
    has_whole_rows: bool = False


@dataclass(frozen=True)
class ListPage[R]:
    """A page of whole rows, and the start of the next page; None at the end."""

    rows: tuple[R, ...]
    next_start: Start | None


def page_source[M: Model](
    model: type[M],
    index_query: IndexQuery,
    conditions: Conditions[M],
    *,
    has_whole_rows: bool = False,
    blob: Callable[[M], bytes | None] = lambda _row: None,
) -> PageSource[M, M]:
    """Return the source of pages of a model's own rows.

    Args:
        model: The model of the rows.
        index_query: The index, its partitions and the key range to read.
        conditions: The conditions that rows must meet.
        has_whole_rows: The index projects all attributes, as the table itself does.
        blob: What a row shows from S3 besides; it counts towards the page's size.
    """
    has_whole_rows = has_whole_rows or index_query.index is None
    load = list[M | None] if has_whole_rows else _load_rows
    return PageSource(
        model,
        index_query,
        conditions,
        lambda row: row,
        load,
        lambda row: parsed_weight_of(row) + parsed_weight(blob(row) or b""),
        has_whole_rows,
    )


def _load_rows[M: Model](rows: Sequence[M]) -> list[M | None]:
    keys = [key_of(row) for row in rows]
    found = batch_get(keys)
    return [found.get(key) for key in keys]


def read_page[M: Model, R](source: PageSource[M, R], page_request: PageRequest) -> ListPage[R]:
    """Read one page.

    Raises:
        InvalidArgument: the token is outside of the list.
        Unavailable: the database is not available right now.
    """
    return _PageReader(source, page_request).read()


class _PageReader[M: Model, R]:
    """A page being read: the number of rows still to skip, and the cursor of the last row seen."""

    def __init__(self, source: PageSource[M, R], page_request: PageRequest) -> None:
        self._source = source
        self._page_request = page_request
        self._conditions_before_load = _conditions_before_load(source)
        self._needs_whole = self._conditions_before_load != source.conditions
        self._skip = page_request.start.skip
        self._last = page_request.start.after
        self._is_at_end = False
        self._is_exhausted = False
        self._is_cut = False
        needed = max(self._skip + page_request.limit + 1, _LEAST_FILTERED_AT_ONCE if source.conditions else 0)
        most = EXAMINED_ROWS if self._needs_whole else EXAMINED_INDEX_ROWS
        # One more row of each partition shows whether it has ended.
        budget = ReadBudget(max(most, page_request.limit + 1 + len(source.index_query.partitions)))
        self._rows = rows_in_order(source.model, source.index_query, page_request, needed, budget)

    def read(self) -> ListPage[R]:
        found: list[R] = []
        weight_left = MAX_PAGE_WEIGHT
        while not (self._is_full(found, weight_left) or self._is_at_end or self._is_exhausted):
            batch = self._candidates(self._page_request.limit - len(found))
            for cursor, row in self._passing(batch):
                found.append(row)
                weight_left -= self._source.weight_of(row)
                if self._is_full(found, weight_left):
                    if cursor is not batch[-1][0]:
                        self._last, self._is_cut = cursor, True
                    break
        return ListPage(tuple(found), self._next_start(is_full=self._is_full(found, weight_left)))

    def _is_full(self, found: Sequence[R], weight_left: int) -> bool:
        return len(found) == self._page_request.limit or weight_left <= 0

    def _next(self) -> tuple[Cursor, M] | None:
        """Return the next index row; None at the end, or when the read budget is used up."""
        try:
            entry = next(self._rows, None)
        except BudgetExhausted:
            self._is_exhausted = True
            return None
        self._is_at_end = entry is None
        return entry

    def _candidates(self, wanted: int) -> list[tuple[Cursor, M]]:
        """Return the next index rows that may pass; more than are needed where few are expected to."""
        most = min(max(wanted, _LEAST_FILTERED_AT_ONCE) if self._needs_whole else wanted, _LOADED_AT_ONCE)
        candidates: list[tuple[Cursor, M]] = []
        while len(candidates) < most and (entry := self._next()) is not None:
            self._last, row = entry
            if not self._conditions_before_load.hold(self._source.from_index_row(row)):
                continue
            if self._skip and not self._needs_whole:
                self._skip -= 1
            else:
                candidates.append(entry)
        return candidates

    def _passing(self, candidates: Sequence[tuple[Cursor, M]]) -> Iterator[tuple[Cursor, R]]:
        """Yield the candidates that pass all conditions, whole."""
        rows = self._source.load([row for _, row in candidates])
        for (cursor, _), row in zip(candidates, rows, strict=True):
            if row is None or not self._source.conditions.hold(row):
                continue
            if self._skip:
                self._skip -= 1
                continue
            yield cursor, row

    def _next_start(self, *, is_full: bool) -> Start | None:
        if is_full and not (self._is_cut or self._is_at_end or self._is_exhausted):
            self._next()
        if self._is_at_end and not self._is_cut:
            return None
        return Start(after=self._last, skip=self._skip, order=str(self._page_request.order))


def _conditions_before_load[M: Model, R](source: PageSource[M, R]) -> Conditions[R]:
    """Return the conditions that can be tested on an index row, before its row is loaded."""
    if source.index_query.is_keys_only:
        return Conditions()
    return source.conditions if source.has_whole_rows else source.conditions.on_indexes()
