"""The generated documents say what is so, and `--check` notices when they no longer do."""

import json
import tomllib
from pathlib import Path

import pytest

from docs import generate

HANDLER = """
class _Api:
    rpcs = {rpcs}
    pages = {pages}

lambda_handler = _Api()
"""
TEST = """
import pytest

@pytest.mark.conformance("CRE-01", "CRE-02")
def test_a(): ...
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with nothing in it but what a test adds."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "conformance_ids.txt").write_text("CRE-01 first\nCRE-02 second\nKD-01 third\n")
    (docs / "deviations.toml").write_text('CRE-02 = "because"\n')
    (docs / "coverage_notes.toml").write_text("[partly]\n")
    (docs / "generate.py").write_text("")
    for name, path in {
        "ROOT": tmp_path,
        "DOCS": docs,
        "BINDINGS": tmp_path / "bindings.py",
        "COVERAGE": docs / "coverage.md",
        "TEMPLATE": tmp_path / "template.yaml",
    }.items():
        monkeypatch.setattr(generate, name, path)
    monkeypatch.setattr(generate, "render_template", lambda: "Resources: {}\n")
    monkeypatch.setattr("sys.argv", ["generate.py"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return tmp_path


def function(root: Path, name: str, rpcs: list[str], pages: list[str] | None = None) -> None:
    folder = root / "functions" / name
    folder.mkdir(parents=True)
    (folder / "handler.py").write_text(HANDLER.format(rpcs=rpcs, pages=pages or []))


def write_tests(root: Path, source: str) -> None:
    (root / "tests").mkdir(exist_ok=True)
    (root / "tests" / "test_x.py").write_text(source)


def report(root: Path, **rows: list[str]) -> None:
    proofs = {f"tests/test_x.py::{test}": {"rows": ids, "deployed": True} for test, ids in rows.items()}
    (root / ".local").mkdir(exist_ok=True)
    (root / ".local" / "proven.json").write_text(json.dumps(proofs))


def test_the_committed_routes_are_the_descriptors() -> None:
    assert generate.BINDINGS.read_text() == generate.render_bindings()


def test_every_row_of_the_matrix_has_an_id_and_a_short_title() -> None:
    lines = (generate.DOCS / "conformance_ids.txt").read_text().splitlines()
    ids = [line.split(" ", 1)[0] for line in lines]
    assert len(ids) == len(set(ids)) == 413 + 50
    assert sum(row.startswith("KD-") for row in ids) == 50
    assert all(1 <= len(line.split(" ")[1:]) <= 8 for line in lines)


def test_deviations_are_rows_of_the_matrix_and_have_reasons() -> None:
    ids = {line.split(" ", 1)[0] for line in (generate.DOCS / "conformance_ids.txt").read_text().splitlines()}
    deviations = tomllib.loads((generate.DOCS / "deviations.toml").read_text())
    assert deviations.keys() <= ids
    assert all(len(reason) > 20 for reason in deviations.values())


def test_notes_are_about_rpcs() -> None:
    notes = tomllib.loads((generate.DOCS / "coverage_notes.toml").read_text())
    assert notes["partly"].keys() <= {binding[1] for binding in generate.bindings()}


def test_coverage_tells_supported_partly_and_not_yet(root: Path) -> None:
    function(root, "get_things", ["GetExecution", "GetProject"], ["/healthcheck"])
    (root / "docs" / "coverage_notes.toml").write_text('[partly]\nGetProject = "no labels"\n')

    lines = generate.render_coverage().splitlines()

    path = "`GET /api/v1/executions/{id.project}/{id.domain}/{id.name}`"
    assert f"| GetExecution | {path} | get_things | supported |" in lines
    assert "| GetProject | `GET /api/v1/projects/{id}` | get_things | partly: no labels |" in lines
    assert "| GetDomains | `GET /api/v1/domains` |  | not yet |" in lines
    assert "| `/healthcheck` | get_things |" in lines
    assert sum("(private" in line for line in lines) == 1
    assert sum(line.startswith("| ListTasks |") for line in lines) == 1


@pytest.mark.parametrize("second", [["GetExecution"], ["NoSuchRpc"]])
def test_a_wrong_claim_stops(root: Path, second: list[str]) -> None:
    function(root, "one", ["GetExecution"])
    function(root, "two", second)
    with pytest.raises(SystemExit, match=f"two claims {second[0]}"):
        generate.claims()


def test_what_was_written_is_not_stale(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tests(root, TEST)
    report(root, test_a=["CRE-01"])
    generate.main()
    assert capsys.readouterr().out == "conformance: 1 of 2 proven, +1, -0\n"
    assert list(generate.stale()) == []


def test_check_fails_on_each_stale_document(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tests(root, TEST)
    report(root, test_a=["CRE-01"])
    generate.main()

    function(root, "new", ["GetExecution"])
    write_tests(root, TEST.replace('"CRE-01", ', ""))
    (root / "bindings.py").write_text("")
    (root / "template.yaml").write_text("Resources: {Bucket: {}}\n")
    (root / "docs" / "deviations.toml").write_text('XXX-01 = "why"\n')
    monkeypatch.setattr("sys.argv", ["generate.py", "--check"])

    with pytest.raises(SystemExit) as stopped:
        generate.main()
    problems = str(stopped.value).splitlines()
    assert len(problems) == 6
    assert "bindings.py" in problems[0]
    assert "coverage.md" in problems[1]
    assert "template.yaml" in problems[2]
    assert "XXX-01" in problems[3]
    assert "CRE-01" in problems[4]


def test_an_rpc_that_no_function_claims_is_listed_as_not_yet() -> None:
    claimed = {rpc for claim in generate.claims() for rpc in claim.rpcs}
    every = {rpc for _, rpc, *_ in generate.bindings()}
    notes = tomllib.loads((generate.DOCS / "coverage_notes.toml").read_text())
    assert every - claimed == set(notes["not_yet"])
