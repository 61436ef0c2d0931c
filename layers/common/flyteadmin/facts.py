"""Facts: what events say about the attributes of a row, in a form that can be combined.

A fact that is set *once* keeps its first value (the start, the inputs). A *latest* fact takes the value of the latest
accepted event (the phase, the outcome); None removes it.

Combining facts is associative, so the facts of a batch can be combined before they meet the row: `row.then(a).then(b)
== row.then(a.then(b))`. That makes one rule of two writers: the reducers, which rebuild a row from its log, and the
fast path, which DynamoDB applies as `if_not_exists`, `SET` and `REMOVE` (`fact_actions` in clients/dynamodb/writes.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

type Value = str | int | bytes | bool | None


@dataclass(frozen=True)
class Facts:
    """Facts by attribute name, the accepted transitions in order, and the highest sequence seen."""

    once: Mapping[str, Value] = field(default_factory=dict)
    latest: Mapping[str, Value] = field(default_factory=dict)
    transitions: tuple[str, ...] = ()
    sequence: str = ""

    @property
    def phase(self) -> str:
        """Return the phase that the facts lead to, "" if no event was accepted."""
        return str(self.latest.get("phase", ""))

    def then(self, later: "Facts") -> "Facts":
        """Combine these facts with those of a later accepted event."""
        return Facts(
            {**later.once, **self.once},
            {**self.latest, **later.latest},
            self.transitions + later.transitions,
            max(self.sequence, later.sequence),
        )

    def filled_by(self, late: "Facts", links: Iterable[str] = ()) -> "Facts":
        """Fill in what is still missing from an event that was not accepted.

        `links` names latest facts that such an event may fill too. A fact that is in both `once` and `latest` counts as
        the latest one.
        """
        linked = {name: late.latest[name] for name in links if name in late.latest}
        once = {**linked, **late.once, **self.once}
        return Facts(once, self.latest, self.transitions, max(self.sequence, late.sequence))

    def removing_stale(self, names: Iterable[str]) -> "Facts":
        """Remove every latest fact among `names` that these facts do not set.

        `names` are the latest facts of all events in the log, accepted or not. The row may still hold one that was
        written before an earlier event arrived.
        """
        names = set(names) - set(self.once)
        return Facts(self.once, {**dict.fromkeys(names), **self.latest}, self.transitions, self.sequence)

    def without_told(self, values: Mapping[str, object]) -> dict[str, object]:
        """Drop the values of a row that these facts of one event explain; a transition is a name of its own."""
        told = {**self.once, **self.latest, "sequence": self.sequence, **dict.fromkeys(self.transitions, True)}
        return {name: value for name, value in values.items() if told.get(name) != value}

    def values(self) -> dict[str, Value]:
        """Return all facts by attribute name, without removed ones."""
        return {name: value for name, value in {**self.once, **self.latest}.items() if value is not None}
