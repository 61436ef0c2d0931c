"""The log of events: written first, read in order; an execution's history and what its rows are rebuilt from."""

from collections.abc import Sequence

from flyteadmin.clients import storage
from flyteadmin.clients.dynamodb import batch_put, query_all
from flyteadmin.events.envelope import Kind, QueuedEvent, parse
from flyteadmin.events.models import LoggedEvent
from flyteadmin.events.validation import Event

RETENTION_SECONDS = 400 * 24 * 3600
"""How long an event stays: longer than any run lasts, or a rebuild would forget."""

_INLINE_BYTES = 32 * 1024


def append(events: Sequence[tuple[QueuedEvent, str]]) -> None:
    """Store events, each with its entity's key; a pure function of the messages, so a repeat changes nothing.

    Raises:
        Unavailable: not all are stored; do it again.
    """
    batch_put([_item(event, entity) for event, entity in events])


def read(execution: str, kind: Kind, entity: str) -> list[tuple[str, Event]]:
    """All logged events of one entity with their padded sequences, in order; a consistent read."""
    prefix = _prefix(kind, entity)
    items = query_all(LoggedEvent, execution, LoggedEvent.entry.startswith(prefix))
    return [(item.entry.removeprefix(prefix), parse(kind, _payload(item))) for item in items]


def _payload(item: LoggedEvent) -> bytes:
    return item.event if item.event is not None else storage.read_immutable(item.uri)


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
        item.uri = storage.write_once(event.payload, "metadata", "events", *event.execution.split(":"), event.kind)
    return item


def _prefix(kind: Kind, entity: str) -> str:
    return f"{kind}#{entity}#"
