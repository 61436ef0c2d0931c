"""docs/conformance.md is a record: runs of a few tests are merged into it."""

import json
from pathlib import Path

import pytest

from docs import conformance
from docs.conformance import Proof

TESTS = """
import pytest

CASES = [pytest.param(1, marks=pytest.mark.conformance("CRE-04"))]

@pytest.mark.conformance("CRE-01", "CRE-02")
def test_a(): ...

@pytest.mark.conformance("CRE-01")
class TestB:
    @pytest.mark.conformance(*("KD-01",))
    def test_b(self): ...

@pytest.mark.parametrize("case", CASES)
def test_c(case): ...
"""
A, B, C = "tests/test_x.py::test_a", "tests/test_x.py::TestB::test_b", "tests/test_x.py::test_c"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project of four rows and three tests, of which none has run."""
    for folder in ("docs", "tests", ".local"):
        (tmp_path / folder).mkdir()
    (tmp_path / "docs" / "conformance_ids.txt").write_text("CRE-01 one\nCRE-02 two\nCRE-04 four\nKD-01 defect\n")
    (tmp_path / "docs" / "deviations.toml").write_text('CRE-02 = "because"\n')
    (tmp_path / "tests" / "test_x.py").write_text(TESTS)
    return tmp_path


def update(root: Path, **proofs: Proof) -> str:
    """Merge a run's report, which names tests by the letters of this module."""
    names = {"a": A, "b": B, "c": C}
    (root / ".local" / "proven.json").write_text(json.dumps({names[key]: proof for key, proof in proofs.items()}))
    return conformance.update(root)


def proof(*rows: str, deployed: bool = True) -> Proof:
    return Proof(rows=list(rows), deployed=deployed)


def lines(root: Path) -> list[str]:
    return (root / "docs" / "conformance.md").read_text().splitlines()


def test_each_row_names_its_tests(root: Path) -> None:
    update(root, a=proof("CRE-01", "CRE-02"), b=proof("CRE-01", "KD-01", deployed=False))
    assert "| CRE-01 | one | `test_x.py::test_a` | `test_x.py::TestB::test_b` |" in lines(root)
    assert "| CRE-02 | two. *Deviates:* because | `test_x.py::test_a` |  |" in lines(root)
    assert "| CRE-04 | four |  |  |" in lines(root)
    assert "| KD-01 | defect |  | `test_x.py::TestB::test_b` |" in lines(root)
    assert lines(root)[2].startswith("2 of 3 behaviours")
    assert lines(root)[4] == "1 of these deviate on purpose;"
    assert "0 of 1 known defects of upstream (KD) are proven to be mended. 1 further rows are" in lines(root)


def test_a_rule_alone_is_not_counted(root: Path) -> None:
    assert update(root, a=proof("CRE-01", "CRE-02", deployed=False)) == "conformance: 0 of 3 proven, +0, -0"
    assert update(root, a=proof("CRE-01", "CRE-02")) == "conformance: 2 of 3 proven, +2, -0"


def test_what_did_not_run_keeps_its_rows(root: Path) -> None:
    update(root, a=proof("CRE-01", "CRE-02"))
    assert update(root, b=proof("CRE-01", "KD-01")) == "conformance: 2 of 3 proven, +1, -0"
    assert update(root, c=proof("CRE-04")) == "conformance: 3 of 3 proven, +1, -0"
    assert conformance.committed(root) == {
        "CRE-01": {B: True, A: True},
        "CRE-02": {A: True},
        "CRE-04": {C: True},
        "KD-01": {B: True},
    }


def test_without_any_run_the_record_stays(root: Path) -> None:
    update(root, a=proof("CRE-01", "CRE-02"))
    before = lines(root)
    (root / ".local" / "proven.json").unlink()
    assert conformance.update(root) == "conformance: 2 of 3 proven, +0, -0"
    assert lines(root) == before


def test_what_failed_loses_its_rows(root: Path) -> None:
    update(root, a=proof("CRE-01", "CRE-02"), b=proof("CRE-01"))
    assert update(root, a=proof()) == "conformance: 1 of 3 proven, +0, -1 (CRE-02)"


@pytest.mark.parametrize(
    "source",
    [
        TESTS.replace("def test_a(", "def test_another("),
        TESTS.replace(', "CRE-02"', ""),
        TESTS.replace(', "CRE-02"', "").replace('("KD-01",)', '("KD-01", "CRE-02")'),
    ],
    ids=["the test is gone", "the mark is gone", "the mark is on another test"],
)
def test_what_is_no_longer_written_loses_its_rows(root: Path, source: str) -> None:
    update(root, a=proof("CRE-01", "CRE-02"), b=proof("CRE-01"))
    (root / "tests" / "test_x.py").write_text(source)
    assert conformance.update(root) == "conformance: 1 of 3 proven, +0, -1 (CRE-02)"


def test_a_claim_that_no_test_carries_is_a_problem(root: Path) -> None:
    update(root, a=proof("CRE-01", "CRE-02"))
    assert list(conformance.problems(root)) == []
    (root / "tests" / "test_x.py").write_text(TESTS.replace(', "CRE-02"', ""))
    assert list(conformance.problems(root)) == ["docs/conformance.md claims CRE-02, which no test carries any more"]
