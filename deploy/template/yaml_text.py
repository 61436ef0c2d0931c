"""Write values of CloudFormation as YAML for readers: short tags, small values on one line, comments.

PyYAML writes no comments and does not choose a style by length. Here:

- a list, or a mapping of up to two keys, stands on one line if it fits and its parts do;
- a string is quoted if YAML would read it as something else.
"""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import cast

import yaml

from deploy.template.cloudformation import Commented, Resource, Value

WIDTH = 120
KEYS_ON_A_LINE = 2
MAPPINGS_ON_A_LINE = 2
BLOCKS = frozenset({"Properties", "Variables"})
"""Mappings under these keys always have one line per key."""

_NEEDS_QUOTES = re.compile(r"[{}\[\]\"'#*&!%@`|>]|: |:$|^[-?:,]|^\s|\s$")


def resource(it: Resource) -> str:
    """Write a resource as an entry of `Resources`."""
    body = {"Type": it.type, **it.attributes, "Properties": it.properties}
    comment = _comment(it.comment, 2) if it.comment else []
    return "\n".join([*comment, f"  {it.logical_id}:", *_block(body, 4)]) + "\n"


def entry(key: str, value: Value) -> str:
    """Write a key and its value as an entry of a section of the template."""
    return "\n".join(_pair(f"  {key}:", value, 2)) + "\n"


def _block(value: Value, indent: int) -> Iterator[str]:
    """Yield the lines of a mapping or a list."""
    space = " " * indent
    match value:
        case Mapping():
            for key, inner in value.items():
                yield from _pair(f"{space}{_scalar(key)}:", inner, indent, is_open=key in BLOCKS)
        case Sequence() if not isinstance(value, str):
            for inner in value:
                if isinstance(inner, Commented):
                    yield from _comment(inner.comment, indent)
                    inner = inner.value  # noqa: PLW2901
                yield from _item(space, inner, indent)
        case _:
            raise TypeError(f"neither a mapping nor a list: {value!r}")


def _pair(head: str, value: Value, indent: int, *, is_open: bool = False) -> Iterator[str]:
    if not is_open and (line := _line(value)) is not None and len(head) + 1 + len(line) <= WIDTH:
        yield f"{head} {line}"
    elif wrapped := _wrapped(value, indent + 2):
        yield head
        yield from wrapped
    else:
        tag, inner = _tag(value)
        yield f"{head} {tag}".rstrip()
        yield from _block(inner, indent + 2)


def _item(space: str, value: Value, indent: int) -> Iterator[str]:
    line = _line(value)
    tag, inner = _tag(value)
    if line is not None and len(space) + 2 + len(line) <= WIDTH:
        yield f"{space}- {line}"
    elif tag:
        yield f"{space}- {tag}"
        yield from _block(inner, indent + 2)
    else:
        first, *rest = _block(inner, indent + 2)
        yield f"{space}- {first.lstrip()}"
        yield from rest


def _line(value: Value, *, is_inner: bool = False) -> str | None:
    """Write the value on one line; None if it is too large for that."""
    tag, inner = _tag(value)
    match inner:
        case Commented():
            return None
        case Mapping():
            if len(inner) > KEYS_ON_A_LINE or BLOCKS & inner.keys():
                return None
            parts = [(key, _line(each, is_inner=True)) for key, each in inner.items()]
            text = ", ".join(f"{_scalar(key)}: {part}" for key, part in parts)
            return None if any(part is None for _, part in parts) else f"{{{text}}}"
        case Sequence() if not isinstance(inner, str):
            found = [_line(each, is_inner=True) for each in inner]
            is_long = sum(isinstance(each, Mapping) and not _tag(each)[0] for each in inner) > MAPPINGS_ON_A_LINE
            text = ", ".join(each for each in found if each is not None)
            return None if is_long or None in found else f"{tag} [{text}]".lstrip()
        case _:
            return f"{tag} {_scalar(inner, in_line=is_inner)}".lstrip()


def _wrapped(value: Value, indent: int) -> list[str]:
    """Write a list of words on as few lines as it takes; no lines for another value."""
    if not isinstance(value, Sequence) or not all(isinstance(each, str) and each.isidentifier() for each in value):
        return []
    text = f"[{', '.join(cast('Sequence[str]', value))}]"
    space = " " * indent
    return textwrap.wrap(text, WIDTH, initial_indent=space, subsequent_indent=f"{space} ")


def _tag(value: Value) -> tuple[str, Value]:
    """Return the short tag of an intrinsic function and its argument; "" and the value for any other value."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return "", value
    [(key, inner)] = value.items()
    if key == "Fn::GetAtt":
        return "!GetAtt", ".".join(cast("Sequence[str]", inner))
    if key == "Ref" or key.startswith("Fn::"):
        return f"!{key.removeprefix('Fn::')}", inner
    return "", value


def _scalar(value: Value, *, in_line: bool = False) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str() if _is_plain(value, in_line=in_line):
            return value
        case str() if '"' in value and "'" not in value and value.isprintable():
            return f"'{value}'"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case _:
            raise TypeError(f"no scalar: {value!r}")


@cache
def _is_plain(text: str, *, in_line: bool) -> bool:
    """Tell whether the text needs no quotes; `in_line` is within brackets, where more texts need them."""
    if not text or _NEEDS_QUOTES.search(text):
        return False
    try:
        return bool(yaml.safe_load(f"[{text}]") == [text]) if in_line else bool(yaml.safe_load(text) == text)
    except yaml.YAMLError:
        return False


def _comment(text: str, indent: int) -> list[str]:
    lead = " " * indent + "# "
    return textwrap.wrap(text, WIDTH, initial_indent=lead, subsequent_indent=lead)
