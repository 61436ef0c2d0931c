"""Figures that a run is worth reading for: a test records one as the property "figure", the summary shows them all."""

import pytest

_figures: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect what tests recorded, wherever they ran."""
    if report.when == "call":
        _figures.extend(str(value) for name, value in report.user_properties if name == "figure")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show them."""
    for figure in sorted(_figures):
        terminalreporter.write_line(f"figure: {figure}")
