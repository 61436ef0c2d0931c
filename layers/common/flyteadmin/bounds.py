"""Bounds of a message: its elements, its depth, its JSON form, its times and numbers; pure.

Two bytes of a binary body can be an element that takes a hundred bytes of memory and of JSON, and a timestamp can hold
a year that no client reads. One walk over a message finds both, and ends at the first thing that is out of bounds.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring
from math import isfinite
from typing import Any, cast

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.any_pb2 import Any as PackedMessage
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.protobuf.struct_pb2 import Value

from flyteadmin.errors import InvalidArgument, invalid
from flyteadmin.timestamps import NANOSECONDS, is_valid

MAX_ELEMENTS = 500_000
"""The most elements of all lists and maps in one request; four megabytes of ordinary literals or nodes hold fewer."""

MAX_JSON_BYTES = 32 * 1024 * 1024
"""The largest JSON form of a request; four megabytes of ordinary literals or nodes take less."""

_MAX_DEPTH = 98
"""Protobuf parses a hundred, and a list nests what a request brought deeper."""

_MAX_PATH = 300
_MAX_DURATION_SECONDS = 315_576_000_000
_LONG_TEXT = 256
_SHORT_LENGTHS = bytes(range(8))
_SHORT_ELEMENT = 24


def validate_bounds(message: Message) -> None:
    """Check that what a request brings can be stored, listed and read in any form.

    Raises:
        InvalidArgument: too many elements, too deep, too long in JSON, or a time or number that clients can't read; it
            names the field.
    """
    try:
        _Walk(MAX_ELEMENTS, MAX_JSON_BYTES, _unreadable).enter(message, _plan(message))
    except _OutOfBoundsError as found:
        raise _refusal(found) from None


def json_bytes(message: Message, most: int) -> int:
    """Estimate the bytes of a message's JSON form; `most` + 1 for any number above `most`."""
    walk = _Walk(most, most, lambda _message: "")
    try:
        walk.enter(message, _plan(message))
    except _OutOfBoundsError:
        return most + 1
    return most - walk.json_left


def parsed_weight(blob: bytes) -> int:
    """Estimate what a message takes in memory from its binary form, without parsing it; a quarter of the bytes.

    Text takes a few times its length, but an element of two bytes takes ninety. The length of a short element is a
    byte that text does not have.
    """
    return len(blob) + _SHORT_ELEMENT * (len(blob) - len(blob.translate(None, _SHORT_LENGTHS)))


def clear_unreadable(message: Message) -> None:
    """Clear those times and numbers of a stored message that no client reads: earlier versions accepted them."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if not field.is_repeated:
            items: Iterable[Message] = (value,)
        elif field.message_type.GetOptions().map_entry:
            items = value.values() if field.message_type.fields_by_name["value"].message_type is not None else ()
        else:
            items = value
        for item in items:
            if not _unreadable(item):
                clear_unreadable(item)
            elif field.is_repeated:
                item.Clear()
            else:
                message.ClearField(field.name)


class _OutOfBoundsError(Exception):
    """A message is out of bounds at `path`, which is filled from its end while the walk returns."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
        self.path: list[str] = []


def _refusal(found: _OutOfBoundsError) -> InvalidArgument:
    names = "".join(name if name.startswith("[") else f".{name}" for name in reversed(found.path))
    return invalid(names.lstrip(".")[:_MAX_PATH] or "the request", found.why)


type _Visit = Callable[["_Walk", Any], None]


@dataclass(slots=True)
class _Plan:
    """The plan for a kind of message: the bytes of its empty JSON form, and its visits by field number."""

    empty_json: int
    visits: Mapping[int, tuple[str, _Visit]]


class _Walk:
    """A walk over a message, with what it may still meet; `unreadable` tells why clients can't read a message."""

    __slots__ = ("depth_left", "elements_left", "json_left", "unreadable")

    def __init__(self, elements: int, json: int, unreadable: Callable[[Message], str]) -> None:
        self.elements_left, self.json_left, self.depth_left = elements, json, _MAX_DEPTH
        self.unreadable = unreadable

    def enter(self, message: Message, plan: _Plan) -> None:
        """Walk through a message."""
        self.spend(plan.empty_json)
        if message.DESCRIPTOR.full_name in _CHECKED and (why := self.unreadable(message)):
            raise _OutOfBoundsError(why)
        self.depth_left -= 1
        if self.depth_left < 0:
            raise _OutOfBoundsError(f"nested too deep: at most {_MAX_DEPTH} messages deep is allowed")
        for field, value in message.ListFields():
            name, visit = plan.visits[field.number]
            try:
                visit(self, value)
            except _OutOfBoundsError as found:
                found.path.append(name)
                raise
        self.depth_left += 1

    def count(self, elements: int) -> None:
        """Count elements."""
        self.elements_left -= elements
        if self.elements_left < 0:
            raise _OutOfBoundsError(f"at most {MAX_ELEMENTS} elements are allowed in a request")

    def spend(self, json: int) -> None:
        """Count bytes of JSON."""
        self.json_left -= json
        if self.json_left < 0:
            raise _OutOfBoundsError(f"at most {MAX_JSON_BYTES} bytes of JSON are allowed in a request")


def _unreadable(message: Message) -> str:
    check = _CHECKED.get(message.DESCRIPTOR.full_name)
    return check(message) if check is not None else ""


def _timestamp(value: Any) -> str:
    return "" if is_valid(value) else "expected a time in the years 1 to 9999"


