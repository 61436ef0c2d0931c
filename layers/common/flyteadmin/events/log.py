"""The log of events: written first, read in order; an execution's history and what its rows are rebuilt from."""

from collections.abc import Iterator, Sequence

from flyteadmin.clients import storage
from flyteadmin.clients.dynamodb.reads import query_each
from flyteadmin.clients.dynamodb.writes import batch_put
from flyteadmin.errors import Internal
from flyteadmin.events.envelope import Kind, QueuedEvent, digest, parse
from flyteadmin.events.models import LoggedEvent
from flyteadmin.events.validation import Event
from flyteadmin.identifiers import escape

RETENTION_SECONDS = 400 * 24 * 3600
"""How long an event stays: longer than any run lasts, or a rebuild would forget."""

_INLINE_BYTES = 32 * 1024


def append(events: Sequence[tuple[QueuedEvent, str]]) -> None:
    """Store events, each with its entity's key; a pure function of the messages, so a repeat changes nothing.

    Raises:
        Unavailable: not all are stored; do it again.
    """
    batch_put([_item(event, entity) for event, entity in events])


def read(execution: str, kind: Kind, entity: str) -> Iterator[tuple[str, Event]]:
    """The logged events of one entity with their padded sequences, in order, read as needed; a consistent read.

    Raises:
        Internal: a blob that the log refers to is gone, or was replaced.
    """
    prefix = _prefix(kind, entity)
    for item in query_each(LoggedEvent, execution, LoggedEvent.entry.startswith(prefix)):
        yield item.entry.removeprefix(prefix), parse(kind, _payload(item))


def sequence_of(execution: str, kind: Kind, entity: str, payload: bytes) -> str:
    """The padded sequence under which an event's bytes were first logged; "" if they were not."""
    prefix = _prefix(kind, entity)
    wanted = digest(payload)
    for item in query_each(LoggedEvent, execution, LoggedEvent.entry.startswith(prefix)):
        if item.digest == wanted:
            return item.entry.removeprefix(prefix)
    return ""


def _payload(item: LoggedEvent) -> bytes:
    payload = item.event if item.event is not None else storage.read_referred(item.uri)
    if digest(payload) != item.digest:
        raise Internal(f"what the log has under {item.entry}, or at {item.uri}, is not what was logged")
    return payload


def _item(event: QueuedEvent, entity: str) -> LoggedEvent:
    item = LoggedEvent(
        execution=event.execution,
        entry=f"{_prefix(event.kind, entity)}{event.sequence}",
        digest=event.digest,
        ttl=event.record.attributes.sent_timestamp // 1000 + RETENTION_SECONDS,
    )
    if len(event.payload) <= _INLINE_BYTES:
        item.event = event.payload
    else:
        item.uri = storage.write_once(event.payload, "events", *event.execution.split(":", 2), event.kind)
    return item


def _prefix(kind: Kind, entity: str) -> str:
    """What an entity's entries begin with, and no other's: an attempt's key is escaped already, a node's id is not."""
    return f"{kind}#{escape(entity) if kind is Kind.NODE else entity}#"
