"""The log: every event of an execution in sequence order, stored before it is applied; rows are rebuilt from it."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from flyteadmin.clients import storage
from flyteadmin.clients.dynamodb.keys import key_of
from flyteadmin.clients.dynamodb.reads import query_each
from flyteadmin.clients.dynamodb.writes import batch_put
from flyteadmin.errors import Internal
from flyteadmin.events.envelope import Kind, QueuedEvent, digest, parse
from flyteadmin.events.models import LoggedEvent
from flyteadmin.events.validation import Event
from flyteadmin.identifiers import escape, key_parts

RETENTION_SECONDS = 400 * 24 * 3600
"""Longer than any run lasts, since a rebuild needs all events of its entity."""

_INLINE_BYTES = 32 * 1024


@dataclass(frozen=True)
class Entry:
    """An event and its item for the log, not stored yet."""

    event: QueuedEvent
    item: LoggedEvent


def is_large(event: QueuedEvent) -> bool:
    """Return whether an event's entry needs a blob."""
    return len(event.payload) > _INLINE_BYTES


def entry(event: QueuedEvent, entity: str) -> Entry:
    """Make an event's entry under its entity's key; the same message makes the same entry, so a repeat changes nothing.

    Raises:
        Unavailable: the object store does not take the blob of a large event; try again.
    """
    item = LoggedEvent(
        execution=event.execution,
        entry=f"{_prefix(event.kind, entity)}{event.sequence}",
        digest=event.digest,
        ttl=event.record.attributes.sent_timestamp // 1000 + RETENTION_SECONDS,
    )
    if is_large(event):
        item.uri = storage.write_once(event.payload, "events", *key_parts(event.execution), event.kind)
    else:
        item.event = event.payload
    return Entry(event, item)


def append(entries: Sequence[Entry]) -> list[QueuedEvent]:
    """Store entries and return the events that were stored; a single execution's partition may be throttled.

    Raises:
        Unavailable: the database takes none of them; try again.
    """
    left = batch_put([entry.item for entry in entries])
    return [entry.event for entry in entries if key_of(entry.item) not in left]


def read(execution: str, kind: Kind, entity: str) -> Iterator[tuple[str, Event]]:
    """Yield the logged events of an entity in order, with their padded sequences; a consistent read, page by page.

    An entry whose blob is gone is lost, like an entry that is gone itself.

    Raises:
        Internal: a blob that the log refers to was replaced.
    """
    prefix = _prefix(kind, entity)
    for item in query_each(LoggedEvent, execution, LoggedEvent.entry.startswith(prefix)):
        with suppress(storage.BlobMissing):
            yield item.entry.removeprefix(prefix), parse(kind, _payload(item))


def sequence_of(execution: str, kind: Kind, entity: str, payload: bytes) -> str:
    """Return the padded sequence under which an event's bytes were first logged; "" if they were not."""
    prefix = _prefix(kind, entity)
    wanted = digest(payload)
    for item in query_each(LoggedEvent, execution, LoggedEvent.entry.startswith(prefix)):
        if item.digest == wanted:
            return item.entry.removeprefix(prefix)
    return ""


def _payload(item: LoggedEvent) -> bytes:
    payload = item.event if item.event is not None else storage.read(item.uri)
    if digest(payload) != item.digest:
        raise Internal(f"what the log has under {item.entry}, or at {item.uri}, is not what was logged")
    return payload


def _prefix(kind: Kind, entity: str) -> str:
    """Return the prefix of this entity's entries alone; an attempt's key is escaped already, a node's id is not."""
    return f"{kind}#{escape(entity) if kind is Kind.NODE else entity}#"
