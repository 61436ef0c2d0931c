"""How an event travels through the queue, and what a queue record holds; an event that can't be read says why."""

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
"""A larger event travels as a claim check: in base64 it would not fit into every queue's 256 KB."""


class Kind(StrEnum):
    """Whose event it is; also the first word of the event's key in the log."""

    WORKFLOW = "workflow"
    NODE = "node"
    TASK = "task"


_MESSAGES: dict[Kind, type[Event]] = {
    Kind.WORKFLOW: WorkflowExecutionEvent,
    Kind.NODE: NodeExecutionEvent,
    Kind.TASK: TaskExecutionEvent,
}


class Envelope(BaseModel):
    """A queue message's body: the event's bytes in base64, or the URI of the blob that holds them.

    `execution` is there with a claim only, since the event can't be seen then. `launch_plan` is what admission read
    from the execution's row: it names the lease that ends with the execution.
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
    """One record as the queue hands it to a function."""

    message_id: str = Field(alias="messageId")
    body: str
    attributes: _SystemAttributes = _SystemAttributes()
    message_attributes: dict[str, _Attribute] = Field({}, alias="messageAttributes")

    @property
    def may_be_claim(self) -> bool:
        """Whether opening it may read S3, and is worth a thread; a quick look, the envelope itself decides."""
        return '"claim"' in self.body

    @property
    def sequence(self) -> str:
        """The event's place: the queue's sequence number, or the one that a redrive carries along."""
        redriven = self.message_attributes.get("sequence")
        return redriven.string_value if redriven else self.attributes.sequence_number


@dataclass(frozen=True)
class QueuedEvent:
    """An event out of the queue: decoded, valid, in its place."""

    record: QueueRecord
    kind: Kind
    event: Event
    payload: bytes
    sequence: str
    execution: str
    launch_plan: str

    @property
    def digest(self) -> bytes:
        """16 bytes that identify the event's bytes."""
        return digest(self.payload)


def digest(payload: bytes) -> bytes:
    """16 bytes of an event's SHA-256: the queue's deduplication id and the log's hash."""
    return sha256(payload).digest()[:16]


def kind_of(event: Event) -> Kind:
    """Whose event this message is."""
    return next(kind for kind, message in _MESSAGES.items() if isinstance(event, message))


def seal(kind: Kind, payload: bytes, *, claim: str = "", execution: str = "", launch_plan: str = "") -> str:
    """A message body for an event's bytes, or for the blob that holds them and the execution that it is about."""
    event = "" if claim else base64.b64encode(payload).decode()
    envelope = Envelope(
        kind=kind, event=event, claim=claim, execution=execution if claim else "", launch_plan=launch_plan
    )
    return envelope.model_dump_json(exclude_defaults=True, ensure_ascii=True)  # a name may hold what no message may


def open_envelope(record: QueueRecord) -> Envelope:
    """The envelope in a record's body.

    Raises:
        InvalidArgument: it is none.
    """
    try:
        return Envelope.model_validate_json(record.body)
    except ValidationError as error:
        raise InvalidArgument(f"invalid value for body: {_first(error)}") from error


def payload_of(envelope: Envelope) -> bytes:
    """The bytes that an envelope carries itself.

    Raises:
        InvalidArgument: not base64.
    """
    try:
        return base64.b64decode(envelope.event, validate=True)
    except ValueError as error:  # of base64 itself, or of characters beyond ASCII
        raise InvalidArgument(f"invalid value for event: {error}") from error


def decode(record: QueueRecord, envelope: Envelope, payload: bytes) -> QueuedEvent:
    """The event of a record.

    Raises:
        InvalidArgument: the bytes are no such message, or the event is not valid; sending it again won't help.
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
    """An event from its bytes.

    Raises:
        InvalidArgument: they are no such message.
    """
    try:
        return _MESSAGES[kind].FromString(payload)
    except DecodeError as error:
        raise InvalidArgument(f"invalid value for event: not a {kind} event ({error})") from error


def cause_of(error: FlyteAdminError) -> str:
    """An error as a queue attribute: its code and at most 200 characters of its message, which may be anybody's."""
    return visible(f"{error.code.name}: {error.message[:200]}".encode("ascii", "backslashreplace").decode())


def execution_of(record: QueueRecord) -> str:
    """The execution that a record's event is about, as far as its body says so itself; "" if it does not."""
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
