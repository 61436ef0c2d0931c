"""The plugins that keep which rows were proven by tests that ran, passed, and met what is deployed."""

import json
from pathlib import Path

import pytest

from docs.conformance import Proof

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

MEETINGS = """
import pytest
from flyteadmin.api.handler import api_handler
from functions.get_server_info.handler import lambda_handler
from tests.aws_events import Context, http_event

EVENT = http_event("GET", "/api/v1/version")

@pytest.fixture
def asked_before():
    lambda_handler(EVENT, Context())

@pytest.mark.conformance("CRE-01")
def test_a_functions_handler(): lambda_handler(EVENT, Context())

@pytest.mark.conformance("CRE-01")
def test_a_handler_of_its_own(): api_handler({})(EVENT, Context())

@pytest.mark.conformance("CRE-01")
def test_a_fixture_asked(asked_before): ...
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project of its own, whose tests run with the plugin in a process of their own."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3]))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # hypothesis and schemathesis take seconds to import
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makeconftest('pytest_plugins = ["tests.plugins.deployed", "tests.plugins.conformance"]')
    pytester.makeini("[pytest]\nmarkers = conformance(*ids): rows\n")
    docs = pytester.mkdir("docs")
    (docs / "conformance_ids.txt").write_text("CRE-01 first\nCRE-02 second\nCRE-03 third\n")
    return pytester


def report(project: pytest.Pytester) -> dict[str, Proof]:
    proven: dict[str, Proof] = json.loads((project.path / ".local/proven.json").read_text())
    return proven


def rows(project: pytest.Pytester) -> dict[str, list[str]]:
    """The rows by the name of the test."""
    return {test.removeprefix("test_x.py::test_"): proof["rows"] for test, proof in report(project).items()}


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]], ids=["one process", "xdist"])
def test_rows_count_when_the_whole_function_ran_and_passed(project: pytest.Pytester, workers: list[str]) -> None:
    project.makepyfile(test_x=TESTS)
    result = project.runpytest_subprocess("-p", "no:cacheprovider", *workers)
    assert rows(project) == {"passes": ["CRE-01", "CRE-02"], "fails": [], "fails_once": [], "fails_afterwards": []}
    result.stdout.no_fnmatch_line("conformance: *")


def test_a_later_run_adds_and_takes_away(project: pytest.Pytester) -> None:
    path = project.makepyfile(test_x=TESTS)
    project.runpytest_subprocess()
    path.write_text(TESTS.replace("def test_fails(): assert False", "def test_fails(): ..."))
    project.runpytest_subprocess("-k", "test_fails and not once and not afterwards")
    assert rows(project)["fails"] == ["CRE-03"]
    assert rows(project)["passes"] == ["CRE-01", "CRE-02"]

    path.write_text(TESTS)
    project.runpytest_subprocess("-k", "test_fails")
    assert rows(project)["fails"] == []
    assert rows(project)["passes"] == ["CRE-01", "CRE-02"]


def test_a_functions_own_handler_is_deployed_and_no_other(project: pytest.Pytester) -> None:
    project.makepyfile(test_x=MEETINGS)
    result = project.runpytest_subprocess()
    deployed = {test.removeprefix("test_x.py::test_"): proof["deployed"] for test, proof in report(project).items()}
    assert deployed == {"a_functions_handler": True, "a_handler_of_its_own": False, "a_fixture_asked": False}
    result.stdout.fnmatch_lines(["conformance: 1 rows proven in this run; *"])


def test_an_unknown_id_stops_the_run(project: pytest.Pytester) -> None:
    project.makepyfile('import pytest\n\n@pytest.mark.conformance("CRE-99")\ndef test_a(): ...')
    result = project.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*does not list the conformance id 'CRE-99'*"])
