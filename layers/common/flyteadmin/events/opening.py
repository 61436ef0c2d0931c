"""Opens queue records; the bytes of a large event are in a blob, to which its message holds a claim check."""

from flyteadmin.clients import storage
from flyteadmin.errors import InvalidArgument, NotFound
from flyteadmin.events.envelope import Kind, QueuedEvent, QueueRecord, decode, digest, open_envelope, payload_of
from flyteadmin.identifiers import key_parts

MAX_EVENT_BYTES = 4 * 1024 * 1024


def store_claim(payload: bytes, execution: str, kind: Kind) -> str:
    """Store an event's bytes for `open_record`, and return the URI to send instead of them."""
    return storage.write_once(payload, "claims", *key_parts(execution), kind)


def open_record(record: QueueRecord) -> QueuedEvent:
    """Return the event of a record.

    Raises:
        InvalidArgument: the record holds no event, or the blob holds something else; a retry can't help.
        NotFound: the blob is missing.
        Unavailable: the object store does not answer; try again.
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
