"""Checks that what comments, docstrings and documents cite exists.

    python docs/citations.py           name each citation that does not resolve

Checked are documents and their headings (`docs/architecture.md#event`), files (`events/log.py`) and a symbol behind one
(`clients/storage.py: write_once`), invariants by number, decisions by date, and ids of the conformance matrix.
docs/decisions.md is a log: the files that an entry names may be gone since. The table of rooms in docs/architecture.md
is held against the import contract of pyproject.toml.
"""

import ast
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_READ = frozenset({".py", ".md", ".toml", ".yaml", ".sh"})
_GENERATED = frozenset({"docs/conformance.md", "docs/coverage.md"})
_LOG = "docs/decisions.md"
_DESIGN = "docs/architecture.md"

_PART = r"[\w<>*-][\w<>*.-]*"
_FILE = re.compile(rf"(?<![\w./:{{}}$-])((?:{_PART}/)*[\w<>*-]+\.(?:py|md|toml|yaml))(?![\w/-])(#[\w-]+)?(?:: (\w+))?")
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]+)?\)")
_SECTION = re.compile(r"\b[\w.]+ §[\d.]*")
_INVARIANTS = re.compile(r"\binvariants? (\d+(?:(?:, | and )\d+)*)")
_ID = re.compile(r"\b(KD|[A-Z]{3})-(\d\d)(?:…(\d\d))?(?!\d)")
_DATE = re.compile(r"decisions\.md,? (\d{4}-\d\d-\d\d)")


@dataclass(frozen=True)
class Tree:
    """A checkout, as what its text may cite."""

    root: Path

    @cached_property
    def files(self) -> dict[str, Path]:
        """Every file by its path from the root, without what tools leave in folders that begin with a dot."""
        found: dict[str, Path] = {}
        for folder, folders, names in self.root.walk():
            folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
            found |= {(folder / name).relative_to(self.root).as_posix(): folder / name for name in names}
        return found

    @cached_property
    def invariants(self) -> frozenset[str]:
        """The numbers in the table of invariants."""
        _, _, table = self._text(_DESIGN).partition("\n## Invariants\n")
        return frozenset(re.findall(r"^\| (\d+) \|", table.partition("\n## ")[0], re.MULTILINE))

    @cached_property
    def ids(self) -> frozenset[str]:
        """The rows of the conformance matrix."""
        return frozenset(line.split(" ", 1)[0] for line in self._text("docs/conformance_ids.txt").splitlines())

    @cached_property
    def decisions(self) -> frozenset[str]:
        """The dates that have an entry."""
        return frozenset(re.findall(r"^## (\d{4}-\d\d-\d\d) ", self._text(_LOG), re.MULTILINE))

    @cached_property
    def rooms(self) -> list[tuple[str, str]]:
        """The rooms in the table of rooms, with their floors."""
        _, _, table = self._text(_DESIGN).partition("\n## Rooms\n")
        return re.findall(r"^\| (\d+) \| `(\w+)` \|", table, re.MULTILINE)

    @cached_property
    def floors(self) -> list[tuple[str, str]]:
        """The rooms that the import contract names, with their floors; those in parentheses may be missing."""
        settings = tomllib.loads(self._text("pyproject.toml") or "tool.importlinter.contracts = []")
        contracts = settings["tool"]["importlinter"]["contracts"]
        layers: list[str] = next((each["layers"] for each in contracts if each["type"] == "layers"), [])
        floors = ((str(floor), re.findall(r"(?<![\w(])\w+", layer)) for floor, layer in enumerate(layers, 1))
        return [(floor, room) for floor, rooms in floors for room in rooms]

    def named(self, path: str) -> list[str]:
        """Return the files whose path ends in this one, in which `*` and `<a name>` stand for anything."""
        pattern = f"*/{re.sub(r'<[^>]*>', '*', path)}"
        return [name for name in self.files if fnmatch(f"/{name}", pattern)]

    def anchors(self, path: str) -> frozenset[str]:
        """Return the headings of a document, as links name them."""
        headings = re.findall(r"^#+ (.+)$", self._text(path), re.MULTILINE)
        return frozenset(f"#{re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-')}" for heading in headings)

    def defines(self, path: str, symbol: str) -> bool:
        """Return whether a module or a document has a word of this name."""
        return re.search(rf"\b{symbol}\b", self._text(path)) is not None

    def readable(self) -> Iterator[tuple[str, Path]]:
        """Yield the files that people write and read, by path."""
        for path, file in sorted(self.files.items()):
            if (file.suffix in _READ or path == "Makefile") and path not in _GENERATED:
                yield path, file

    def _text(self, path: str) -> str:
        return self.files[path].read_text() if path in self.files else ""


