"""Checks what changed since a commit, and runs the tests nearest to it: `python -m tests.affected [BASE]`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.affected.graph import distances, needs
from tests.affected.selection import Selection, estimate, select
from tests.plugins.durations import DURATIONS

ROOT = Path(__file__).parents[2]
WORKERS = 2
_BUDGET_SECONDS = 110.0
"""Of wall time for the tests, so that all with the checks stay under three minutes."""


class Change(NamedTuple):
    """The files that were changed or added since `base`, and all files of the project."""

    base: str
    changed: frozenset[str]
    files: frozenset[str]


def main(arguments: list[str]) -> None:
    """Run the checks, then the tests; the first failure ends it."""
    change = _change_since(arguments[0] if arguments else _merge_base())
    _say(f"{len(change.changed)} files changed since {change.base[:10]}")
    for command in _checks(change.changed):
        _run(command)
    selection = _selection(change)
    if selection.chosen:
        _run(["pytest", "-q", "-n", str(WORKERS), "--dist", "loadgroup", *selection.chosen])
    _say(f"green: {len(selection.chosen)} test files. Left to make test:")
    _say(f"  {len(selection.far)} test files that the change touches from farther away{_listed(selection.far)}")
    _say(f"  {len(selection.left)} that take minutes or need a build{_listed(selection.left)}")


def _merge_base() -> str:
    for branch in ("main", "origin/main"):
        found = subprocess.run(
            ["git", "merge-base", "HEAD", branch], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if found.returncode == 0:
            return found.stdout.strip()
    return "HEAD"


def _change_since(base: str) -> Change:
    files = frozenset(_git("ls-files", "--cached", "--others", "--exclude-standard"))
    files = frozenset(file for file in files if (ROOT / file).is_file())
    new = _git("ls-files", "--others", "--exclude-standard")
    return Change(base, frozenset((*_git("diff", "--name-only", base), *new)) & files, files)


def _checks(changed: frozenset[str]) -> list[list[str]]:
    python = sorted(file for file in changed if file.endswith(".py"))
    checks = [["ruff", "format", "--check", *python], ["ruff", "check", *python]] if python else []
    checks += [["mypy"], ["lint-imports"], ["python", "docs/generate.py", "--check"]]
    if "template.yaml" in changed:
        checks.append(["cfn-lint", "--append-rules", "checks", "--", "template.yaml"])
    return checks


def _selection(change: Change) -> Selection:
    reached = distances(change.changed, needs(ROOT, change.files))
    recorded = ROOT / DURATIONS
    measured: dict[str, float] = json.loads(recorded.read_text()) if recorded.exists() else {}
    seconds = {file: estimate(ROOT, file, measured) for file in reached if file.endswith(".py")}
    return select(change.changed, reached, seconds, _BUDGET_SECONDS * WORKERS)


def _git(*arguments: str) -> list[str]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def _run(command: list[str]) -> None:
    shown = " ".join(command) if len(command) < 8 else f"{' '.join(command[:7])} …"
    _say(shown)
    done = subprocess.run(command, cwd=ROOT, env=os.environ, check=False)
    if done.returncode:
        raise SystemExit(f"quick: failed: {shown}")


def _listed(files: tuple[str, ...]) -> str:
    names = [file.removeprefix("tests/") for file in files[:4]]
    return f": {', '.join([*names, *(['…'] if len(files) > len(names) else [])])}" if files else ""


def _say(text: str) -> None:
    sys.stdout.write(f"quick: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
