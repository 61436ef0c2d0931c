"""Pages of an index: rows in its order from behind a row on, at a cost that neither size nor place changes.

A page looks at a bounded number of rows. Where filters pass few of them, or an offset skips many, it ends early, with a
start that goes on from there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pynamodb.models import Model

from flyteadmin.clients.dynamodb.keys import key_of
from flyteadmin.clients.dynamodb.partitions import BudgetExhausted, ReadBudget, row_bytes, rows_in_order
from flyteadmin.clients.dynamodb.reads import batch_get
from flyteadmin.listing.conditions import Conditions
from flyteadmin.listing.index_query import IndexQuery
from flyteadmin.listing.requests import PageRequest
from flyteadmin.listing.tokens import Cursor, Start

EXAMINED_INDEX_ROWS = 5000
"""How many rows of an index a page looks at, at most, unless it is to give more."""

EXAMINED_ROWS = 1000
"""The same where each must be read whole before it is known to pass."""

_LEAST_FILTERED_AT_ONCE = 100
_LOADED_AT_ONCE = 500
_MAX_PAGE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class PageSource[M: Model, R]:
    """What a page reads: rows of a model, by an index query, as far as the conditions pass them.

    `from_index_row` shows an index row as the conditions test it. `load` reads whole rows, in the order given, None for
    those that are gone. `bytes_of` gives a whole row's bytes. `has_whole_rows`: the index holds the rows whole already.
    """

    model: type[M]
    index_query: IndexQuery
    conditions: Conditions[R]
    from_index_row: Callable[[M], R]
    load: Callable[[Sequence[M]], Sequence[R | None]]
    bytes_of: Callable[[R], int]
    has_whole_rows: bool = False


@dataclass(frozen=True)
class ListPage[R]:
    """A page of whole rows, and where the next one begins; None at the end."""

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
    """What a page of a model's own rows reads.

    Args:
        model: Whose rows.
        index_query: From where.
        conditions: Which of them.
        has_whole_rows: The index has them whole, as the table has.
        blob: What a row shows besides, from where it lies in S3; it counts towards the page's size.
    """
    has_whole_rows = has_whole_rows or index_query.index is None
    load = list[M | None] if has_whole_rows else _load_rows
    return PageSource(
        model,
        index_query,
        conditions,
        lambda row: row,
        load,
        lambda row: row_bytes(row) + len(blob(row) or b""),
        has_whole_rows,
    )


def _load_rows[M: Model](rows: Sequence[M]) -> list[M | None]:
    keys = [key_of(row) for row in rows]
    found = batch_get(keys)
    return [found.get(key) for key in keys]


def read_page[M: Model, R](source: PageSource[M, R], page_request: PageRequest) -> ListPage[R]:
    """Read one page.

    Raises:
        InvalidArgument: the token stands outside of what is read.
        Unavailable: the database is not available right now.
    """
    return _PageReader(source, page_request).read()


class _PageReader[M: Model, R]:
    """One page in the making: how many rows it must still skip, and the last one it saw."""

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
        # A row more of each partition tells that it has ended.
        budget = ReadBudget(max(most, page_request.limit + 1 + len(source.index_query.partitions)))
        self._rows = rows_in_order(source.model, source.index_query, page_request, needed, budget)

    def read(self) -> ListPage[R]:
        found: list[R] = []
        bytes_left = _MAX_PAGE_BYTES
        while not (self._is_full(found, bytes_left) or self._is_at_end or self._is_exhausted):
            batch = self._candidates(self._page_request.limit - len(found))
            for cursor, row in self._passing(batch):
                found.append(row)
                bytes_left -= self._source.bytes_of(row)
                if self._is_full(found, bytes_left):
                    if cursor is not batch[-1][0]:
                        self._last, self._is_cut = cursor, True
                    break
        return ListPage(tuple(found), self._next_start(is_full=self._is_full(found, bytes_left)))

    def _is_full(self, found: Sequence[R], bytes_left: int) -> bool:
        return len(found) == self._page_request.limit or bytes_left <= 0

    def _next(self) -> tuple[Cursor, M] | None:
        """The next row; None where there is none, or none may be read any more."""
        try:
            entry = next(self._rows, None)
        except BudgetExhausted:
            self._is_exhausted = True
            return None
        self._is_at_end = entry is None
        return entry

    def _candidates(self, wanted: int) -> list[tuple[Cursor, M]]:
        """The next rows that may pass; where few of them do, more than are wanted."""
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
        """Those of the candidates that pass, whole."""
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
    """What can be asked of a row before it is read whole."""
    if source.index_query.is_keys_only:
        return Conditions()
    return source.conditions if source.has_whole_rows else source.conditions.on_indexes()
