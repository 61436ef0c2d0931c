"""The JSON styles that meet in one FlyteWorkflow: protobuf's own, Go struct tags, and Go's durations and times."""

from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from pydantic import GetCoreSchemaHandler, JsonValue
from pydantic_core import CoreSchema, core_schema

NANOSECONDS = 1_000_000_000
_MAX_NANOSECONDS = 2**63 - 1
_MAX_SECONDS = 315_576_000_000


@dataclass(frozen=True, slots=True)
class MessageJson:
    """Marks a pydantic field that holds a protobuf message: how its JSON is written. Both styles are read alike."""

    go_tags: bool

    def __get_pydantic_core_schema__(self, source: type[Message], _: GetCoreSchemaHandler) -> CoreSchema:
        """Accept the message itself or its JSON."""

        def read(value: Message | dict[str, JsonValue]) -> Message:
            return value if isinstance(value, Message) else ParseDict(value, source(), ignore_unknown_fields=True)

        write = to_go_tags if self.go_tags else MessageToDict
        serializer = core_schema.plain_serializer_function_ser_schema(write)
        return core_schema.no_info_plain_validator_function(read, serialization=serializer)


JSON_PB = MessageJson(go_tags=False)
"""As jsonpb writes a message: camelCase, enums by name, 64-bit integers as strings."""

GO_TAGS = MessageJson(go_tags=True)
"""As encoding/json writes the generated Go struct: proto names, enums as numbers, empty fields left out."""


def to_go_tags(message: Message) -> dict[str, JsonValue]:
    """Return a message without oneofs in the JSON of its Go struct."""
    return {field.name: _go_value(value) for field, value in message.ListFields()}


def _go_value(value: object) -> JsonValue:
    if isinstance(value, Struct):
        fields: JsonValue = MessageToDict(value)
        return fields
    if isinstance(value, Message):
        return to_go_tags(value)
    if value is None or isinstance(value, str | int | float):
        return value
    if hasattr(value, "items"):
        return {str(key): _go_value(item) for key, item in value.items()}
    return [_go_value(item) for item in value]  # type: ignore[attr-defined]  # what remains is a repeated field


def go_duration(nanoseconds: int) -> str:
    """Return a duration as Go writes it: "1h0m0s", "1.5s", "250ms", "0s"."""
    if not nanoseconds:
        return "0s"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest < NANOSECONDS:
        unit, size = next(pair for pair in (("ms", 1_000_000), ("µs", 1_000), ("ns", 1)) if rest >= pair[1])
        return f"{sign}{_fraction(rest, size)}{unit}"
    minutes, below = divmod(rest, 60 * NANOSECONDS)
    hours, minutes = divmod(minutes, 60)
    shown = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{shown}{_fraction(below, NANOSECONDS)}s"


def duration_nanoseconds(duration: Duration) -> int:
    """Return the length of a duration.

    Raises:
        ValueError: no valid duration, or more than Go's 292 years.
    """
    total = duration.seconds * NANOSECONDS + duration.nanos
    mixed = duration.seconds and duration.nanos and (duration.seconds < 0) != (duration.nanos < 0)
    if mixed or abs(duration.seconds) > _MAX_SECONDS or abs(duration.nanos) >= NANOSECONDS:
        raise ValueError("invalid duration")
    if abs(total) > _MAX_NANOSECONDS:
        raise ValueError("duration is out of range")
    return total


def rfc3339(moment: datetime) -> str:
    """Return a time as Kubernetes writes it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _fraction(amount: int, unit: int) -> str:
    whole, rest = divmod(amount, unit)
    digits = str(rest).zfill(len(str(unit)) - 1).rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)
