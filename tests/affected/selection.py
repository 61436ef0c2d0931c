"""Chooses the tests of a change: the nearest first, as many as fit the time."""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

_LEFT = ("tests/e2e/", "tests/property/", "tests/infrastructure/test_layers.py")
"""They take minutes, or need `make build`."""
_TEST = re.compile(r"^ *def test_", re.MULTILINE)
_SECONDS_PER_TEST = 0.4
"""Of a test that has not run on this machine yet."""


class Selection(NamedTuple):
    """Test files by path: `chosen` are run; `far` are touched too, but don't fit; `left` belong to `make test`."""

    chosen: tuple[str, ...]
    far: tuple[str, ...]
    left: tuple[str, ...]


def select(
    changed: frozenset[str], distances: Mapping[str, int], seconds: Mapping[str, float], budget: float
) -> Selection:
    """Choose among the test files that `distances` reaches.

    Args:
        changed: The files that changed; a test file among them is always chosen.
        distances: The steps from a change to each file that it touches.
        seconds: What each test file takes.
        budget: The seconds that all may take together.
    """
    tests = [file for file in distances if PurePosixPath(file).name.startswith("test_") and file.endswith(".py")]
    left = {file for file in tests if file.startswith(_LEFT)} - changed
    chosen: list[str] = []
    far: list[str] = []
    spent = 0.0
    for file in sorted(set(tests) - left, key=lambda file: (distances[file], seconds[file], file)):
        fits = not far and spent + seconds[file] <= budget
        (chosen if file in changed or fits else far).append(file)
        spent += seconds[file]
    return Selection(tuple(sorted(chosen)), tuple(sorted(far)), tuple(sorted(left)))


def estimate(root: Path, file: str, measured: Mapping[str, float]) -> float:
    """Return the seconds of a test file: as they were measured on this machine, or so many for each test."""
    return measured[file] if file in measured else _SECONDS_PER_TEST * len(_TEST.findall((root / file).read_text()))
