r"""Upstream's filter grammar: `function(field,value)` joined by "+", lists of values by ";" (LST-01…08); pure.

Source: flyteadmin manager/impl/util/filters.go, common/filters.go. Upstream matches each expression with the regular
expression `(.+)\((.+),\s?(.+)\)`; `split` gives the same groups in linear time, since that expression takes
minutes over some kilobytes of "(,".
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from flyteadmin.durations import parse_duration
from flyteadmin.errors import InvalidArgument, invalid
from flyteadmin.listing.columns import JOINED, PREFIXES, UPSTREAM_COLUMNS, Entity

MAX_EXPRESSIONS = 100
"""The most expressions in a request: each is tested on every row that a page examines."""

_SECONDS = re.compile(r"[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})")
_SPACE = "\t\n\f\r "
_KEYED_BY_EXECUTION = frozenset({Entity.EXECUTION, Entity.NODE_EXECUTION, Entity.TASK_EXECUTION, Entity.SIGNAL})
_KEY_FIELDS = frozenset({"project", "domain", "name"})


class Function(StrEnum):
    """The comparison that a filter makes."""

    CONTAINS = "contains"
    NOT_LIKE = "not_like"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    EQ = "eq"
    NE = "ne"
    VALUE_IN = "value_in"
    VALUE_NOT_IN = "value_not_in"


@dataclass(frozen=True)
class Filter:
    """One expression; the values of `duration` are nanoseconds, all others are still text."""

    entity: Entity
    function: Function
    field: str
    values: tuple[str | int, ...]


def parse_filters(text: str, listed: Entity) -> tuple[Filter, ...]:
    """Parse the filters of a list request, all of which must hold; "" has none.

    Raises:
        InvalidArgument: the text is not a filter, or names an entity or column that this list can't be filtered by, in
            upstream's words.
    """
    if not text:
        return ()
    expressions = text.split("+")
    if len(expressions) > MAX_EXPRESSIONS:
        raise invalid("filters", f"{len(expressions)} expressions, expected at most {MAX_EXPRESSIONS}")
    return tuple(_parsed(expression, listed) for expression in expressions)


def _parsed(expression: str, listed: Entity) -> Filter:
    parts = split(expression)
    if parts is None:
        raise invalid("filters", f"expected function(field,value), joined by '+', not {expression[:100]!r}")
    function, path, value = parts
    entity, field = _resolved(path, listed)
    if entity not in JOINED[listed]:
        raise InvalidArgument(f"'{entity}' entity is not allowed in filters")
    if field not in UPSTREAM_COLUMNS[entity]:
        raise InvalidArgument(f"'{entity}.{field[:100]}' is invalid filter")
    values = tuple(value.split(";"))
    prepared = tuple(map(_duration, values)) if field == "duration" else values
    if function not in Function:
        raise InvalidArgument(f"unrecognized filter function: {function[:100]}")
    return Filter(_entity_of_column(entity, field), Function(function), _name_of_column(entity, field), prepared)


def split(expression: str) -> tuple[str, str, str] | None:
    """Split an expression into (function, field, value).

    They are separated by the last "(", "," and ")" of the first line that has them in this order.
    """
    lines = expression.split("\n")
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        found = _split_across_lines(line, following) or _split_within_line(line)
        if found is not None:
            return found
    return None


def _split_within_line(line: str) -> tuple[str, str, str] | None:
    close = line.rfind(")")
    comma = line.rfind(",", 0, max(close - 1, 0))
    opening = line.rfind("(", 1, max(comma - 1, 0))
    if opening < 0:
        return None
    has_space = line[comma + 1] in _SPACE and close > comma + 2
    return line[:opening], line[opening + 1 : comma], line[comma + 1 + has_space : close]


def _split_across_lines(line: str, following: str) -> tuple[str, str, str] | None:
    """Split where the one space after the comma is the end of the line."""
    close = following.rfind(")")
    opening = line.rfind("(", 1, max(len(line) - 2, 0))
    if not line.endswith(",") or close < 1 or opening < 0:
        return None
    return line[:opening], line[opening + 1 : -1], following[:close]


def _resolved(path: str, listed: Entity) -> tuple[Entity, str]:
    prefix, dot, field = path.partition(".")
    if dot and prefix in PREFIXES:
        return PREFIXES[prefix], field
    return listed, path


def _entity_of_column(entity: Entity, field: str) -> Entity:
    if entity == Entity.NAMED_ENTITY and field in {"description", "state"}:
        return Entity.NAMED_ENTITY_METADATA
    return Entity.EXECUTION_TAG if entity == Entity.ADMIN_TAG else entity


def _name_of_column(entity: Entity, field: str) -> str:
    if entity in _KEYED_BY_EXECUTION and field in _KEY_FIELDS:
        return f"execution_{field}"
    return "key" if (entity, field) == (Entity.ADMIN_TAG, "name") else field


def _duration(text: str) -> int:
    """Parse a duration to nanoseconds; a bare number is in seconds (LST-08)."""
    try:
        return int(Decimal(text) * 10**9) if _SECONDS.fullmatch(text) else parse_duration(text)
    except ValueError as error:
        raise InvalidArgument(f"Failed to parse duration [{text[:100]}]: expected seconds, or e.g. 1h30m") from error
