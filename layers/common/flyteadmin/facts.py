"""What events say about an entity, as facts that compose: the one rule behind the reducers and the fast path.

A fact set *once* stays as it was first set (a start, the inputs); a *latest* fact follows the latest accepted event
(the phase, the outcome), None removing it. Facts compose associatively, so the facts of a batch can be folded before
they meet the row: `row.then(a).then(b) == row.then(a.then(b))`. DynamoDB renders the same rule as `if_not_exists`
and plain `SET`/`REMOVE` (`fact_actions` of clients/dynamodb/writes.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

type Value = str | int | bytes | bool | None


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

    def removing_stale(self, names: Iterable[str]) -> "Facts":
        """Remove every latest fact among `names` that the log no longer yields.

        `names` are those of all facts that the log's events carry. A row may still hold one of them, written by an
        event that was applied before an earlier one arrived.
        """
        names = set(names) - set(self.once)
        return Facts(self.once, {**dict.fromkeys(names), **self.latest}, self.transitions, self.sequence)

    def values(self) -> dict[str, Value]:
        """All facts by attribute name, without those that were removed."""
        return {name: value for name, value in {**self.once, **self.latest}.items() if value is not None}
