"""The history of the objects, in order, as far back as it is kept; watches read it."""

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from local.cluster.kinds import Kind
from local.cluster.objects import Object
from local.cluster.selectors import Selector
from local.cluster.status import expired


@dataclass(frozen=True)
class Event:
    """One line of a watch."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: Object


@dataclass(frozen=True)
class Change:
    """One object before and after; its version is the store's at that moment."""

    version: int
    kind: Kind
    before: Object | None
    after: Object | None

    def seen_by(self, kind: Kind, namespace: str | None, selector: Selector) -> Event | None:
        """Return the event of a watch on this; an object that leaves the selection is DELETED for it."""
        if kind != self.kind:
            return None
        before = self.before if _selects(namespace, selector, self.before) else None
        after = self.after if _selects(namespace, selector, self.after) else None
        if after:
            return Event("MODIFIED" if before else "ADDED", after)
        if before:
            last = self.after or before
            return Event("DELETED", last.with_metadata(resource_version=str(self.version)))
        return None


class History:
    """The last changes; their versions follow one another without a gap."""

    def __init__(self, limit: int) -> None:
        """Keep as many changes as `limit`."""
        self._changes: deque[Change] = deque(maxlen=limit)

    def append(self, change: Change) -> None:
        self._changes.append(change)

    def check(self, version: int) -> None:
        """Make sure that nothing after this version has been forgotten.

        Raises:
            Refused: 410, the caller has to list again.
        """
        if self._changes and version < self._changes[0].version - 1:
            raise expired(f"too old resource version: {version} ({self._changes[0].version - 1})")

    def after(self, version: int) -> list[Change]:
        """Return the changes above this version; errors as `check`."""
        self.check(version)
        if not self._changes:
            return []
        return list(islice(self._changes, max(0, version + 1 - self._changes[0].version), None))


def _selects(namespace: str | None, selector: Selector, item: Object | None) -> bool:
    return item is not None and namespace in {None, item.metadata.namespace} and selector.matches(item)
