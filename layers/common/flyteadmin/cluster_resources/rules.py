"""Decides what is due in a namespace; pure. Times are in seconds.

What differs from what was applied is due at once, what failed after a pause that grows, and everything once a day
against drift, each namespace at its own moment of the day.
"""

from hashlib import sha256
from typing import Protocol

DAY = 24 * 60 * 60
_FIRST_PAUSE, _LONGEST_PAUSE = 4 * 60, 60 * 60
"""The first is below the time between two sweeps, so that the next one tries again."""
_NANOSECONDS = 1_000_000_000


class Applied(Protocol):
    """A row of a namespace, as far as it decides, see `models.py: NamespaceRow`; times are in ns."""

    @property
    def cluster(self) -> str: ...
    @property
    def place(self) -> str: ...
    @property
    def digest(self) -> str | None: ...
    @property
    def applied_at(self) -> float | None: ...
    @property
    def tried(self) -> str | None: ...
    @property
    def failed_at(self) -> float | None: ...
    @property
    def attempts(self) -> float: ...


def is_due(row: Applied | None, wanted: str, now: float) -> bool:
    """Return whether the templates are to be applied; `wanted` is the digest of what should be there."""
    if row is None:
        return True
    if row.attempts and row.tried == wanted:
        return now >= (row.failed_at or 0) / _NANOSECONDS + _pause(int(row.attempts))
    if row.digest != wanted:
        return True
    return (row.applied_at or 0) / _NANOSECONDS < daily_moment(row.cluster, row.place, now)


def daily_moment(cluster: str, place: str, now: float) -> float:
    """Return the last moment at which this namespace's turn of the day came; turns are spread over the day."""
    turn = int.from_bytes(sha256(f"{cluster}/{place}".encode()).digest()[:8]) % DAY
    return now - (now - turn) % DAY


def _pause(attempts: int) -> float:
    return min(_FIRST_PAUSE * 2.0 ** min(attempts - 1, 16), _LONGEST_PAUSE)
