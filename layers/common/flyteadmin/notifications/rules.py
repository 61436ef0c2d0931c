"""Decides which phases a change of a row announces, and under which id; pure (invariant 6)."""

from collections.abc import Sequence
from hashlib import sha256

from flyteadmin.executions.phases import Transition


def announced(old: Sequence[str], new: Sequence[str]) -> list[Transition]:
    """Return the transitions that only the new row has; each phase once, even if it was entered again."""
    known = {Transition.from_text(text).phase for text in old}
    fresh: dict[str, Transition] = {}
    for text in new:
        transition = Transition.from_text(text)
        if transition.phase not in known:
            fresh.setdefault(transition.phase, transition)
    return list(fresh.values())


def notification_id(execution: str, phase: str) -> str:
    """Return the id of an execution's phase, which is the same at every replay of the stream."""
    return sha256(f"{execution} {phase}".encode()).hexdigest()[:32]
