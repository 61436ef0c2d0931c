"""The figures of a section of the bench, printed beside their budgets."""

import sys
import time
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

_STARTED = time.monotonic()
_WIDTH_IN_A_FILE = 160


@dataclass(frozen=True)
class Row:
    """One measured value; `budget` is the most it may be (None: for information), `reason` is what it is made of."""

    what: str
    measured: float
    budget: float | None = None
    unit: str = ""
    reason: str = ""

    @property
    def is_missed(self) -> bool:
        """Return whether it is above its budget, as printed: what rounds to the budget keeps it."""
        return self.budget is not None and round(self.measured, 2) > self.budget

    @property
    def verdict(self) -> str:
        """The word for it; nothing without a budget."""
        if self.budget is None:
            return ""
        return "MISS" if self.is_missed else "ok"


@dataclass(frozen=True)
class Section:
    """The figures of one part of the bench; `notes` say what they leave out."""

    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def misses(self) -> tuple[Row, ...]:
        """The rows above their budgets."""
        return tuple(row for row in self.rows if row.is_missed)


def progress(what: str) -> None:
    """Say on stderr what is being measured now, for whatever takes longer than two seconds."""
    print(f"bench {time.monotonic() - _STARTED:4.0f} s  {what} …", file=sys.stderr, flush=True)


def show(sections: list[Section]) -> None:
    """Print the tables, then every miss by name with its reason."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH_IN_A_FILE)
    for section in sections:
        console.print(_table(section))
        for note in section.notes:
            console.print(f"  {note}", style="dim", highlight=False)
        console.print()
    misses = [(section, row) for section in sections for row in section.misses]
    console.print(f"{len(misses)} over budget" if misses else "all within budget", style="bold")
    for section, row in misses:
        over = f"{figure(row.measured)} > {figure(row.budget)} {row.unit}".rstrip()
        console.print(f"  MISS {section.title}: {row.what}: {over}: {row.reason}", highlight=False)


def _table(section: Section) -> Table:
    table = Table(title=section.title, title_justify="left", title_style="bold", expand=False)
    table.add_column("what")
    table.add_column("measured", justify="right")
    table.add_column("budget", justify="right")
    table.add_column("")
    table.add_column("made of", style="dim")
    for row in section.rows:
        style = "bold red" if row.is_missed else None
        measured = f"{figure(row.measured)} {row.unit}".strip()
        table.add_row(row.what, measured, figure(row.budget), row.verdict, row.reason, style=style)
    return table


def figure(value: float | None) -> str:
    """Return a number with at most two decimals, and none that say nothing; "" for None."""
    return "" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")
