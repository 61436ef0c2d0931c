"""The query on a table or an index that answers a list; pure."""

from dataclasses import dataclass

from flyteadmin.listing.conditions import UNBOUNDED, KeyRange


@dataclass(frozen=True)
class IndexQuery:
    """An index (None: the table itself), the partitions to read, and the range of the sort key.

    Several partitions are merged by their sort keys, which must be numbers then. If the index projects keys only, rows
    are loaded before any condition is tested.
    """

    index: str | None
    partitions: tuple[str, ...]
    key_range: KeyRange = UNBOUNDED
    is_keys_only: bool = False