def problems(root: Path = ROOT) -> Iterator[str]:
    """Yield each citation that does not resolve, as "path:line: what is missing"."""
    tree = Tree(root)
    yield from _misplaced_rooms(tree)
    for path, file in tree.readable():
        for number, text in prose(file):
            yield from (f"{path}:{number}: {missing}" for missing in _missing(tree, path, text))


def prose(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file that people read, by number: of a module its comments and docstrings, else all."""
    lines = file.read_text().splitlines()
    if file.suffix != ".py":
        yield from enumerate(lines, 1)
        return
    source = file.read_text()
    numbers = {number for node in ast.walk(ast.parse(source)) for number in _lines_of_docstring(node)}
    for number in sorted(numbers):
        yield number, lines[number - 1]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _lines_of_docstring(node: ast.AST) -> range:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return range(node.lineno, (node.end_lineno or node.lineno) + 1)
    return range(0)


def _missing(tree: Tree, path: str, text: str) -> Iterator[str]:
    yield from (f"{section}: cite a heading, document.md#heading" for section in _SECTION.findall(text))
    for numbers in _INVARIANTS.findall(text):
        absent = set(re.findall(r"\d+", numbers)) - tree.invariants
        yield from (f"invariant {number} is not in docs/architecture.md" for number in sorted(absent))
    for group, *ends in _ID.findall(text):
        absent = {f"{group}-{end}" for end in ends if end} - tree.ids
        yield from (f"{row} is no row of docs/conformance_ids.txt" for row in sorted(absent))
    absent = set(_DATE.findall(text)) - tree.decisions
    yield from (f"{_LOG} has no entry of {date}" for date in sorted(absent))
    if path.endswith(".md"):
        yield from _broken_links(tree, path, text)
    if path != _LOG:
        yield from _unknown_files(tree, text)


def _misplaced_rooms(tree: Tree) -> Iterator[str]:
    for floor, room in sorted(set(tree.rooms) ^ set(tree.floors)):
        where, other = (_DESIGN, "pyproject.toml") if (floor, room) in tree.rooms else ("pyproject.toml", _DESIGN)
        yield f"{where} has {room} on floor {floor}, {other} does not"


def _unknown_files(tree: Tree, text: str) -> Iterator[str]:
    for cited, anchor, symbol in _FILE.findall(text):
        found = tree.named(cited)
        if not found:
            yield f"there is no file {cited}"
        elif anchor and not any(anchor in tree.anchors(name) for name in found):
            yield f"{cited} has no heading {anchor}"
        elif symbol and cited.endswith(".py") and not any(tree.defines(name, symbol) for name in found):
            yield f"{cited} has no {symbol}"


def _broken_links(tree: Tree, path: str, text: str) -> Iterator[str]:
    for target, anchor in _LINK.findall(text):
        file = (tree.root / path).parent / target if target else tree.root / path
        name = file.resolve().relative_to(tree.root).as_posix()
        if not file.exists():
            yield f"there is no file {target}"
        elif anchor and anchor not in tree.anchors(name):
            yield f"{name} has no heading {anchor}"


if __name__ == "__main__":
    sys.exit("\n".join(problems()) or None)
