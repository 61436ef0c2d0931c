"""A citation that leads nowhere is named with its place; one that resolves is not."""

from pathlib import Path

import pytest

from docs.citations import ROOT, problems

DESIGN = """# Architecture

## Invariants

| | invariant |
|---|---|
| 1 | No event is lost |
| 2 | A row is its log, reduced |

## The log, and its order

## Rooms

| floor | room |
|---|---|
| 1 | `events` |
| 2 | `facts` |
| 2 | `durations` |
"""
SETTINGS = """
[[tool.importlinter.contracts]]
type = "forbidden"

[[tool.importlinter.contracts]]
type = "layers"
layers = ["events | (metrics)", "facts | durations"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose citations all resolve."""
    files = {
        "pyproject.toml": SETTINGS,
        "docs/architecture.md": DESIGN,
        "docs/decisions.md": "# Decisions\n\n## 2026-11-25 — the log has a stream\n\nIt is read by `events/gone.py`.\n",
        "docs/conformance_ids.txt": "WFE-04 a repeat\nWFE-05 another\nWFE-06 and so on\nKD-08 a defect\n",
        "layers/common/flyteadmin/events/log.py": "def append() -> None: ...\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "docs/architecture.md",
        "docs/architecture.md#the-log-and-its-order",
        "invariant 1, invariants 1 and 2",
        "WFE-04, WFE-04…06, KD-08",
        "docs/decisions.md, 2026-11-25",
        "`events/log.py`, `log.py`, `events/log.py: append`, `<noun>/log.py`, `*/log.py`",
        "https://example.com/elsewhere.md and s3://bucket/key.yaml",
        "UTF-8, SHA-256",
    ],
)
def test_a_citation_that_resolves(root: Path, text: str) -> None:
    (root / "module.py").write_text(f'"""{text}"""\n# {text}\n')
    assert list(problems(root)) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("docs/elsewhere.md", "there is no file docs/elsewhere.md"),
        ("wire.md", "there is no file wire.md"),
        ("docs/architecture.md#order", "docs/architecture.md has no heading #order"),
        ("architecture §3", "architecture §3: cite a heading, document.md#heading"),
        ("invariants 2 and 9", "invariant 9 is not in docs/architecture.md"),
        ("WFE-99", "WFE-99 is no row of docs/conformance_ids.txt"),
        ("WFE-04…07", "WFE-07 is no row of docs/conformance_ids.txt"),
        ("KD-09", "KD-09 is no row of docs/conformance_ids.txt"),
        ("XYZ-01", "XYZ-01 is no row of docs/conformance_ids.txt"),
        ("docs/decisions.md, 2026-11-26", "docs/decisions.md has no entry of 2026-11-26"),
        ("events/gone.py", "there is no file events/gone.py"),
        ("gone.py", "there is no file gone.py"),
        ("`events/log.py: forget`", "events/log.py has no forget"),
        ("`<noun>/gone.py`", "there is no file <noun>/gone.py"),
    ],
)
def test_a_citation_that_does_not_resolve(root: Path, text: str, missing: str) -> None:
    (root / "module.py").write_text(f'"""Module."""\n\nVALUE = 1\n"""{text}"""\nVALUE  # {text}\n')
    assert list(problems(root)) == [f"module.py:4: {missing}", f"module.py:5: {missing}"]


def test_what_code_computes_with_is_no_citation(root: Path) -> None:
    (root / "module.py").write_text('print("events/gone.py", "invariant 9", "WFE-99")\n')
    assert list(problems(root)) == []


@pytest.mark.parametrize(
    ("link", "missing"),
    [
        ("[log](../layers/common/flyteadmin/events/log.py)", None),
        ("[below](#order)", None),
        ("[design](architecture.md#invariants)", None),
        ("[above](#disorder)", "docs/runbook.md has no heading #disorder"),
        ("[gone](gone.png)", "there is no file gone.png"),
    ],
)
def test_the_links_of_a_document(root: Path, link: str, missing: str | None) -> None:
    (root / "docs/runbook.md").write_text(f"# Runbook\n\n## Order\n\n{link}\n")
    assert list(problems(root)) == ([f"docs/runbook.md:5: {missing}"] if missing else [])


def test_a_room_on_another_floor_than_the_contract_has_it(root: Path) -> None:
    (root / "docs/architecture.md").write_text(DESIGN.replace("| 2 | `facts` |", "| 1 | `facts` |"))
    assert list(problems(root)) == [
        "docs/architecture.md has facts on floor 1, pyproject.toml does not",
        "pyproject.toml has facts on floor 2, docs/architecture.md does not",
    ]


def test_this_project_cites_nothing_that_is_not_there() -> None:
    assert list(problems(ROOT)) == []
