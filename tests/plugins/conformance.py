"""Keeps which rows of the conformance matrix tests have proven: ran, and passed, in `.local/conformance.json`.

A test carries `@pytest.mark.conformance("CRE-01", …)`; an id that docs/conformance_ids.txt does not list stops the run.
The report maps each test function to its rows. It is merged over runs (unit, end to end): a function that fails is
taken out, one that was not run stays as it was. Under xdist only the controller writes.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

IDS = Path("docs/conformance_ids.txt")
REPORT = Path(".local/conformance.json")
_PROPERTY = "conformance"


def known_ids(root: Path) -> frozenset[str]:
    """Return the ids of the matrix, one at the start of each line."""
    return frozenset(line.split(" ", 1)[0] for line in (root / IDS).read_text().splitlines())


class Rows:
    """The rows that each test function proved in this run, and the functions that did not pass entirely."""

    def __init__(self) -> None:
        """Nothing is known before the first test."""
        self.passed: dict[str, set[str]] = {}
        self.failed: set[str] = set()

    def add(self, report: pytest.TestReport) -> None:
        """Count one phase of one test; its ids travel in `user_properties`, which xdist carries."""
        ids = {str(value) for name, value in report.user_properties if name == _PROPERTY}
        function = report.nodeid.split("[", 1)[0]
        if report.failed:
            self.failed.add(function)
        elif ids and report.passed and report.when == "call":
            self.passed.setdefault(function, set()).update(ids)

    def merged_into(self, before: dict[str, list[str]]) -> dict[str, list[str]]:
        """Return the earlier report with what this run proved and disproved."""
        merged = before | {function: sorted(ids) for function, ids in self.passed.items()}
        return {function: merged[function] for function in sorted(merged) if function not in self.failed}


class ConformancePlugin:
    """The hooks of one session."""

    def __init__(self, root: Path) -> None:
        """Read the known ids, so that a typing error stops the run before any test."""
        self.root = root
        self.known = known_ids(root)
        self.rows = Rows()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note each test's ids where its reports will find them."""
        for item in items:
            for row in _ids_of(item):
                if row not in self.known:
                    raise pytest.UsageError(f"{item.nodeid}: {IDS} does not list the conformance id {row!r}")
                item.user_properties.append((_PROPERTY, row))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a finished phase of a test, of this process or of a worker."""
        self.rows.add(report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the report and print how many rows stand."""
        report = _write(self.root / REPORT, self.rows)
        now = {row for ids in self.rows.merged_into({}).values() for row in ids}
        ever = {row for ids in report.values() for row in ids}
        if now:
            line = f"conformance: {len(now)} rows proven in this run, {len(ever)} of {len(self.known)} in {REPORT}"
            terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Register the hooks, in workers too, which note the ids but write nothing (they have no terminal)."""
    config.pluginmanager.register(ConformancePlugin(config.rootpath), "conformance-rows")


def _ids_of(item: pytest.Item) -> Iterator[str]:
    for marker in item.iter_markers("conformance"):
        yield from marker.args


def _write(path: Path, rows: Rows) -> dict[str, list[str]]:
    before: dict[str, list[str]] = json.loads(path.read_text()) if path.exists() else {}
    report = rows.merged_into(before)
    if report != before:
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(report, indent=1) + "\n")
        part.replace(path)
    return report
