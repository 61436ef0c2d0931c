"""What events say about an entity, as facts that compose: the one rule behind the reducers and the fast path.

A fact set *once* stays as it was first set (a start, the inputs); a *latest* fact follows the latest accepted event
(the phase, the outcome), None removing it. Facts compose associatively, so the facts of a batch can be folded before
they meet the row: `row.then(a).then(b) == row.then(a.then(b))`. DynamoDB renders the same rule as `if_not_exists`
and plain `SET`/`REMOVE` (`fact_actions` of clients/dynamodb/writes.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

type Value = str | int | bytes | bool | None

MAX_URI_BYTES = 2048
"""A longer URI is cut before it goes into a row: no object store has one, and an item must never outgrow its table."""


@dataclass(frozen=True)
class Facts:
    """Facts by attribute name, the accepted transitions in order, and the highest sequence that was considered."""

    once: Mapping[str, Value] = field(default_factory=dict)
    latest: Mapping[str, Value] = field(default_factory=dict)
    transitions: tuple[str, ...] = ()
    sequence: str = ""

    @property
    def phase(self) -> str:
        """The phase that the facts lead to, "" if none was accepted."""
        return str(self.latest.get("phase", ""))

    def then(self, later: "Facts") -> "Facts":
        """These facts, followed by those of a later accepted event."""
        return Facts(
            {**later.once, **self.once},
            {**self.latest, **later.latest},
            self.transitions + later.transitions,
            max(self.sequence, later.sequence),
        )

    def filled_by(self, late: "Facts", links: Iterable[str] = ()) -> "Facts":
        """These facts, with those that are still missing taken from an event that moves nothing.

        `links` are latest facts that such an event may fill too. A fact that is in both `once` and `latest` is the
        latest one.
        """
        linked = {name: late.latest[name] for name in links if name in late.latest}
        once = {**linked, **late.once, **self.once}
        return Facts(once, self.latest, self.transitions, max(self.sequence, late.sequence))

    def settling(self, said: Iterable[str]) -> "Facts":
        """These facts, and the removal of each latest fact that a log's events `said` and these no longer hold.

        A row may hold one still, of an event that was applied before an earlier one arrived.
        """
        names = set(said) - set(self.once)
        return Facts(self.once, {**dict.fromkeys(names), **self.latest}, self.transitions, self.sequence)

    def values(self) -> dict[str, Value]:
        """All facts by attribute name, without those that were removed."""
        return {name: value for name, value in {**self.once, **self.latest}.items() if value is not None}


def fitted(uri: str) -> str:
    """A URI as a row may hold it."""
    return cut(uri, MAX_URI_BYTES)


def cut(text: str, limit: int) -> str:
    """Text of at most so many bytes, whole characters of it."""
    encoded = text.encode()
    return text if len(encoded) <= limit else encoded[:limit].decode(errors="ignore")


def enum_name(enum: EnumTypeWrapper, number: int) -> str:
    """An enum's value by name; a number that this version does not know stays a number, as Go prints it."""
    return enum.Name(number) if number in enum.values() else str(number)
