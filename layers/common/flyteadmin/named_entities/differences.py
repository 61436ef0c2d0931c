"""What differs between two registrations of one identifier, in the form that upstream's clients print; pure."""

import json
from collections.abc import Iterator
from itertools import zip_longest

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from pydantic import JsonValue

_MAX_CHARACTERS = 30_000
_ABSENT = object()


def differences(old: Message, new: Message) -> str:
    """Each value that differs: its JSON pointer, the old value and the new one (REG-02); cut where it gets long.

    An absent side is left out.
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
