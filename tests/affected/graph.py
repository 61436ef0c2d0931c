"""Reads which file of the project needs which: nothing is declared, so nothing can be forgotten.

A file needs what it imports, and what its strings name: a file ("template.yaml"), files by a pattern ("*/handler.py"),
or a module that is started as a process ("local.aws.server"). A test needs the conftest.py of its folders too.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from functools import cache
from pathlib import Path, PurePosixPath

_ROOTS = ("", "layers/common/", "operations/")
"""The folders in which imports are looked up."""


def needs(root: Path, files: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return each Python file's needs among `files`, by paths relative to `root`."""
    known = frozenset(files)
    modules = {name: file for file in known if file.endswith(".py") for name in _names(file)}
    found = {}
    for file in known:
        if file.endswith(".py"):
            tree = ast.parse((root / file).read_text())
            wanted = {*_imported(tree, file, modules), *_named(tree, file, known, modules), *_conftests(file, known)}
            found[file] = frozenset(wanted - {file})
    return found


def distances(changed: Iterable[str], needs_of: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """Return how many steps each file is away from a change, for the files that it touches at all."""
    users: dict[str, set[str]] = {}
    for file, needed in needs_of.items():
        for other in needed:
            users.setdefault(other, set()).add(file)
    reached = dict.fromkeys(changed, 0)
    edge = list(reached)
    while edge:
        steps = reached[edge[0]] + 1
        edge = sorted(
            {user for file in edge if _passes_on(file, steps) for user in users.get(file, ())} - reached.keys()
        )
        reached |= dict.fromkeys(edge, steps)
    return reached


def _passes_on(file: str, steps: int) -> bool:
    """A conftest.py serves all tests beside it: they are touched if it changed, or what it imports itself."""
    return steps <= 2 or not file.endswith("conftest.py")


def _names(file: str) -> Iterator[str]:
    for prefix in _ROOTS:
        if file.startswith(prefix):
            yield file.removeprefix(prefix).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported(tree: ast.Module, file: str, modules: Mapping[str, str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(PurePosixPath(file).parts[: -node.level]) if node.level else ""
            origin = ".".join(part for part in (package, node.module) if part)
            names = [
                f"{origin}.{alias.name}" if f"{origin}.{alias.name}" in modules else origin for alias in node.names
            ]
        else:
            continue
        # A conftest serves every test beside it; through what it needs of the product, all would touch all.
        is_of_all = file.endswith("conftest.py")
        yield from (
            modules[name] for name in names if name in modules and not (is_of_all and _is_product(modules[name]))
        )


def _is_product(file: str) -> bool:
    return file.startswith(("layers/", "functions/", "bridge/"))


def _named(tree: ast.Module, file: str, known: frozenset[str], modules: Mapping[str, str]) -> Iterator[str]:
    folder = PurePosixPath(file).parent.as_posix()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
            text = node.value
            yield from {text, f"{folder}/{text}"} & known
            if text in modules:
                yield modules[text]
            if "*" in text and PurePosixPath(text).suffix:
                yield from _matching(text, known)


@cache
def _matching(pattern: str, known: frozenset[str]) -> tuple[str, ...]:
    return tuple(file for file in known if "/" in pattern and fnmatch(file, f"*/{pattern.removeprefix('/')}"))


def _conftests(file: str, known: frozenset[str]) -> Iterator[str]:
    if PurePosixPath(file).name.startswith("test_"):
        yield from {(parent / "conftest.py").as_posix() for parent in PurePosixPath(file).parents} & known
