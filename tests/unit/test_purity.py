"""The modules that decide are pure: a contract in pyproject.toml forbids their imports, this the rest."""

import ast
import tomllib
from pathlib import Path

import pytest

import flyteadmin

ROOT = Path(flyteadmin.__file__).parent
CONTRACTS = tomllib.loads((ROOT.parents[2] / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
PURE: list[str] = next(each["source_modules"] for each in CONTRACTS if each["name"].startswith("What decides is pure"))
IMPURE = {"environment", "time", "time_ns", "now", "today", "monotonic", "secrets", "random", "open", "urlopen"}
"""Names that read the environment, the clock, chance or a file."""


def sources(module: str) -> list[Path]:
    path = ROOT.joinpath(*module.split(".")[1:])
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def test_every_noun_s_rules_are_under_the_contract() -> None:
    named = {"validation", "phases", "rules"}
    found = {f"flyteadmin.{path.parent.name}.{path.stem}" for path in ROOT.glob("*/*.py") if path.stem in named}
    assert found - set(PURE) == set()


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_reads_no_environment_clock_chance_or_file(module: str) -> None:
    for path in sources(module):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        called = [node.func for node in nodes if isinstance(node, ast.Call)]
        names = {func.id for func in called if isinstance(func, ast.Name)}
        names |= {func.attr for func in called if isinstance(func, ast.Attribute)}
        assert names & IMPURE == set(), path.name
