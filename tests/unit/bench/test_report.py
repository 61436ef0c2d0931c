"""Verdicts, figures and misses, as the bench prints them."""

import pytest

from bench.report import Row, Section, figure, show


@pytest.mark.parametrize(
    ("measured", "budget", "verdict"),
    [(2, 2, "ok"), (1.1000000001, 1.1, "ok"), (1.11, 1.1, "MISS"), (3, 2, "MISS"), (99, None, "")],
)
def test_the_verdict_goes_by_what_is_printed(measured: float, budget: float | None, verdict: str) -> None:
    assert Row("what", measured, budget).verdict == verdict


@pytest.mark.parametrize(
    ("value", "text"), [(2.0, "2"), (1.1, "1.1"), (0.005, "0.01"), (12345.678, "12,345.68"), (100, "100"), (None, "")]
)
def test_figures_say_no_more_than_they_know(value: float | None, text: str) -> None:
    assert figure(value) == text


def test_every_miss_is_named_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    missed = Row("requests", 3, 2, reason="one read too many")
    section = Section("Events", (Row("other", 1, 2), missed), ("a note",))
    assert section.misses == (missed,)
    show([section])
    printed = capsys.readouterr().out
    assert "1 over budget" in printed
    assert "MISS Events: requests: 3 > 2: one read too many" in printed
    assert "a note" in printed


def test_nothing_missed_is_said_too(capsys: pytest.CaptureFixture[str]) -> None:
    show([Section("Events", (Row("requests", 2, 2),))])
    assert "all within budget" in capsys.readouterr().out