def _duration(value: Duration) -> str:
    seconds, nanos = value.seconds, value.nanos
    fits = abs(seconds) <= _MAX_DURATION_SECONDS and abs(nanos) < NANOSECONDS and seconds * nanos >= 0
    return "" if fits else f"expected a duration of at most {_MAX_DURATION_SECONDS} seconds, with nanos of its sign"


def _number(value: Value) -> str:
    return "" if isfinite(value.number_value) else "expected a finite number, as JSON has no other"


_CHECKED: Mapping[str, Callable[[Any], str]] = {
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
    "google.protobuf.Value": _number,
}

_PLANS: dict[str, _Plan] = {}


def _plan(message: Message) -> _Plan:
    # upb's descriptors have a stub of their own.
    return _plan_of(cast("Descriptor", message.DESCRIPTOR))


def _plan_of(descriptor: Descriptor) -> _Plan:
    """Return the plan of a kind of message; a kind that contains itself finds the plan that is being made."""
    plan = _PLANS.get(descriptor.full_name)
    if plan is None:
        plan = _PLANS[descriptor.full_name] = _Plan(_empty_json(descriptor), visits := {})
        visits.update({field.number: (field.name, _visit(field)) for field in descriptor.fields})
    return plan


def _empty_json(descriptor: Descriptor) -> int:
    """Return the length of `{"name":null,…}` with all fields that are not in a oneof."""
    names = [field.name for field in descriptor.fields if field.containing_oneof is None]
    return 2 + sum(len(name) + len('"":null,') for name in names)


def _visit(field: FieldDescriptor) -> _Visit:
    if field.message_type is None:
        return _scalars(_scalar_bytes(field)) if field.is_repeated else _scalar(_scalar_bytes(field), field)
    if field.message_type.GetOptions().map_entry:
        value = field.message_type.fields_by_name["value"]
        return _message_map(_plan_of(value.message_type)) if value.message_type else _scalar_map(_scalar_bytes(value))
    if field.message_type.full_name == "google.protobuf.Any":
        return _anys if field.is_repeated else _any
    plan = _plan_of(field.message_type)
    return _messages(plan) if field.is_repeated else _message(plan, field)


type _Bytes = Callable[[Any], int]


def _scalar_bytes(field: FieldDescriptor) -> _Bytes:
    if field.enum_type is not None:
        longest = max(len(value.name) for value in field.enum_type.values) + 2
        return lambda _value: longest
    if field.type == FieldDescriptor.TYPE_STRING:
        return _text_bytes
    if field.type == FieldDescriptor.TYPE_BYTES:
        return lambda blob: len(blob) * 4 // 3 + 4
    return lambda number: len(repr(number)) + 2


def _text_bytes(text: str) -> int:
    """Return the bytes of a text in JSON, where control characters take six; a short one is not looked at."""
    return len(encode_basestring(text).encode()) if len(text) > _LONG_TEXT else len(text) + 2


def _scalar(bytes_of: _Bytes, field: FieldDescriptor) -> _Visit:
    name = len(field.name) + 4 if field.containing_oneof is not None else 0
    return lambda walk, value: walk.spend(name + bytes_of(value))


def _scalars(bytes_of: _Bytes) -> _Visit:
    def visit(walk: _Walk, values: Any) -> None:
        walk.count(len(values))
        walk.spend(len(values) + sum(map(bytes_of, values)))

    return visit


def _scalar_map(bytes_of: _Bytes) -> _Visit:
    def visit(walk: _Walk, entries: Any) -> None:
        walk.count(len(entries))
        for key, value in entries.items():
            walk.spend(len(str(key)) + 4 + bytes_of(value))

    return visit


def _message(plan: _Plan, field: FieldDescriptor) -> _Visit:
    name = len(field.name) + 4 if field.containing_oneof is not None else 0

    def visit(walk: _Walk, value: Message) -> None:
        walk.json_left -= name
        walk.enter(value, plan)

    return visit


def _messages(plan: _Plan) -> _Visit:
    def visit(walk: _Walk, values: Any) -> None:
        walk.count(len(values))
        for index, value in enumerate(values):
            try:
                walk.enter(value, plan)
            except _OutOfBoundsError as found:
                found.path.append(f"[{index}]")
                raise

    return visit


def _message_map(plan: _Plan) -> _Visit:
    def visit(walk: _Walk, entries: Any) -> None:
        walk.count(len(entries))
        walk.depth_left -= 1
        for key in entries:
            try:
                walk.spend(_text_bytes(str(key)) + 2)
                walk.enter(entries[key], plan)
            except _OutOfBoundsError as found:
                found.path.append(f"[{str(key)[:100]}]")
                raise
        walk.depth_left += 1

    return visit


def _any(walk: _Walk, packed: PackedMessage) -> None:
    """Walk through what is packed, as the JSON form shows it; bytes of a type that is not known here are only bytes."""
    walk.spend(len(packed.type_url) + len('{"@type":"","value":""}') + len(packed.value) * 4 // 3)
    try:
        descriptor = descriptor_pool.Default().FindMessageTypeByName(packed.TypeName())
        message = message_factory.GetMessageClass(descriptor).FromString(packed.value)
    except (KeyError, DecodeError):
        return
    if isinstance(message, PackedMessage):
        raise _OutOfBoundsError("an Any in an Any is not allowed")
    walk.enter(message, _plan(message))


def _anys(walk: _Walk, values: Any) -> None:
    walk.count(len(values))
    for value in values:
        _any(walk, value)
