"""Keeps which rows of the conformance matrix tests have proven: ran, and passed, in `.local/proven.json`.

A test carries `@pytest.mark.conformance("CRE-01", …)`; an id that docs/conformance_ids.txt does not list stops the run.
The report maps each test function that ran to its rows, none if it failed, and to whether it met what is deployed
(tests/plugins/deployed.py). It is merged over runs; docs/conformance.py merges it into the record.
Under xdist only the controller writes.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.conformance import IDS, REPORT, Proof
from tests.plugins.deployed import MET

_ROW = "conformance"
_DEPLOYED = "deployed"


def known_ids(root: Path) -> frozenset[str]:
    """The ids of the matrix, one at the start of each line."""
    return frozenset(line.split(" ", 1)[0] for line in (root / IDS).read_text().splitlines())


class Proofs:
    """The results of this run for each test function that carries rows, or that failed."""

    def __init__(self) -> None:
        """Nothing is known before the first test."""
        self._passed: dict[str, set[str]] = {}
        self._failed: set[str] = set()
        self._deployed: set[str] = set()

    def add(self, report: pytest.TestReport) -> None:
        """Count one phase of one test; its ids travel in `user_properties`, which xdist carries."""
        properties = [(name, str(value)) for name, value in report.user_properties]
        ids = {value for name, value in properties if name == _ROW}
        function = report.nodeid.split("[", 1)[0]
        if ids and report.failed:
            self._failed.add(function)
        elif ids and report.passed and report.when == "call":
            self._passed.setdefault(function, set()).update(ids)
            if (_DEPLOYED, "True") in properties:
                self._deployed.add(function)

    def found(self) -> dict[str, Proof]:
        """Each function's proof."""
        proofs = {
            function: Proof(rows=sorted(ids), deployed=function in self._deployed)
            for function, ids in self._passed.items()
        }
        return proofs | {function: Proof(rows=[], deployed=False) for function in self._failed}


class ConformancePlugin:
    """The hooks of one session."""

    def __init__(self, root: Path) -> None:
        """Read the known ids, so that a typing error stops the run before any test."""
        self.root = root
        self.known = known_ids(root)
        self.proofs = Proofs()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note each test's ids where its reports will find them."""
        for item in items:
            for row in _ids_of(item):
                if row not in self.known:
                    raise pytest.UsageError(f"{item.nodeid}: {IDS} does not list the conformance id {row!r}")
                item.user_properties.append((_ROW, row))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        """Note whether the test met what is deployed, before its report is made."""
        if item.stash.get(MET, False) and (_DEPLOYED, True) not in item.user_properties:
            item.user_properties.append((_DEPLOYED, True))
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a finished phase of a test, of this process or of a worker."""
        self.proofs.add(report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the report and print how many rows this run proved."""
        found = self.proofs.found()
        _write(self.root / REPORT, found)
        if now := {row for proof in found.values() if proof["deployed"] for row in proof["rows"]}:
            terminalreporter.write_line(
                f"conformance: {len(now)} rows proven in this run; make docs adds them to docs/conformance.md"
            )


def pytest_configure(config: pytest.Config) -> None:
    """Register the hooks, in workers too, which note the ids but write nothing (they have no terminal)."""
    config.pluginmanager.register(ConformancePlugin(config.rootpath), "conformance-rows")


def _ids_of(item: pytest.Item) -> Iterator[str]:
    for marker in item.iter_markers("conformance"):
        yield from marker.args


def _write(path: Path, found: dict[str, Proof]) -> None:
    before: dict[str, Proof] = json.loads(path.read_text()) if path.exists() else {}
    report = dict(sorted((before | found).items()))
    if report != before:
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(report, indent=1) + "\n")
        part.replace(path)
