"""Writes docs/conformance.md: which tests prove which row of the matrix of upstream's behaviours.

The committed file is the record. What the runs on this machine proved (tests/plugins/conformance.py) is merged into it:
a run of a few tests adds what it proved, takes away what failed in it, and leaves alone what it did not run.
"""

import ast
import json
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TypedDict

RECORD = Path("docs/conformance.md")
IDS = Path("docs/conformance_ids.txt")
DEVIATIONS = Path("docs/deviations.toml")
REPORT = Path(".local/proven.json")

_COLUMNS = ("row", "what", "proven by", "rule alone tested by")


class Proof(TypedDict):
    """The result of one test function in a run: the rows it proved, and whether it met what is deployed."""

    rows: list[str]
    deployed: bool


type Evidence = dict[str, dict[str, bool]]
"""By row: its tests, and whether each met what is deployed."""


def update(root: Path) -> str:
    """Write the record anew and return its count, e.g. `conformance: 284 of 413 proven, +2, -0`."""
    titles = _titles(root)
    before, after = committed(root), merged(root)
    (root / RECORD).write_text(render(root, after))
    was, now = proven(before), proven(after)
    line = f"conformance: {_behaviours(now)} of {_behaviours(titles)} proven, +{len(now - was)}, -{len(was - now)}"
    return line if was <= now else f"{line} ({', '.join(sorted(was - now))})"


def committed(root: Path) -> Evidence:
    """Read the record back."""
    found: Evidence = {}
    text = (root / RECORD).read_text() if (root / RECORD).exists() else ""
    for line in text.splitlines():
        cells = tuple(cell.strip() for cell in line.split("|")[1:-1])
        if len(cells) == len(_COLUMNS) and line.startswith("| ") and cells != _COLUMNS:
            row, _, through, alone = cells
            found[row] = {**dict.fromkeys(_tests(through), True), **dict.fromkeys(_tests(alone), False)}
    return found


def merged(root: Path) -> Evidence:
    """Return the record with what the runs on this machine showed, without what the tests no longer carry."""
    report: Mapping[str, Proof] = json.loads((root / REPORT).read_text()) if (root / REPORT).exists() else {}
    carried = carried_ids(root)
    kept = {
        row: {test: deployed for test, deployed in tests.items() if test not in report}
        for row, tests in committed(root).items()
    }
    for test, proof in report.items():
        for row in proof["rows"]:
            kept.setdefault(row, {})[test] = proof["deployed"]
    return {
        row: {test: deployed for test, deployed in sorted(tests.items()) if row in carried.get(test, ())}
        for row, tests in kept.items()
    }


def render(root: Path, evidence: Evidence) -> str:
    """Return the text of the record."""
    titles, deviations = _titles(root), _deviations(root)
    lines = ["# Conformance", "", *_summary(titles, deviations, evidence)]
    for group in dict.fromkeys(row.split("-")[0] for row in titles):
        lines += ["", f"## {group}", "", f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
        rows = [row for row in titles if row.split("-")[0] == group]
        lines += [_line(row, titles[row], deviations.get(row), evidence.get(row, {})) for row in rows]
    return "\n".join(lines) + "\n"


def problems(root: Path) -> Iterator[str]:
    """Yield what the record claims and no test carries any more, one line each."""
    rows = {row for ids in carried_ids(root).values() for row in ids}
    for row in sorted({row for row, tests in committed(root).items() if tests} - rows):
        yield f"{RECORD} claims {row}, which no test carries any more"


def proven(evidence: Evidence) -> frozenset[str]:
    """Return the rows with a test that met what is deployed."""
    return frozenset(row for row, tests in evidence.items() if any(tests.values()))


def carried_ids(root: Path) -> dict[str, frozenset[str]]:
    """Return the ids that each test function's markers carry, by pytest's name of the function without parameters."""
    found: dict[str, frozenset[str]] = {}
    for file in sorted((root / "tests").rglob("test_*.py")):
        tree = ast.parse(file.read_text())
        name, functions = file.relative_to(root).as_posix(), dict(_functions(tree, ()))
        # A list of cases may carry marks too: pytest.param(…, marks=pytest.mark.conformance("CRE-01")).
        loose = frozenset(_marked(tree)) - {row for ids in functions.values() for row in ids}
        found |= {f"{name}::{function}": ids | loose for function, ids in functions.items()}
    return found


def _functions(scope: ast.Module | ast.ClassDef, inherited: tuple[str, ...]) -> Iterator[tuple[str, frozenset[str]]]:
    for node in scope.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            ids = (*inherited, *(row for decorator in node.decorator_list for row in _marked(decorator)))
            if isinstance(node, ast.FunctionDef):
                yield node.name, frozenset(ids)
            else:
                yield from ((f"{node.name}::{name}", found) for name, found in _functions(node, ids))


def _marked(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "conformance":
            constants = (
                part for argument in node.args for part in ast.walk(argument) if isinstance(part, ast.Constant)
            )
            yield from (str(constant.value) for constant in constants)


def _summary(titles: Mapping[str, str], deviations: Mapping[str, str], evidence: Evidence) -> Iterator[str]:
    rows = proven(evidence)
    alone = {row for row, tests in evidence.items() if tests} - rows
    defects = len(titles) - _behaviours(titles)
    mended = len(rows) - _behaviours(rows)
    yield f"{_behaviours(rows)} of {_behaviours(titles)} behaviours of upstream are proven by tests that ran and"
    yield "passed and meet what is deployed: a function's handler, the bridge, the stack or template.yaml."
    yield f"{len({row for row in rows & deviations.keys() if not row.startswith('KD-')})} of these deviate on purpose;"
    yield f"{mended} of {defects} known defects of upstream (KD) are proven to be mended. {len(alone)} further rows are"
    yield "tested as rules alone, which is not counted. Written by `docs/generate.py`."


def _line(row: str, title: str, deviation: str | None, tests: Mapping[str, bool]) -> str:
    what = title if deviation is None else f"{title}. *Deviates:* {deviation}"
    cells = [
        "<br>".join(f"`{test.removeprefix('tests/')}`" for test, deployed in tests.items() if deployed is wanted)
        for wanted in (True, False)
    ]
    return f"| {' | '.join([row, what, *cells])} |"


def _tests(cell: str) -> Iterator[str]:
    return (f"tests/{part.strip('`')}" for part in cell.split("<br>") if part)


def _behaviours(rows: Collection[str]) -> int:
    return sum(not row.startswith("KD-") for row in rows)


def _titles(root: Path) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in (root / IDS).read_text().splitlines())


def _deviations(root: Path) -> dict[str, str]:
    return tomllib.loads((root / DEVIATIONS).read_text())
