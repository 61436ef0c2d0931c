"""An operator's files as YAML's nodes, which know where they stand, merged as upstream merges its folder; pure.

Source: flytestdlib config/viper/collection.go (MergeAllConfigs), of which each file is one of viper's, merged in the
order of their names; keys are compared whatever their case.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import yaml

from flyteadmin.clients.configuration import telling_where


@dataclass(frozen=True)
class File:
    """A file by its name, "-" for stdin, and its content."""

    name: str
    text: bytes


@dataclass(frozen=True)
class Position:
    """The file and the line, from 1, where something stands."""

    file: str
    line: int


@dataclass(frozen=True)
class Document:
    """All files as one: `root` is None where they hold nothing.

    `repeated` are keys that a file has twice, with the positions of both. `passed_over` are the paths of values that
    upstream, and so this project, leaves out, since an earlier file has keys there.
    """

    root: yaml.Node | None
    repeated: tuple[tuple[str, Position, Position], ...]
    passed_over: tuple[tuple[str, Position], ...]

    def value(self) -> object:
        """Return the content.

        Raises:
            ValueError: a value does not fit its tag, e.g. a date.
        """
        if self.root is None:
            return None
        with telling_where():
            return yaml.SafeLoader("").construct_document(self.root)

    def position(self, path: str) -> Position | None:
        """Return where a path stands ("domains[1].name", in any case), or the deepest part of it that is found."""
        if self.root is None or not path:
            return None
        found, node = None, self.root
        for part in re.findall(r"[^.\[\]]+", path):
            below = next(_below(node, part.lower()), None)
            if below is None:
                break
            stands, node = below
            found = _position(stands)
        return found


def read(files: Sequence[File]) -> Document:
    """Read files and merge them in their order: mappings key by key, anything else as the last file has it.

    Raises:
        ValueError: a file is not YAML, or is not a mapping; the message names it where there are several.
    """
    roots = [root for file in files if (root := _root(file, is_named=len(files) > 1)) is not None]
    with telling_where():  # a node may hold itself, by an alias
        repeated = tuple(found for root in roots for found in _repeated(root, ""))
    passed_over: list[tuple[str, Position]] = []
    merged: yaml.MappingNode | None = None
    for root in roots:
        merged = root if merged is None else _merged(merged, root, "", passed_over)
    return Document(merged, repeated, tuple(passed_over))


def written(document: Document, sections: Collection[str]) -> bytes:
    """Write a document with the sections of some names, in small letters, alone; others may hold passwords."""
    if not isinstance(document.root, yaml.MappingNode):
        return b""
    kept = [(key, value) for key, value in document.root.value if _folded(key) in sections]
    node = yaml.MappingNode(document.root.tag, kept, flow_style=False)
    text: str = yaml.serialize(node, Dumper=yaml.SafeDumper, allow_unicode=True)
    return text.encode()


def _root(file: File, *, is_named: bool) -> yaml.MappingNode | None:
    name = file.name if is_named else ""
    with telling_where(name):
        loader = yaml.SafeLoader(file.text)
        loader.name = file.name
        root = loader.get_single_node()
    if root is None or _is_null(root):
        return None
    if not isinstance(root, yaml.MappingNode):
        raise ValueError(f"{name}: expected a mapping of sections" if name else "expected a mapping of sections")
    return root


def _merged(
    first: yaml.MappingNode, second: yaml.MappingNode, path: str, passed_over: list[tuple[str, Position]]
) -> yaml.MappingNode:
    merged = {_folded(key): (key, value) for key, value in first.value}
    for key, value in second.value:
        name = _folded(key)
        before = merged[name][1] if name in merged else None
        if not isinstance(before, yaml.MappingNode):
            merged[name] = (key, value)
        elif isinstance(value, yaml.MappingNode):
            merged[name] = (merged[name][0], _merged(before, value, f"{path}{key.value}.", passed_over))
        elif not _is_null(value):
            passed_over.append((f"{path}{key.value}", _position(key)))
    return yaml.MappingNode(first.tag, list(merged.values()), first.start_mark, first.end_mark, flow_style=False)


def _repeated(node: yaml.Node | None, path: str) -> Iterator[tuple[str, Position, Position]]:
    if isinstance(node, yaml.MappingNode):
        first: dict[str, Position] = {}
        for key, value in node.value:
            name = f"{path}.{key.value}" if path else str(key.value)
            if name in first:
                yield name, first[name], _position(key)
            first[name] = _position(key)
            yield from _repeated(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _repeated(value, f"{path}[{number}]")


def _below(node: yaml.Node, part: str) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Yield what a key in any case, or a number of a list, leads to: the node that stands for its line, and its value.

    A path without a number goes on in any element of a list.
    """
    if isinstance(node, yaml.MappingNode):
        yield from ((key, value) for key, value in node.value if _folded(key) == part)
    elif isinstance(node, yaml.SequenceNode) and part.isdecimal():
        yield from ((element, element) for element in node.value[int(part) : int(part) + 1])
    elif isinstance(node, yaml.SequenceNode):
        for element in node.value:
            yield from _below(element, part)


def _folded(key: yaml.Node) -> str:
    return str(key.value).lower()


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _position(node: yaml.Node) -> Position:
    return Position(node.start_mark.name, node.start_mark.line + 1)
