"""Which transitions a change of an execution's row announces, and under which stable id; pure (invariant 6)."""

from collections.abc import Sequence
from hashlib import sha256

from flyteadmin.executions.models import Transition


def announced(old: Sequence[str], new: Sequence[str]) -> list[Transition]:
    """The transitions that the new row has and the old one has not; each phase once, however often it was entered."""
    known = {Transition.from_text(text).phase for text in old}
    fresh: dict[str, Transition] = {}
    for text in new:
        transition = Transition.from_text(text)
        if transition.phase not in known:
            fresh.setdefault(transition.phase, transition)
    return list(fresh.values())


def notification_id(execution: str, phase: str) -> str:
    """The id under which a phase of an execution is announced: the same at every replay of the stream."""
    return sha256(f"{execution} {phase}".encode()).hexdigest()[:32]
