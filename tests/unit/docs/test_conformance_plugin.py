"""The plugin that keeps which rows were proven by tests that ran and passed."""

import json
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import pytest

@pytest.mark.conformance("CRE-01", "CRE-02")
def test_passes(): ...

@pytest.mark.conformance("CRE-03")
def test_fails(): assert False

@pytest.mark.conformance("CRE-03")
@pytest.mark.skip(reason="not here")
def test_is_skipped(): ...

@pytest.mark.conformance("CRE-03")
@pytest.mark.parametrize("number", [1, 2])
def test_fails_once(number): assert number == 1

@pytest.fixture
def broken():
    yield
    raise RuntimeError

@pytest.mark.conformance("CRE-03")
def test_fails_afterwards(broken): ...

def test_without_rows(): ...
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project of its own, whose tests run with the plugin in a process of their own."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3]))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makeconftest('pytest_plugins = ["tests.plugins.conformance"]')
    pytester.makeini("[pytest]\nmarkers = conformance(*ids): rows\n")
    docs = pytester.mkdir("docs")
    (docs / "conformance_ids.txt").write_text("CRE-01 first\nCRE-02 second\nCRE-03 third\n")
    return pytester


def report(project: pytest.Pytester) -> dict[str, list[str]]:
    proven: dict[str, list[str]] = json.loads((project.path / ".local/conformance.json").read_text())
    return proven


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "xdist"])
def test_rows_count_when_the_whole_function_ran_and_passed(project: pytest.Pytester, workers: list[str]) -> None:
    project.makepyfile(test_x=TESTS)
    result = project.runpytest_subprocess("-p", "no:cacheprovider", *workers)
    assert report(project) == {"test_x.py::test_passes": ["CRE-01", "CRE-02"]}
    result.stdout.fnmatch_lines(["*conformance: 2 rows proven in this run, 2 of 3 in *"])


def test_a_later_run_adds_and_takes_away(project: pytest.Pytester) -> None:
    path = project.makepyfile(test_x=TESTS)
    project.runpytest_subprocess()
    path.write_text(TESTS.replace("def test_fails(): assert False", "def test_fails(): ..."))
    project.runpytest_subprocess("-k", "test_fails and not once and not afterwards")
    assert report(project) == {"test_x.py::test_fails": ["CRE-03"], "test_x.py::test_passes": ["CRE-01", "CRE-02"]}

    path.write_text(TESTS)
    project.runpytest_subprocess("-k", "test_fails")
    assert report(project) == {"test_x.py::test_passes": ["CRE-01", "CRE-02"]}


def test_an_unknown_id_stops_the_run(project: pytest.Pytester) -> None:
    project.makepyfile('import pytest\n\n@pytest.mark.conformance("CRE-99")\ndef test_a(): ...')
    result = project.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*does not list the conformance id 'CRE-99'*"])
