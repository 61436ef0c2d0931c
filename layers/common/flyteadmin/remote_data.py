"""Reads the inputs and outputs of executions, nodes and tasks in the way that the operator wants them returned."""

from dataclasses import dataclass
from datetime import timedelta

from flyteidl.admin.common_pb2 import UrlBlob
from flyteidl.core.literals_pb2 import LiteralMap
from google.protobuf.message import DecodeError

from flyteadmin.blobs import validate_readable
from flyteadmin.bounds import parsed_weight
from flyteadmin.clients import configuration, storage
from flyteadmin.errors import Internal, InvalidArgument
from flyteadmin.observability import logger
from flyteadmin.settings import SignedUrls, environment

MAX_READ_BYTES = 10 * 1024 * 1024
"""The most that is read of inputs or outputs; propeller takes no larger ones unless it is configured to."""

_MAX_WEIGHT = 4 * MAX_READ_BYTES
"""The most that they may take in memory (`bounds.parsed_weight`): ten megabytes of tiny literals take a gigabyte."""


@dataclass(frozen=True)
class RemoteData:
    """Inputs or outputs: in full, unless they are too large, and a URL if URLs are signed or they are too large."""

    literals: LiteralMap
    url: UrlBlob


def remote_data(uri: str | None, inline: LiteralMap | None = None) -> RemoteData:
    """Return data at a URI, or from an event, in the form that the operator configured (GET-06…10).

    Without signed URLs it is whole up to `MAX_READ_BYTES`, and a large answer is a redirect; above that its URI stands
    for it, which flytekit downloads with the client's own credentials.
    A limit of 0 is none, for events too (KD-38). Events choose URIs, so one is signed or read only if users may read
    what lies there.

    Raises:
        InvalidArgument: a URL is to be signed for something that is not an s3:// URI.
        PermissionDenied: users may not read what lies there.
        Internal: a URL is to be signed for an object that is not there.
    """
    settings = configuration.current().remote_data
    url = _signed(uri, settings.signed_urls) if uri and settings.signed_urls.enabled else UrlBlob()
    size = inline.ByteSize() if inline is not None else url.bytes
    if settings.max_size_in_bytes and size >= settings.max_size_in_bytes:
        return RemoteData(LiteralMap(), url)
    if inline is not None:
        return RemoteData(inline, url)
    try:
        return RemoteData(_read_literals(uri), url)
    except storage.BlobTooLarge as blob:
        return RemoteData(LiteralMap(), url if url.url else UrlBlob(url=uri or "", bytes=blob.size))


def _signed(uri: str, how: SignedUrls) -> UrlBlob:
    validate_readable(uri, environment().readable, "uri")
    stored = storage.head(uri)
    if stored is None:
        raise Internal(f"failed to get object size for {uri}")
    return UrlBlob(url=storage.presign_get(uri, timedelta(minutes=how.duration_minutes)), bytes=stored.size)


def _read_literals(uri: str | None) -> LiteralMap:
    """Read the literals at a URI; none where there is no URI, none and a log line where they can't be read (GET-09).

    Raises:
        BlobTooLarge: they are larger than an answer may be, or take more memory.
        Internal: what this deployment wrote there was replaced.
        PermissionDenied: users may not read what lies there.
    """
    if not uri:
        return LiteralMap()
    try:
        validate_readable(uri, environment().readable, "uri")
        blob = storage.read(uri, MAX_READ_BYTES)
    except storage.BlobTooLarge:
        raise
    except (storage.BlobMissing, InvalidArgument, Internal) as error:
        return _unreadable(uri, error)
    if storage.is_written_here(uri):
        storage.verify(uri, blob)
    if parsed_weight(blob) > _MAX_WEIGHT:
        raise storage.BlobTooLarge(uri, len(blob), MAX_READ_BYTES)
    try:
        return LiteralMap.FromString(blob)
    except DecodeError as error:
        return _unreadable(uri, error)


def _unreadable(uri: str, error: Exception) -> LiteralMap:
    logger.warning("literals can't be read", extra={"uri": uri, "cause": type(error).__name__})
    return LiteralMap()
