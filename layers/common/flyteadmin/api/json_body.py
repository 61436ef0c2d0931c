"""JSON bodies into messages, as strict as protojson where `google.protobuf.json_format` is not."""

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections import Counter
from typing import Never, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from flyteadmin.api.json_form import JsonValue
from flyteadmin.bounds import MAX_ELEMENTS
from flyteadmin.errors import InvalidArgument


def parse_json(text: str, message: Message, *, ignore_unknown_fields: bool) -> None:
    """Parse a JSON body into a message; fields may have their proto or camelCase names.

    Raises:
        InvalidArgument: no JSON object, a field twice, an unknown field (unless ignored), a value of a wrong type or
            out of range, or more objects and lists than a request may have; the message names the field.
    """
    try:
        parsed = _loads(text)
        _count(parsed)
        _check(parsed, cast("Descriptor", message.DESCRIPTOR), "")
        ParseDict(parsed, message, ignore_unknown_fields=ignore_unknown_fields)
    except RecursionError:
        raise InvalidArgument("invalid request body: nested too deep") from None
    except (ParseError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise InvalidArgument(f"invalid request body: {_first_line(error)}") from None


def _loads(text: str) -> dict[str, JsonValue]:
    parsed = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_finite)
    if not isinstance(parsed, dict):
        raise TypeError("expected a JSON object")
    return parsed


def _no_duplicates(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    parsed = dict(pairs)
    if len(parsed) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = max(counts, key=lambda name: counts[name])
        raise ValueError(f"duplicate field {twice[:100]!r}")
    return parsed


def _no_constant(text: str) -> Never:
    raise ValueError(f"{text} is not JSON; write it as a string")


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"{text[:40]} is out of range")
    return number


def _count(parsed: JsonValue) -> None:
    """Bound lists and objects: two bytes are one, and each costs much more when it becomes a message."""
    containers, waiting = 0, [parsed]
    while waiting:
        value = waiting.pop()
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        inner = [item for item in items if isinstance(item, dict | list)]
        containers += len(inner)
        if containers > MAX_ELEMENTS:
            raise ValueError(f"at most {MAX_ELEMENTS} objects and lists are allowed")
        waiting.extend(inner)


def _check(value: JsonValue, descriptor: Descriptor, path: str) -> None:
    """Refuse what json_format accepts: an empty value that is not an object, and text that is almost base64."""
    if not isinstance(value, dict):
        raise TypeError(f"{path} must be an object")
    for name, given in value.items():
        field = descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)
        if field is not None and given is not None:
            _check_field(given, field, f"{path}.{name}" if path else name)


def _check_field(value: JsonValue, field: FieldDescriptor, path: str) -> None:
    message_type = field.message_type
    if message_type is not None and message_type.GetOptions().map_entry:
        _check_map(value, message_type.fields_by_name["value"], path)
    elif field.is_repeated:
        if not isinstance(value, list):
            raise TypeError(f"{path} must be a list")
        for index, item in enumerate(value):
            _check_single(item, field, f"{path}[{index}]")
    else:
        _check_single(value, field, path)


def _check_map(value: JsonValue, field: FieldDescriptor, path: str) -> None:
    if not isinstance(value, dict):
        raise TypeError(f"{path} must be an object")
    for key, item in value.items():
        _check_single(item, field, f"{path}[{key}]")


def _check_single(value: JsonValue, field: FieldDescriptor, path: str) -> None:
    if field.message_type is not None:
        if not field.message_type.full_name.startswith("google.protobuf."):
            _check(value, field.message_type, path)
    elif field.type == FieldDescriptor.TYPE_BYTES and isinstance(value, str):
        _check_base64(value, path)


def _check_base64(text: str, path: str) -> None:
    standard = text.replace("-", "+").replace("_", "/")
    try:
        b64decode(standard.rstrip("=") + "=" * (-len(standard.rstrip("=")) % 4), validate=True)
    except Base64Error:
        raise ValueError(f"{path} must be base64") from None


def _first_line(error: Exception) -> str:
    """Return the first line of json_format's error, without its list of all fields."""
    return str(error).partition("\n")[0][:500]
