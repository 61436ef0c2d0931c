"""Path and query parameters into the fields of a request, by grpc-gateway's rules (runtime/query.go at v2.28)."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, cast
from urllib.parse import unquote_plus

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from flyteadmin.durations import parse_duration
from flyteadmin.errors import InvalidArgument, invalid

_MAX_DEPTH = 32
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"(?i)[+-]?([0-9]+\.?[0-9]*(e[+-]?[0-9]+)?|\.[0-9]+(e[+-]?[0-9]+)?|inf(inity)?|nan)")


def parse_query(raw: str) -> list[tuple[str, str]]:
    """Parse a raw query string or form body to pairs; "+" is a space and ";" an ordinary character.

    Raises:
        InvalidArgument: a broken percent escape, or no UTF-8.
    """
    return [(_unquote(name), _unquote(value)) for name, _, value in map(_partition, raw.split("&")) if name or value]


def _partition(pair: str) -> tuple[str, str, str]:
    return pair.partition("=")


def _unquote(text: str) -> str:
    if _BROKEN_ESCAPE.search(text):
        raise InvalidArgument(f"invalid query: broken percent escape in {text[:100]!r}")
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        raise InvalidArgument(f"invalid query: {text[:100]!r} does not decode to UTF-8") from None


def apply_path(message: Message, parameters: Iterable[tuple[str, str]]) -> None:
    """Set the fields that the path binds, whatever they were before.

    Raises:
        InvalidArgument: a value does not fit its field.
    """
    for path, value in parameters:
        _set(message, path.split("."), [value])


def apply_query(message: Message, parameters: Iterable[tuple[str, str]], bound: Collection[str]) -> None:
    """Set the fields that a query names, by proto or camelCase name; unknown names are ignored.

    A repeated field takes every value, "m[k]=v" one entry of a map. `bound` are the field paths that the path template
    binds: the query can't change them or what is below them.

    Raises:
        InvalidArgument: a value does not fit its field, or a single field is given twice.
    """
    values: dict[str, list[str]] = {}
    for name, value in parameters:
        values.setdefault(name, []).append(value)
    fixed = [path.split(".") for path in bound]
    for name, given in values.items():
        field, key = _split_map_key(name)
        path = _proto_names(message, field.split("."))
        if not any(path[: len(prefix)] == prefix for prefix in fixed):
            _set(message, path, given if key is None else [key, *given])


def _split_map_key(name: str) -> tuple[str, str | None]:
    """Split "labels[a]" into ("labels", "a"); other texts have no key."""
    field, bracket, key = name.rpartition("[")
    return (field, key[:-1]) if bracket and key.endswith("]") else (name, None)


def _proto_names(message: Message, path: list[str]) -> list[str]:
    """Convert a field path to proto names, as far as it is known."""
    names: list[str] = []
    descriptor: Descriptor | None = _descriptor(message)
    for name in path:
        field = _field(descriptor, name) if descriptor is not None else None
        names.append(field.name if field is not None else name)
        descriptor = field.message_type if field is not None else None
    return names


def _descriptor(message: Message) -> Descriptor:
    # upb's descriptors have a stub of their own.
    return cast("Descriptor", message.DESCRIPTOR)


def _field(descriptor: Descriptor, name: str) -> FieldDescriptor | None:
    return descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)


def _set(message: Message, path: list[str], values: list[str]) -> None:
    dotted = ".".join(path)
    for depth, name in enumerate(path):
        field = _field(_descriptor(message), name)
        if field is None:
            return
        if depth == _MAX_DEPTH:
            raise invalid(dotted[:100], f"more than {_MAX_DEPTH} levels")
        _check_oneof(message, field, dotted)
        if depth == len(path) - 1:
            _assign(message, field, dotted, values)
            return
        if field.message_type is None or field.is_repeated:
            raise invalid(dotted, f"{name} is not a message")
        message = getattr(message, field.name)
        message.SetInParent()


def _check_oneof(message: Message, field: FieldDescriptor, dotted: str) -> None:
    if field.containing_oneof is None:
        return
    already = message.WhichOneof(field.containing_oneof.name)
    if already is not None and (field.message_type is None or already != field.name):
        raise invalid(dotted, f"{already} of the same oneof is set already")


def _assign(message: Message, field: FieldDescriptor, dotted: str, values: list[str]) -> None:
    try:
        if not field.is_repeated:
            _assign_one(message, field, values)
        elif field.message_type is not None and field.message_type.GetOptions().map_entry:
            _assign_entry(getattr(message, field.name), field.message_type, values)
        else:
            getattr(message, field.name).extend(_parse(field, value) for value in values)
    except (ValueError, TypeError, OverflowError, ArithmeticError) as error:
        raise invalid(dotted, str(error)[:300]) from None


def _assign_one(message: Message, field: FieldDescriptor, values: list[str]) -> None:
    if len(values) > 1:
        raise ValueError(f"too many values: {len(values)}")
    value = _parse(field, values[0])
    if isinstance(value, Message):
        getattr(message, field.name).CopyFrom(value)
    else:
        setattr(message, field.name, value)


def _assign_entry(container: Any, entry: Descriptor, values: list[str]) -> None:
    if len(values) != 2:
        raise ValueError("expected one value for each key, as in map[key]=value")
    fields = entry.fields_by_name
    key, value = _parse(fields["key"], values[0]), _parse(fields["value"], values[1])
    if isinstance(value, Message):
        container[key].CopyFrom(value)
    else:
        container[key] = value


type _Parsed = bool | int | float | str | bytes | Message


def _parse(field: FieldDescriptor, text: str) -> _Parsed:
    if field.message_type is not None:
        return _parse_message(field.message_type.full_name, text)
    if field.enum_type is not None:
        return _parse_enum(field.enum_type, text)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _parse_bytes(text)
    return _PARSERS.get(field.cpp_type, _parse_integer)(text)


def _parse_message(name: str, text: str) -> Message:
    if name == "google.protobuf.Timestamp":
        timestamp = Timestamp()
        timestamp.FromJsonString(text)
        return timestamp
    if name == "google.protobuf.Duration":
        return _parse_duration(text)
    raise ValueError(f"a {name} can't be given as text")


def _parse_enum(enum: EnumDescriptor, text: str) -> int:
    if text in enum.values_by_name:
        return int(enum.values_by_name[text].number)
    if _INTEGER.fullmatch(text) and int(text) in enum.values_by_number:
        return int(text)
    raise ValueError(f"{text[:100]!r} is not one of {', '.join(sorted(enum.values_by_name))}")


def _parse_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{text[:100]!r} is not a number in base 10")
    return int(text)


def _parse_number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:100]!r} is not a number")
    return float(text)


def _parse_bool(text: str) -> bool:
    if text in {"1", "t", "T", "TRUE", "true", "True"}:
        return True
    if text in {"0", "f", "F", "FALSE", "false", "False"}:
        return False
    raise ValueError(f"{text[:100]!r} is neither true nor false")


def _parse_bytes(text: str) -> bytes:
    try:
        return b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except Base64Error:
        raise ValueError(f"{text[:100]!r} is not base64") from None


def _parse_duration(text: str) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(parse_duration(text))
    return duration


_PARSERS: Mapping[int, Callable[[str], _Parsed]] = {
    FieldDescriptor.CPPTYPE_BOOL: _parse_bool,
    FieldDescriptor.CPPTYPE_FLOAT: _parse_number,
    FieldDescriptor.CPPTYPE_DOUBLE: _parse_number,
    FieldDescriptor.CPPTYPE_STRING: str,
}
