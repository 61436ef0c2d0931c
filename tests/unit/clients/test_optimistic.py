"""The loop of optimistic writes: its bound, its pauses and its error; the clock is the test's."""

import random
import time

import pytest

from flyteadmin.clients.dynamodb.calls import back_off
from flyteadmin.clients.dynamodb.optimistic import MAX_ATTEMPTS, attempts
from flyteadmin.errors import Unavailable


class Pauses:
    """Records the pauses that a loop asked for instead of sleeping."""

    def __init__(self) -> None:
        self.before: list[int] = []

    def __call__(self, attempt: int) -> None:
        self.before.append(attempt)


def test_a_write_that_succeeds_at_once_never_pauses() -> None:
    pauses = Pauses()
    for _ in attempts("a row", pauses):
        break
    assert pauses.before == []


@pytest.mark.parametrize("conflicts", [1, 5, MAX_ATTEMPTS - 1])
def test_each_conflict_costs_one_pause_longer_than_the_last(conflicts: int) -> None:
    pauses, seen = Pauses(), []
    for attempt in attempts("a row", pauses):
        seen.append(attempt)
        if attempt == conflicts:
            break
    assert seen == list(range(conflicts + 1))
    assert pauses.before == list(range(conflicts))


def test_when_attempts_run_out_the_caller_is_told_to_try_again_without_a_last_pause() -> None:
    pauses = Pauses()
    seen: list[int] = []
    with pytest.raises(Unavailable, match="project x is being written by many at once, try again"):
        seen.extend(attempts("project x", pauses))
    assert len(seen) == MAX_ATTEMPTS
    assert pauses.before == list(range(MAX_ATTEMPTS - 1))


def test_what_an_attempt_raises_passes_through() -> None:
    def write() -> None:
        for _ in attempts("a row", Pauses()):
            raise LookupError

    with pytest.raises(LookupError):
        write()


def test_pauses_are_random_grow_and_stay_within_what_a_request_can_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds: list[float] = []
    slept: list[float] = []

    def longest(low: float, high: float) -> float:
        assert low == 0
        bounds.append(high)
        return high

    monkeypatch.setattr(random, "uniform", longest)
    monkeypatch.setattr(time, "sleep", slept.append)
    with pytest.raises(Unavailable):
        list(attempts("a row", back_off))
    assert slept == bounds == sorted(bounds)
    assert sum(slept) < 8
