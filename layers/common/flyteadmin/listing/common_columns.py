"""Columns that several nouns share: the parts of a "project:domain:name", times and durations; pure."""

from collections.abc import Callable

from flyteadmin.identifiers import key_parts
from flyteadmin.listing.columns import Entity
from flyteadmin.listing.conditions import Column, Columns, Kind

NAME = ("project", "domain", "name")
EXECUTION_NAME = ("execution_project", "execution_domain", "execution_name")


def name_columns[R](entity: Entity, key: Callable[[R], str | None], fields: tuple[str, str, str] = NAME) -> Columns[R]:
    """Make the columns of the project, domain and name in a row's key; absent where the key is None."""
    return {(entity, field): _part(key, number) for number, field in enumerate(fields)}


def _part[R](key: Callable[[R], str | None], number: int) -> Column[R]:
    def of(row: R) -> str | None:
        named = key(row)
        return key_parts(named)[number] if named is not None else None

    return Column(Kind.TEXT, of)


def moment(nanoseconds: float | None) -> int | None:
    """Convert a time as rows hold it to a column's value."""
    return int(nanoseconds) if nanoseconds is not None else None


def duration(started_at: float | None, ended_at: float | None) -> int:
    """Return the time from start to end; 0 unless both are known, as upstream stores it."""
    return int(ended_at - started_at) if started_at is not None and ended_at is not None else 0
