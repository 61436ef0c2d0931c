"""Messages as Go prints them on one line, for error texts, for sorting and for the keys of the custom resource."""

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from struct import pack

from flyteidl.core.types_pb2 import STRUCT, LiteralType
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_FLOAT_DIGITS = range(6, 10)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def to_text(message: Message) -> str:
    """Return the message as Go's `String()` writes it: fields as declared, map keys sorted.

    Go puts one or two spaces between fields, by build; here it is always one.
    """
    return " ".join(_fields(message))


def literal_type_to_str(literal_type: LiteralType | None) -> str:
    """Return a type as error messages show it: a struct only by the types of its fields (`common/pretty_print.go`)."""
    if literal_type is None:
        return "None"
    if literal_type.simple != STRUCT:
        return to_text(literal_type)
    fields = sorted(literal_type.structure.dataclass_type.items())
    shown = ", ".join(f"dataclass_type:{{key:{name} value:{{{literal_type_to_str(kind)}}}" for name, kind in fields)
    return f"simple: STRUCT structure{{{shown}}}"


def _fields(message: Message) -> Iterator[str]:
    for field, value in sorted(message.ListFields(), key=lambda pair: pair[0].index):
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            yield from _entries(field.name, field.message_type.fields_by_name["value"], value)
        elif field.is_repeated:
            yield from (f"{field.name}:{_value(field, item)}" for item in value)
        else:
            yield f"{field.name}:{_value(field, value)}"


def _entries(name: str, kind: FieldDescriptor, entries: Mapping[str, object]) -> Iterator[str]:
    """Each entry of a map is a message of a key and a value."""
    for key in sorted(entries):
        yield f"{name}:{{key:{_scalar(key)} value:{_value(kind, entries[key])}}}"


def _value(field: FieldDescriptor, value: object) -> str:
    if isinstance(value, Message):
        return f"{{{to_text(value)}}}"
    if field.enum_type is not None and isinstance(value, int):
        named = field.enum_type.values_by_number.get(value)
        return named.name if named else str(value)
    if isinstance(value, float):
        return _float(value, single=field.type == FieldDescriptor.TYPE_FLOAT)
    return _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return '"' + "".join(_byte(byte) for byte in value) + '"'
    if isinstance(value, str):
        return '"' + "".join(_character(character) for character in value) + '"'
    return str(value)


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if 0x80 <= code <= 0x9F else character


def _byte(byte: int) -> str:
    return _character(chr(byte)) if byte < 0x80 else f"\\x{byte:02x}"


def _float(value: float, *, single: bool) -> str:
    """Go's shortest form ('g' with precision -1): with an exponent below 1e-4 and from 1e+06 on."""
    if math.isnan(value) or math.isinf(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    shortest = Decimal(repr(shortest_single(value) if single else value)).normalize()
    sign, digits, exponent = shortest.as_tuple()
    power = len(digits) - 1 + int(exponent)
    if -4 <= power < 6:
        return f"{shortest:f}"
    mantissa = "".join(map(str, digits))
    fraction = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{'-' if sign else ''}{mantissa[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"


def shortest_single(value: float) -> float:
    """Return the shortest decimal that is the same 32-bit float, as Go writes a float32."""
    wanted = pack("f", value)
    for digits in _FLOAT_DIGITS:
        candidate = float(f"{value:.{digits}g}")
        if pack("f", candidate) == wanted:
            return candidate
    return value
