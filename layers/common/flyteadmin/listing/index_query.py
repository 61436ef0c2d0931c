"""Which way into a table serves a list; pure."""

from dataclasses import dataclass

from flyteadmin.listing.conditions import UNBOUNDED, KeyRange


@dataclass(frozen=True)
class IndexQuery:
    """An index (None: the table itself), partitions of it, and the span of its sort key that is read.

    Several partitions are merged; their sort keys must be numbers. Where an index has keys only, rows are read whole
    before anything is asked of them.
    """

    index: str | None
    partitions: tuple[str, ...]
    key_range: KeyRange = UNBOUNDED
    is_keys_only: bool = False
