"""Decides how a registration under a taken identifier is refused: as identical, or by what differs; pure."""

import json
from collections.abc import Iterator
from hashlib import sha256
from itertools import zip_longest

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from pydantic import JsonValue

from flyteadmin.errors import AlreadyExists, InvalidArgument

_MAX_CHARACTERS = 30_000
_ABSENT = object()


def digest(registered: Message) -> bytes:
    """Return the SHA-256 of a version as it is stored: an identical registration has the same."""
    return sha256(registered.SerializeToString(deterministic=True)).digest()


def identical(kind: str, *details: Message) -> AlreadyExists:
    """Return the error for a registration that repeats a stored version (REG-01)."""
    return AlreadyExists(f"{kind} with identical structure already exists", *details)


def different(kind: str, name: str, old: Message, new: Message, *details: Message) -> InvalidArgument:
    """Return the error for a registration that differs from the stored version (REG-02)."""
    return InvalidArgument(
        f"{name} {kind} with different structure already exists."
        f" (Please register a new version of the {kind}):\n" + differences(old, new),
        *details,
    )


def differences(old: Message, new: Message) -> str:
    """Return each value that differs: its JSON pointer, the old value and the new one, in the form of flytectl.

    A value that is absent on one side is left out there. A text above 30,000 characters is cut.
    """
    before: JsonValue = MessageToDict(old, preserving_proto_field_name=True)
    after: JsonValue = MessageToDict(new, preserving_proto_field_name=True)
    text: list[str] = []
    length = 0
    for difference in _compared("", before, after):
        length += len(difference) + 1
        if length > _MAX_CHARACTERS:
            text.append("... (there are more)")
            break
        text.append(difference)
    return "\n".join(text)


def _compared(path: str, old: object, new: object) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _compared(f"{path}/{_escaped(name)}", old.get(name, _ABSENT), new.get(name, _ABSENT))
    elif isinstance(old, list) and isinstance(new, list):
        for index, (before, after) in enumerate(zip_longest(old, new, fillvalue=_ABSENT)):
            yield from _compared(f"{path}/{index}", before, after)
    elif type(old) is not type(new) or old != new:
        yield f"{path}:{_side('-', old)}{_side('+', new)}"


def _side(sign: str, value: object) -> str:
    if value is _ABSENT:
        return ""
    return f"\n\t{sign} {value if isinstance(value, str) else json.dumps(value)}"


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
