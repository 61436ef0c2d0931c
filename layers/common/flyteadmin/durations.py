"""Go's durations: "10s", "-1.5h", "1h2m3.5s", "0"; what clients send in queries and operators write in YAML; pure."""

import re
from collections.abc import Mapping
from decimal import Decimal

_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_NANOSECONDS: Mapping[str, int] = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_MOST_NANOSECONDS = 2**63
_MOST_CHARACTERS = 100


def parse_duration(text: str) -> int:
    """Return the nanoseconds that a text stands for.

    Raises:
        ValueError: no duration, or one that Go's 64 bits don't hold.
    """
    unsigned = text[1:] if text[:1] in {"+", "-"} else text
    # Bounded, since the conversion of a million digits takes minutes.
    parts = _PART.findall(unsigned[:_MOST_CHARACTERS])
    if unsigned != "0" and (not parts or "".join(number + unit for number, unit in parts) != unsigned):
        raise ValueError(f"{text[:100]!r} is not a duration such as 10s or 1h30m")
    nanoseconds = int(sum(Decimal(number) * _NANOSECONDS[unit] for number, unit in parts))
    if nanoseconds >= _MOST_NANOSECONDS:
        raise ValueError(f"{text[:100]!r} is too long a duration")
    return -nanoseconds if text.startswith("-") else nanoseconds
