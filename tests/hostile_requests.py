"""Requests at the limits of their descriptors: unknown enums, extreme times, long texts, many elements, deep ones."""

from collections.abc import Callable, Sequence
from random import Random
from typing import cast

from flyteidl.core.identifier_pb2 import TASK
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from tests.builders import DOMAIN, PROJECT

PLAUSIBLE = {
    "project": PROJECT,
    "domain": DOMAIN,
    "name": "run",
    "version": "v1",
    "node_id": "n0",
    "limit": 10,
    "id": PROJECT,
}
"""Values of fields by their names, so that a request passes the first checks."""

ENUMS = (99, -1, 2**31 - 1)
INTEGERS = (0, -1, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63))
FLOATS = (0.0, float("nan"), float("inf"), -1e308)
SECONDS = (1 << 60, -(1 << 60), 10**14, 253_402_300_800, -62_135_596_801, 315_576_000_001)
NANOS = (-1, 0, 999_999_999, 2**31 - 1)
TEXTS = ("", "\x00\x01", "é" * 300, "a:b#c/../%2F ", "{{ project }}", "x" * 3_000)
LONG_TEXTS = (*TEXTS, "a" * 70_000, "\x01" * 500_000)
COUNTS = (3, 200, 20_000, 700_000)
_DEEPEST = 60


def plausible(message: Message, depth: int = 3) -> Message:
    """Set the fields whose names tell what they are."""
    for field in _descriptor(message).fields:
        if field.name in PLAUSIBLE and not field.is_repeated and field.message_type is None:
            if isinstance(PLAUSIBLE[field.name], str) == (field.type == FieldDescriptor.TYPE_STRING):
                setattr(message, field.name, PLAUSIBLE[field.name])
        elif field.name == "resource_type":
            setattr(message, field.name, TASK)
        elif depth and field.message_type is not None and not field.is_repeated and field.name.endswith("id"):
            plausible(getattr(message, field.name), depth - 1)
    return message


def spoil(message: Message, random: Random, texts: Sequence[str] = LONG_TEXTS) -> None:
    """Set one field, at random depth, to a value at a limit."""
    for _ in range(_DEEPEST):
        field = _chosen(message, random)
        if field is None:
            return
        if field.is_repeated:
            _spoil_many(message, field, random, texts)
            return
        if field.message_type is None:
            _assign(message, field, random, texts)
            return
        message = getattr(message, field.name)
        message.SetInParent()
        if isinstance(message, Timestamp | Duration):
            message.seconds, message.nanos = random.choice(SECONDS), random.choice(NANOS)
            return
        if isinstance(message, Struct):
            message.update({"a": [random.choice(FLOATS), {"b": random.choice(texts)}]})
            return


def _descriptor(message: Message) -> Descriptor:
    return cast("Descriptor", message.DESCRIPTOR)


def _chosen(message: Message, random: Random) -> FieldDescriptor | None:
    """Choose a field; those that are set are likelier, since a request that is valid otherwise gets further."""
    fields = list(_descriptor(message).fields)
    given = [field for field, _ in message.ListFields()]
    if not fields:
        return None
    return random.choice(given) if given and random.random() < 0.6 else random.choice(fields)


def _assign(message: Message, field: FieldDescriptor, random: Random, texts: Sequence[str]) -> None:
    try:
        setattr(message, field.name, _scalar(field, random, texts))
    except (ValueError, TypeError):
        message.ClearField(field.name)


def _scalar(field: FieldDescriptor, random: Random, texts: Sequence[str]) -> object:
    if field.enum_type is not None:
        return random.choice(ENUMS)
    if field.type == FieldDescriptor.TYPE_STRING:
        return random.choice(texts)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return random.choice(texts).encode()
    if field.type in {FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE}:
        return random.choice(FLOATS)
    return random.random() < 0.5 if field.type == FieldDescriptor.TYPE_BOOL else random.choice(INTEGERS)


def _spoil_many(message: Message, field: FieldDescriptor, random: Random, texts: Sequence[str]) -> None:
    """Change an element that is there, or add many: of two bytes each where they are messages."""
    values, count = getattr(message, field.name), random.choice(COUNTS)
    entry = field.message_type if field.message_type is not None else None
    if entry is not None and entry.GetOptions().map_entry:
        _spoil_map(values, entry, random, texts)
    elif entry is not None and values and random.random() < 0.6:
        spoil(random.choice(values), random, texts)
    elif entry is not None:
        message.MergeFromString(_tag(field) * count)
    elif field.type == FieldDescriptor.TYPE_STRING:
        values.extend(["x"] * min(count, 20_000) + [random.choice(texts)])
    elif field.enum_type is not None:
        values.extend(ENUMS)


def _spoil_map(values: object, entry: Descriptor, random: Random, texts: Sequence[str]) -> None:
    value, key_of = entry.fields_by_name["value"], _key_of(entry)
    container = cast("dict[object, object]", values)
    if value.message_type is not None and container and random.random() < 0.6:
        spoil(cast("Message", container[random.choice(list(container))]), random, texts)
        return
    for number in range(random.choice((1, 30, 2_000))):
        if value.message_type is not None:
            cast("Message", container[key_of(number)]).SetInParent()
        elif value.type == FieldDescriptor.TYPE_STRING:
            container[key_of(number)] = random.choice(TEXTS)


def _key_of(entry: Descriptor) -> Callable[[int], object]:
    return str if entry.fields_by_name["key"].type == FieldDescriptor.TYPE_STRING else int


def _tag(field: FieldDescriptor) -> bytes:
    """Return the bytes of an empty element: its tag as a varint, and a length of zero."""
    number, tag = field.number << 3 | 2, b""
    while number > 0x7F:
        tag += bytes([number & 0x7F | 0x80])
        number >>= 7
    return tag + bytes([number, 0])
