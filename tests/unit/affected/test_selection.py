"""`make quick` runs the nearest tests, and says what it leaves out."""

from pathlib import Path

from tests.affected.selection import Selection, estimate, select

NEAR, FAR, FARTHER = "tests/unit/test_near.py", "tests/unit/test_far.py", "tests/unit/test_farther.py"
MODEL = "tests/property/test_model.py"
DISTANCES = {"layers/x.py": 0, NEAR: 1, FAR: 2, FARTHER: 3, MODEL: 1, "tests/builders.py": 1}
SECONDS = {NEAR: 10.0, FAR: 20.0, FARTHER: 1.0, MODEL: 300.0}


def test_all_that_fit_are_chosen_and_slow_ones_left() -> None:
    assert select(frozenset(), DISTANCES, SECONDS, 60) == Selection((FAR, FARTHER, NEAR), (), (MODEL,))


def test_the_nearest_go_first_and_nothing_overtakes() -> None:
    assert select(frozenset(), DISTANCES, SECONDS, 29) == Selection((NEAR,), (FAR, FARTHER), (MODEL,))


def test_a_test_that_changed_runs_whatever_it_takes() -> None:
    assert select(frozenset({MODEL, FARTHER}), DISTANCES, SECONDS, 5) == Selection((MODEL, FARTHER), (FAR, NEAR), ())


def test_what_was_not_measured_is_estimated(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("def test_a(): ...\n\nclass TestB:\n    def test_b(self): ...\n")
    assert estimate(tmp_path, "test_x.py", {}) == 0.8
    assert estimate(tmp_path, "test_x.py", {"test_x.py": 7.5}) == 7.5
