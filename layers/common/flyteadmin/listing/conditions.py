"""Filters as tests on rows: typed values, SQL's comparisons, and the key range they imply; pure.

As in SQL, no comparison with an absent value is true, `ne` included. Values of another type than the column's are
refused; upstream passes them to its database and answers UNKNOWN (KD-35, LST-10).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from flyteadmin.errors import InvalidArgument, invalid
from flyteadmin.listing.columns import Entity
from flyteadmin.listing.filters import Filter, Function
from flyteadmin.timestamps import parse_timestamp

type Value = str | int

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_LIKE_TOKEN = re.compile(r"\\(.)|([%_])|(.)", re.DOTALL)


class Kind(Enum):
    """The type of a column's values; times and durations are nanoseconds."""

    TEXT = "text"
    INTEGER = "a whole number"
    TIME = "a time such as 2024-01-31T12:00:00Z"
    DURATION = "a duration"


@dataclass(frozen=True)
class Column[R]:
    """A column of rows: its type, a function that reads it, and whether the indexes project it."""

    kind: Kind
    value_of: Callable[[R], Value | None]
    is_projected: bool = True


type Columns[R] = Mapping[tuple[Entity, str], Column[R]]


@dataclass(frozen=True)
class KeyRange:
    """The range of a sort key, both ends included; None where it is open."""

    low: Value | None = None
    high: Value | None = None


UNBOUNDED = KeyRange()


@dataclass(frozen=True)
class Condition[R]:
    """A filter with its column and typed values."""

    filter: Filter
    column: Column[R]
    values: tuple[Value, ...]
    test: Callable[[Value], bool]

    def holds(self, row: R) -> bool:
        """Return whether a row meets the condition."""
        value = self.column.value_of(row)
        return value is not None and self.test(value)


@dataclass(frozen=True)
class Conditions[R]:
    """All conditions of a request; `others` are tests of whole rows that no column stands for."""

    all: tuple[Condition[R], ...] = ()
    others: tuple[Callable[[R], bool], ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is any condition."""
        return bool(self.all or self.others)

    def hold(self, row: R) -> bool:
        """Return whether a row meets all conditions."""
        return all(condition.holds(row) for condition in self.all) and all(holds(row) for holds in self.others)

    def allow(self, entity: Entity, field: str, value: Value) -> bool:
        """Return whether rows with this value in a column may meet the conditions."""
        return all(condition.test(value) for condition in self._on(entity, field))

    def exact_text(self, entity: Entity, field: str) -> str:
        """Return the one text that the conditions leave for a column, "" if there may be several."""
        wanted = (Function.EQ, Function.VALUE_IN)
        sets = [set(condition.values) for condition in self._on(entity, field) if condition.filter.function in wanted]
        values = set.intersection(*sets) if sets else set()
        return str(next(iter(values))) if len(values) == 1 else ""

    def key_range(self, entity: Entity, field: str) -> KeyRange:
        """Return the range that the conditions leave for a column."""
        lows, highs = [], []
        for condition in self._on(entity, field):
            function = condition.filter.function
            if function in {Function.EQ, Function.GT, Function.GTE}:
                lows.append(condition.values[0])
            if function in {Function.EQ, Function.LT, Function.LTE}:
                highs.append(condition.values[0])
        return KeyRange(max(lows, default=None), min(highs, default=None))

    def on_indexes(self) -> "Conditions[R]":
        """Return the conditions whose columns the indexes project."""
        return Conditions(tuple(condition for condition in self.all if condition.column.is_projected))

    def _on(self, entity: Entity, field: str) -> Iterable[Condition[R]]:
        key = (entity, field)
        return (condition for condition in self.all if (condition.filter.entity, condition.filter.field) == key)


def conditions_of[R](filters: Sequence[Filter], columns: Columns[R]) -> Conditions[R]:
    """Make conditions of filters.

    Raises:
        InvalidArgument: upstream has the column but this list can't be filtered by it; or the function or a value does
            not fit the column.
    """
    return Conditions(tuple(_condition(given, columns) for given in filters))


def _condition[R](given: Filter, columns: Columns[R]) -> Condition[R]:
    column = columns.get((given.entity, given.field))
    if column is None:
        known = ", ".join(sorted(f"{entity}.{field}" for entity, field in columns))
        raise invalid("filters", f"this list can't be filtered by '{given.entity}.{given.field}', only by {known}")
    values = tuple(_typed(given, column.kind, value) for value in given.values)
    return Condition(given, column, values, _test(given, column.kind, values))


def _typed(given: Filter, kind: Kind, value: Value) -> Value:
    try:
        match kind, value:
            case Kind.TIME, str():
                return parse_timestamp(value)
            case Kind.INTEGER, str() if not _INTEGER.fullmatch(value):
                raise ValueError
            case Kind.INTEGER, _:
                return int(value)
    except ValueError:
        raise invalid("filters", f"'{given.field}' is {kind.value}, not {str(value)[:100]!r}") from None
    return value


def _test(given: Filter, kind: Kind, values: tuple[Value, ...]) -> Callable[[Value], bool]:
    several = frozenset(values)
    if given.function == Function.VALUE_IN:
        return several.__contains__
    if given.function == Function.VALUE_NOT_IN:
        return lambda value: value not in several
    if len(values) != 1:
        raise invalid("filters", f"{given.function} takes one value; value_in and value_not_in take a list")
    if given.function in {Function.CONTAINS, Function.NOT_LIKE} and kind != Kind.TEXT:
        raise invalid("filters", f"'{given.field}' is {kind.value}, and {given.function} is about text")
    return _single(given.function, values[0])


def _single(function: Function, wanted: Value) -> Callable[[Value], bool]:
    pattern = like(f"%{wanted}%" if function == Function.CONTAINS else str(wanted)) if _is_like(function) else None
    tests: Mapping[Function, Callable[[Value], bool]] = {
        Function.CONTAINS: lambda value: pattern is not None and pattern.match(str(value)) is not None,
        Function.NOT_LIKE: lambda value: pattern is not None and pattern.match(str(value)) is None,
        Function.GT: lambda value: value > wanted,  # type: ignore[operator]  # both are of the column's type
        Function.GTE: lambda value: value >= wanted,  # type: ignore[operator]
        Function.LT: lambda value: value < wanted,  # type: ignore[operator]
        Function.LTE: lambda value: value <= wanted,  # type: ignore[operator]
        Function.EQ: lambda value: value == wanted,
        Function.NE: lambda value: value != wanted,
    }
    return tests[function]


def _is_like(function: Function) -> bool:
    return function in {Function.CONTAINS, Function.NOT_LIKE}


def like(pattern: str) -> re.Pattern[str]:
    r"""Compile a pattern of SQL's LIKE: "%" is any text, "_" one character, "\" escapes the next character.

    The text between two "%" is matched at its first occurrence and stays there (an atomic group), so that matching
    takes linear time for each piece of the pattern.

    Raises:
        InvalidArgument: the pattern ends in a lone backslash.
    """
    pieces = [""]
    for escaped, wildcard, plain in _LIKE_TOKEN.findall(pattern):
        if wildcard == "%":
            pieces.append("")
        elif plain == "\\":
            raise InvalidArgument("invalid value for filters: a pattern can't end in a backslash")
        else:
            pieces[-1] += "." if wildcard else re.escape(escaped or plain)
    if len(pieces) == 1:
        return re.compile(rf"(?s:{pieces[0]})\Z")
    first, *middle, last = pieces
    found = "".join(f"(?>.*?{piece})" for piece in middle if piece)
    return re.compile(rf"(?s:{first}{found}.*{last})\Z")
