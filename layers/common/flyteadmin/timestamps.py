"""Protobuf timestamps as the integers that rows hold: nanoseconds since the epoch, so that none is lost."""

import re
from datetime import UTC, datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

NANOSECONDS = 1_000_000_000
_FIRST_SECOND = -62_135_596_800
_LAST_SECOND = 253_402_300_799
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITTEN = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9})\d*)?\s?([Zz]|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)


def to_nanoseconds(timestamp: Timestamp) -> int:
    """Nanoseconds since the epoch."""
    return timestamp.seconds * NANOSECONDS + timestamp.nanos


def to_timestamp(nanoseconds: float) -> Timestamp:
    """Return the timestamp of so many nanoseconds since the epoch."""
    seconds, nanos = divmod(int(nanoseconds), NANOSECONDS)
    return Timestamp(seconds=seconds, nanos=nanos)


def to_duration(nanoseconds: float) -> Duration:
    """Return a duration in protobuf's form, where seconds and nanos carry the same sign."""
    whole = int(nanoseconds)
    sign = -1 if whole < 0 else 1
    seconds, nanos = divmod(abs(whole), NANOSECONDS)
    return Duration(seconds=sign * seconds, nanos=sign * nanos)


def to_datetime(nanoseconds: float) -> datetime:
    """Return an aware UTC datetime, cut to microseconds."""
    return datetime.fromtimestamp(int(nanoseconds) // NANOSECONDS, UTC).replace(
        microsecond=int(nanoseconds) % NANOSECONDS // 1000
    )


def from_datetime(moment: datetime) -> int:
    """Nanoseconds since the epoch of an aware datetime, in whole microseconds as it has them."""
    return int(moment.timestamp()) * NANOSECONDS + moment.microsecond * 1000


def is_valid(timestamp: Timestamp) -> bool:
    """Return whether a timestamp lies in protobuf's range, years 1 to 9999."""
    return _FIRST_SECOND <= timestamp.seconds <= _LAST_SECOND and 0 <= timestamp.nanos < NANOSECONDS


def parse_timestamp(text: str) -> int:
    """Nanoseconds since the epoch of a date, or a date and time as ISO 8601 writes it; UTC where it names no zone.

    Raises:
        ValueError: no such time.
    """
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(f"{text[:100]!r} is not a time such as 2024-01-31T12:00:00Z")
    date, clock, fraction, zone = written.groups()
    moment = datetime.fromisoformat(f"{date}T{clock or '00:00'}{'+00:00' if zone in {None, 'Z', 'z'} else zone}")
    seconds = round((moment - _EPOCH).total_seconds())
    return seconds * NANOSECONDS + int((fraction or "").ljust(9, "0"))
