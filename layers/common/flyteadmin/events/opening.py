"""From a queue record to its event, and for a large one through its claim check: the blob that holds its bytes."""

from flyteadmin.clients import storage
from flyteadmin.errors import InvalidArgument, NotFound
from flyteadmin.events.envelope import Kind, QueuedEvent, QueueRecord, decode, digest, open_envelope, payload_of

MAX_EVENT_BYTES = 4 * 1024 * 1024


def store_claim(payload: bytes, execution: str, kind: Kind) -> str:
    """Put an event's bytes where `open_record` finds them, and give the URI that travels instead."""
    return storage.write_once(payload, "claims", execution, kind)


def open_record(record: QueueRecord) -> QueuedEvent:
    """The event of a record.

    Raises:
        InvalidArgument: it is none, or its blob holds something else; delivering it again won't help.
        NotFound: its blob is gone.
        Unavailable: the object store does not answer; do it again.
    """
    envelope = open_envelope(record)
    return decode(record, envelope, _claimed(envelope.claim) if envelope.claim else payload_of(envelope))


def _claimed(claim: str) -> bytes:
    try:
        payload = storage.read(claim, MAX_EVENT_BYTES)
    except storage.BlobMissing:
        raise NotFound(f"no blob at {claim}") from None
    if not claim.endswith(f"-{digest(payload).hex()}"):
        raise InvalidArgument(f"the blob at {claim} is not the event that was put there")
    return payload
