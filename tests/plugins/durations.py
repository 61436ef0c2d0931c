"""Keeps how long each test file took when it last ran as a whole, in `.local/durations.json`, for `make quick`."""

import json
from collections import Counter
from pathlib import Path

import pytest

DURATIONS = Path(".local/durations.json")

_seconds: Counter[str] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add a finished phase of a test, of this process or of a worker."""
    _seconds[report.nodeid.split("::")[0]] += report.duration  # type: ignore[assignment]  # a Counter of floats


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Write them, of whole files only."""
    chosen = config.option.keyword or config.option.markexpr or any("::" in argument for argument in config.args)
    if chosen or not _seconds:
        return
    path = config.rootpath / DURATIONS
    before: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(before | {file: round(each, 1) for file, each in _seconds.items()}, indent=1) + "\n")
    part.replace(path)
