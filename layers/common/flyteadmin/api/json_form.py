"""A message in the JSON form that protojson writes with EmitUnpopulated, which is what grpc-gateway answers."""

import struct
from base64 import b64encode
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache, partial
from math import isfinite, isnan
from typing import Any, NamedTuple

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.any_pb2 import Any as PackedMessage
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

type JsonValue = bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None

# A field's value has the type that its descriptor says: no static type knows it.
type _Encode = Callable[[Any], JsonValue]

_INT64 = (
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_SINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
)


_MAX_FLOAT = 3.4028235e38


class Names(Enum):
    """The spelling of field names: as in the .proto files, or in lowerCamelCase."""

    PROTO = "proto"
    CAMEL = "camel"


class _Field(NamedTuple):
    key: str
    name: str
    has_presence: bool
    null_when_unset: bool
    encode: _Encode


def to_json(message: Message, names: Names) -> JsonValue:
    """Convert a message to values for `json.dumps`.

    64-bit integers are strings, unset messages null, members of a oneof appear only when set: as upstream configures
    grpc-gateway's marshaler, with `EmitUnpopulated`. `google.protobuf.json_format` omits those nulls, and takes twice
    as long. A timestamp or duration outside of protobuf's range, which Go refuses to write, becomes null, so that one
    bad row does not spoil a list.
    """
    special = _WELL_KNOWN.get(message.DESCRIPTOR.full_name)
    if special is not None:
        return special(message, names)
    return _fields_to_json(message, names)


def _fields_to_json(message: Message, names: Names) -> dict[str, JsonValue]:
    answer: dict[str, JsonValue] = {}
    for key, name, has_presence, null_when_unset, encode in _plan(message.DESCRIPTOR, names):
        if has_presence and not message.HasField(name):
            if null_when_unset:
                answer[key] = None
        else:
            answer[key] = encode(getattr(message, name))
    return answer


@cache
def _plan(descriptor: Descriptor, names: Names) -> tuple[_Field, ...]:
    return tuple(_field_plan(field, names) for field in descriptor.fields)


def _field_plan(field: FieldDescriptor, names: Names) -> _Field:
    return _Field(
        key=field.json_name if names is Names.CAMEL else field.name,
        name=field.name,
        has_presence=field.has_presence,
        null_when_unset=field.message_type is not None and field.containing_oneof is None,
        encode=_encoder(field, names),
    )


def _encoder(field: FieldDescriptor, names: Names) -> _Encode:
    if not field.is_repeated:
        return _single_encoder(field, names)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        value = field.message_type.fields_by_name["value"]
        return partial(_encode_map, _single_encoder(value, names))
    return partial(_encode_list, _single_encoder(field, names))


def _single_encoder(field: FieldDescriptor, names: Names) -> _Encode:
    if field.message_type is not None:
        special = _WELL_KNOWN.get(field.message_type.full_name)
        if special is not None:
            return lambda message: special(message, names)
        return lambda message: _fields_to_json(message, names)
    if field.enum_type is not None:
        return partial(_encode_enum, _enum_names(field.enum_type))
    if field.type in _INT64:
        return str
    return _SCALARS.get(field.type, _as_it_is)


def _encode_map(encode: _Encode, value: Mapping[Any, Any]) -> JsonValue:
    return {_map_key(key): encode(value[key]) for key in value}


def _map_key(key: str | int) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _encode_list(encode: _Encode, value: list[Any]) -> JsonValue:
    return [encode(item) for item in value]


def _encode_enum(names: Mapping[int, str], value: int) -> JsonValue:
    return names.get(value, value)


def _enum_names(enum: EnumDescriptor) -> Mapping[int, str]:
    return {value.number: value.name for value in reversed(enum.values)}


def _encode_bytes(value: bytes) -> JsonValue:
    return b64encode(value).decode()


def _encode_double(value: float) -> JsonValue:
    if isfinite(value):
        return value
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _encode_float(value: float) -> JsonValue:
    """Return the shortest number that is the same in 32 bits."""
    if isfinite(value):
        for digits in range(6, 10):
            short = float(f"{value:.{digits}g}")
            if abs(short) <= _MAX_FLOAT and struct.unpack("f", struct.pack("f", short))[0] == value:
                return short
    return _encode_double(value)


def _as_it_is(value: JsonValue) -> JsonValue:
    return value


_SCALARS: Mapping[int, _Encode] = {
    FieldDescriptor.TYPE_BYTES: _encode_bytes,
    FieldDescriptor.TYPE_DOUBLE: _encode_double,
    FieldDescriptor.TYPE_FLOAT: _encode_float,
}


def _time(value: Timestamp | Duration, _names: Names) -> JsonValue:
    try:
        return value.ToJsonString()
    except (ValueError, OverflowError):
        return None


def _wrapper(message: Any, names: Names) -> JsonValue:
    return _single_encoder(message.DESCRIPTOR.fields_by_name["value"], names)(message.value)


def _struct(value: Struct, names: Names) -> JsonValue:
    return {key: _value(item, names) for key, item in value.fields.items()}


def _list_value(value: ListValue, names: Names) -> JsonValue:
    return [_value(item, names) for item in value.values]


def _value(value: Value, names: Names) -> JsonValue:
    match value.WhichOneof("kind"):
        case "number_value":
            return _encode_double(value.number_value)
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return _struct(value.struct_value, names)
        case "list_value":
            return _list_value(value.list_value, names)
    return None


def _any(packed: PackedMessage, names: Names) -> JsonValue:
    """Convert an Any, with its "@type"; if this process does not know the type, "value" is its bytes in base64."""
    try:
        descriptor = descriptor_pool.Default().FindMessageTypeByName(packed.TypeName())
        message = message_factory.GetMessageClass(descriptor).FromString(packed.value)
    except (KeyError, DecodeError):
        return {"@type": packed.type_url, "value": _encode_bytes(packed.value)}
    special = _WELL_KNOWN.get(descriptor.full_name)
    if special is not None:
        return {"@type": packed.type_url, "value": special(message, names)}
    return {"@type": packed.type_url, **_fields_to_json(message, names)}


_WELL_KNOWN: Mapping[str, Callable[[Any, Names], JsonValue]] = {
    "google.protobuf.Timestamp": _time,
    "google.protobuf.Duration": _time,
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": _value,
    "google.protobuf.ListValue": _list_value,
    "google.protobuf.Any": _any,
    **{
        f"google.protobuf.{kind}Value": _wrapper
        for kind in ("Bool", "Int32", "Int64", "UInt32", "UInt64", "Float", "Double", "String", "Bytes")
    },
}
