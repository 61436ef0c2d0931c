"""The form in which an event travels through the queue, and the records that the queue delivers."""

import base64
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent
from google.protobuf.message import DecodeError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flyteadmin.clients.attributes import visible
from flyteadmin.errors import FlyteAdminError, InvalidArgument
from flyteadmin.events.validation import Event, validate
from flyteadmin.identifiers import execution_key, padded

INLINE_EVENT_BYTES = 180_000
"""A larger event travels as a claim check, because its base64 may exceed the 256 KB of a queue message."""


class Kind(StrEnum):
    """The kind of an event's entity; also the first word of the event's key in the log."""

    WORKFLOW = "workflow"
    NODE = "node"
    TASK = "task"


_MESSAGES: dict[Kind, type[Event]] = {
    Kind.WORKFLOW: WorkflowExecutionEvent,
    Kind.NODE: NodeExecutionEvent,
    Kind.TASK: TaskExecutionEvent,
}


class Envelope(BaseModel):
    """The body of a queue message: the event's bytes in base64, or the URI of the blob that holds them.

    `execution` is set only with a claim, because then the body does not contain the event. `launch_plan` is what
    admission read from the execution's row: it names the lease that ends with the execution.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    event: str = ""
    claim: str = ""
    execution: str = ""
    launch_plan: str = ""


class _Attribute(BaseModel):
    string_value: str = Field("", alias="stringValue")


class _SystemAttributes(BaseModel):
    sequence_number: str = Field("", alias="SequenceNumber")
    group: str = Field("", alias="MessageGroupId")
    receive_count: int = Field(1, alias="ApproximateReceiveCount")
    sent_timestamp: int = Field(0, alias="SentTimestamp", description="milliseconds since the epoch")


class QueueRecord(BaseModel):
    """A message as the queue delivers it to a function."""

    message_id: str = Field(alias="messageId")
    body: str
    attributes: _SystemAttributes = _SystemAttributes()
    message_attributes: dict[str, _Attribute] = Field({}, alias="messageAttributes")

    @property
    def may_be_claim(self) -> bool:
        """Return whether opening it may read S3, so that it is worth a thread; the envelope itself decides."""
        return '"claim"' in self.body

    @property
    def sequence(self) -> str:
        """Return the event's place in the order: the queue's sequence number, or the one that a redrive carries."""
        redriven = self.message_attributes.get("sequence")
        return redriven.string_value if redriven else self.attributes.sequence_number


@dataclass(frozen=True)
class QueuedEvent:
    """A decoded and valid event from the queue, with its sequence."""

    record: QueueRecord
    kind: Kind
    event: Event
    payload: bytes
    sequence: str
    execution: str
    launch_plan: str

    @property
    def digest(self) -> bytes:
        """Return 16 bytes that identify the event's bytes."""
        return digest(self.payload)


def digest(payload: bytes) -> bytes:
    """Return 16 bytes of an event's SHA-256: the queue's deduplication id and the log's hash."""
    return sha256(payload).digest()[:16]


def kind_of(event: Event) -> Kind:
    """Return the kind of an event's entity."""
    return next(kind for kind, message in _MESSAGES.items() if isinstance(event, message))


def seal(kind: Kind, payload: bytes, *, claim: str = "", execution: str = "", launch_plan: str = "") -> str:
    """Write a message body that holds an event's bytes, or a claim on them and the execution's key."""
    event = "" if claim else base64.b64encode(payload).decode()
    envelope = Envelope(
        kind=kind, event=event, claim=claim, execution=execution if claim else "", launch_plan=launch_plan
    )
    return envelope.model_dump_json(exclude_defaults=True, ensure_ascii=True)  # SQS refuses some characters of names


def open_envelope(record: QueueRecord) -> Envelope:
    """Parse the envelope in a record's body.

    Raises:
        InvalidArgument: the body is not an envelope.
    """
    try:
        return Envelope.model_validate_json(record.body)
    except ValidationError as error:
        raise InvalidArgument(f"invalid value for body: {_first(error)}") from error


def payload_of(envelope: Envelope) -> bytes:
    """Return the event's bytes that an envelope contains.

    Raises:
        InvalidArgument: not base64.
    """
    try:
        return base64.b64decode(envelope.event, validate=True)
    except ValueError as error:  # not base64, or not ASCII
        raise InvalidArgument(f"invalid value for event: {error}") from error


def decode(record: QueueRecord, envelope: Envelope, payload: bytes) -> QueuedEvent:
    """Decode the event of a record.

    Raises:
        InvalidArgument: the bytes are not such a message, or the event is not valid; a retry can't help.
    """
    event = parse(envelope.kind, payload)
    return QueuedEvent(
        record=record,
        kind=envelope.kind,
        event=event,
        payload=payload,
        sequence=padded(record.sequence),
        execution=execution_key(validate(event)),
        launch_plan=envelope.launch_plan,
    )


def parse(kind: Kind, payload: bytes) -> Event:
    """Parse an event's bytes.

    Raises:
        InvalidArgument: they are not such a message.
    """
    try:
        return _MESSAGES[kind].FromString(payload)
    except DecodeError as error:
        raise InvalidArgument(f"invalid value for event: not a {kind} event ({error})") from error


def cause_of(error: FlyteAdminError) -> str:
    """Write an error as a queue attribute: its code and at most 200 characters of its message."""
    return visible(f"{error.code.name}: {error.message[:200]}".encode("ascii", "backslashreplace").decode())


def execution_of(record: QueueRecord) -> str:
    """Return the execution of a record's event, "" if the body does not tell it."""
    try:
        envelope = open_envelope(record)
        if envelope.claim:
            return envelope.execution
        return execution_key(validate(parse(envelope.kind, payload_of(envelope))))
    except InvalidArgument:
        return ""


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'envelope'}: {first['msg']}"
