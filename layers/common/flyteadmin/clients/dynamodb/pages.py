"""Pages of an index: rows in its order from behind a row on, at a cost that neither size nor place changes.

A page looks at a bounded number of rows. Where filters pass few of them, or an offset skips many, it ends early, with a
start that goes on from there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pynamodb.models import Model

from flyteadmin.clients.dynamodb.keys import key_of
from flyteadmin.clients.dynamodb.lanes import Allowance, Spent, in_order, weight
from flyteadmin.clients.dynamodb.reads import batch_get
from flyteadmin.listing.access import Access
from flyteadmin.listing.conditions import Conditions
from flyteadmin.listing.requests import Wanted
from flyteadmin.listing.tokens import Cursor, Start

EXAMINED_INDEX_ROWS = 5000
"""How many rows of an index a page looks at, at most, unless it is to give more."""

EXAMINED_ROWS = 1000
"""The same where each must be read whole before it is known to pass."""

_LEAST_FILTERED_AT_ONCE = 100
_LOADED_AT_ONCE = 500
_MAX_PAGE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Reading[M: Model, R]:
    """What a page reads: rows of a model, by an access, as far as the conditions pass them.

    `seen` shows an index row as the conditions ask it; `load` reads rows whole, in their order, None for those that
    are gone; `weigh` gives a whole row's bytes. `is_whole` says that they are whole already.
    """

    model: type[M]
    access: Access
    conditions: Conditions[R]
    seen: Callable[[M], R]
    load: Callable[[Sequence[M]], Sequence[R | None]]
    weigh: Callable[[R], int]
    is_whole: bool = False


@dataclass(frozen=True)
class Listed[R]:
    """A page of whole rows, and where the next one begins; None at the end."""

    rows: tuple[R, ...]
    following: Start | None


def reading[M: Model](
    model: type[M],
    access: Access,
    conditions: Conditions[M],
    *,
    is_whole: bool = False,
    blob: Callable[[M], bytes | None] = lambda _row: None,
) -> Reading[M, M]:
    """What a page of a model's own rows reads.

    Args:
        model: Whose rows.
        access: From where.
        conditions: Which of them.
        is_whole: The index has them whole, as the table has.
        blob: What a row shows besides, from where it lies in S3; it counts towards the page's size.
    """
    is_whole = is_whole or access.index is None
    load = list[M | None] if is_whole else _whole
    return Reading(
        model, access, conditions, lambda row: row, load, lambda row: weight(row) + len(blob(row) or b""), is_whole
    )


def _whole[M: Model](rows: Sequence[M]) -> list[M | None]:
    keys = [key_of(row) for row in rows]
    found = batch_get(keys)
    return [found.get(key) for key in keys]


def read_page[M: Model, R](source: Reading[M, R], asked: Wanted) -> Listed[R]:
    """Read one page.

    Raises:
        InvalidArgument: the token stands outside of what is read.
        Unavailable: the database is not available right now.
    """
    return _PageReader(source, asked).read()


class _PageReader[M: Model, R]:
    """One page in the making: how many rows it must still skip, and the last one it saw."""

    def __init__(self, source: Reading[M, R], asked: Wanted) -> None:
        self._source = source
        self._asked = asked
        self._asked_first = _asked_first(source)
        self._needs_whole = self._asked_first != source.conditions
        self._skip = asked.start.skip
        self._last = asked.start.after
        self._is_at_end = False
        self._is_spent = False
        self._is_cut = False
        needed = max(self._skip + asked.limit + 1, _LEAST_FILTERED_AT_ONCE if source.conditions else 0)
        most = EXAMINED_ROWS if self._needs_whole else EXAMINED_INDEX_ROWS
        # A row more of each partition tells that it has ended.
        allowance = Allowance(max(most, asked.limit + 1 + len(source.access.partitions)))
        self._rows = in_order(source.model, source.access, asked, needed, allowance)

    def read(self) -> Listed[R]:
        found: list[R] = []
        bytes_left = _MAX_PAGE_BYTES
        while not (self._is_full(found, bytes_left) or self._is_at_end or self._is_spent):
            batch = self._candidates(self._asked.limit - len(found))
            for cursor, row in self._passing(batch):
                found.append(row)
                bytes_left -= self._source.weigh(row)
                if self._is_full(found, bytes_left):
                    if cursor is not batch[-1][0]:
                        self._last, self._is_cut = cursor, True
                    break
        return Listed(tuple(found), self._following(is_full=self._is_full(found, bytes_left)))

    def _is_full(self, found: Sequence[R], bytes_left: int) -> bool:
        return len(found) == self._asked.limit or bytes_left <= 0

    def _next(self) -> tuple[Cursor, M] | None:
        """The next row; None where there is none, or none may be read any more."""
        try:
            entry = next(self._rows, None)
        except Spent:
            self._is_spent = True
            return None
        self._is_at_end = entry is None
        return entry

    def _candidates(self, wanted: int) -> list[tuple[Cursor, M]]:
        """The next rows that may pass; where few of them do, more than are wanted."""
        most = min(max(wanted, _LEAST_FILTERED_AT_ONCE) if self._needs_whole else wanted, _LOADED_AT_ONCE)
        candidates: list[tuple[Cursor, M]] = []
        while len(candidates) < most and (entry := self._next()) is not None:
            self._last, row = entry
            if not self._asked_first.hold(self._source.seen(row)):
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

    def _following(self, *, is_full: bool) -> Start | None:
        if is_full and not (self._is_cut or self._is_at_end or self._is_spent):
            self._next()
        if self._is_at_end and not self._is_cut:
            return None
        return Start(after=self._last, skip=self._skip, order=str(self._asked.order))


def _asked_first[M: Model, R](source: Reading[M, R]) -> Conditions[R]:
    """What can be asked of a row before it is read whole."""
    if source.access.is_keys_only:
        return Conditions()
    return source.conditions if source.is_whole else source.conditions.on_indexes()
