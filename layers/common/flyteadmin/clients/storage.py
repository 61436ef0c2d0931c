"""Blobs in S3: written once, read whole, presigned for clients."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from threading import Lock

from botocore.exceptions import ClientError

from flyteadmin.blobs import Stored, split_uri
from flyteadmin.clients.aws import client, error_code, translate_errors
from flyteadmin.errors import Internal, InvalidArgument
from flyteadmin.identifiers import REGISTRY
from flyteadmin.observability import logger
from flyteadmin.settings import environment

INLINE_BYTES = 32 * 1024
"""A registered version's row holds no larger part: lists read many rows at once."""

_WHAT = "the object store"
_ANSWERS_LAST = timedelta(minutes=10)
_MD5_METADATA = "flytecontentmd5"
_MAX_KEY_BYTES = 1024
_KEPT_BYTES = 64 * 1024 * 1024
_DIGEST = re.compile(r"-([0-9a-f]{32})$")


class BlobMissing(Exception):
    """There is no object at the URI."""


class BlobTooLarge(InvalidArgument):
    """The blob is larger than the reader takes; `size` is in bytes."""

    def __init__(self, source: str, size: int, limit: int) -> None:
        """Name the blob and the limit."""
        super().__init__(f"the blob at {source} is larger than {limit} bytes")
        self.size = size


def uri(*parts: str) -> str:
    """Return the s3:// URI of a key in the deployment's bucket, from its parts."""
    return f"s3://{environment().bucket}/{'/'.join(parts)}"


def uri_of(blob: bytes, *parts: str) -> str:
    """Return the URI of a blob that is written once: its key ends in the blob's digest.

    The same blob under the same parts is the same object, so a repeated or a losing write changes nothing that a row
    points to (invariant 4). Parts are a root ("metadata", or the registry's two), project, domain and name, and the
    rest. Parts that no key can hold are replaced by digests, behind `long-names/` and that of "project:domain:name", so
    that all blobs of a name are below one prefix: parts that are too long, or only dots, which S3 refuses and URL
    parsers shorten.
    """
    digest = _digest(blob)
    key = f"{'/'.join(parts)}-{digest}"
    if len(key.encode()) > _MAX_KEY_BYTES or not {".", ".."}.isdisjoint(key.split("/")):
        root = len(REGISTRY) if parts[: len(REGISTRY)] == REGISTRY else 1
        owner = _digest(":".join(parts[root : root + 3]).encode())
        key = f"{'/'.join(parts[:root])}/long-names/{owner}/{_digest(key.encode())}-{digest}"
    return uri(key)


def write_once(blob: bytes, *parts: str) -> str:
    """Write a blob at its `uri_of`, and return that URI."""
    target = uri_of(blob, *parts)
    write(blob, target)
    return target


def inline_or_uri(blob: bytes, *parts: str) -> tuple[bytes | None, str | None]:
    """Return a blob for its row to hold, or where it exceeds INLINE_BYTES, write it once and return its URI."""
    if len(blob) > INLINE_BYTES:
        return None, write_once(blob, *parts)
    return blob, None


def write(blob: bytes, target: str) -> str:
    """Write a blob at an s3:// URI, and return the id of its version, "" in a bucket that keeps none."""
    bucket, key = split_uri(target)
    with translate_errors(_WHAT):
        return client("s3").put_object(Bucket=bucket, Key=key, Body=blob).get("VersionId", "")


def read(source: str, limit: int | None = None, version: str = "") -> bytes:
    """Read the whole blob at an s3:// URI, in its newest version or in the one of an id.

    Raises:
        BlobMissing: there is no such object, or no such version of it.
        InvalidArgument: not an s3:// URI.
        BlobTooLarge: it is larger than `limit` bytes; nothing of it was read.
    """
    bucket, key = split_uri(source)
    with translate_errors(_WHAT):
        try:
            s3 = client("s3")
            found = (
                s3.get_object(Bucket=bucket, Key=key, VersionId=version)
                if version
                else s3.get_object(Bucket=bucket, Key=key)
            )
        except ClientError as error:
            if error_code(error) in {"NoSuchKey", "NoSuchVersion", "404"}:
                raise BlobMissing(source) from None
            raise
        if limit is not None and found["ContentLength"] > limit:
            found["Body"].close()
            raise BlobTooLarge(source, found["ContentLength"], limit)
        return found["Body"].read()


def listed(prefix: str) -> list[tuple[str, str]]:
    """Return URI and entity tag of each object whose URI begins so, in their order; 1,000 in a request."""
    bucket, key = split_uri(prefix)
    with translate_errors(_WHAT):
        pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        found = [each for page in pages for each in page.get("Contents", [])]
    return [(f"s3://{bucket}/{each['Key']}", each["ETag"]) for each in found]


def versions(source: str, count: int) -> list[str]:
    """List the ids of the versions of the object at an s3:// URI, the newest first, within its last `count` changes.

    A deletion is a change, and no version.

    Raises:
        InvalidArgument: not an s3:// URI.
    """
    bucket, key = split_uri(source)
    with translate_errors(_WHAT):
        found = client("s3").list_object_versions(Bucket=bucket, Prefix=key, MaxKeys=count)
    return [each["VersionId"] for each in found.get("Versions", ()) if each["Key"] == key]


def read_referenced(source: str) -> bytes:
    """Read a blob that a row points to.

    Raises:
        Internal: the object is missing, or is not what was written there.
    """
    try:
        blob = read(source)
    except BlobMissing:
        raise Internal(f"unable to read from location {source}") from None
    verify(source, blob)
    return blob


def is_written_here(source: str) -> bool:
    """Return whether functions alone write there; what propeller and tasks write may end in any 32 digits."""
    return source.startswith(uri("metadata/")) and not source.startswith(uri("metadata/propeller/"))


def verify(source: str, blob: bytes) -> None:
    """Check a blob against the digest that its key ends in, if it ends in one, as `uri_of` makes it.

    Closures say what runs, so one that was replaced is never used.

    Raises:
        Internal: it is not what was written there.
    """
    named = _DIGEST.search(source)
    if named is not None and named[1] != _digest(blob):
        logger.error("a blob is not what was written there", extra={"uri": source, "digest": _digest(blob)})
        raise Internal(f"what lies at {source} is not what was written there")


def _digest(blob: bytes) -> str:
    return sha256(blob).hexdigest()[:32]


class _Immutable:
    """Blobs by URI in memory, within a share of the function's memory; the least recently used goes first."""

    def __init__(self) -> None:
        self._kept = OrderedDict[str, bytes]()
        self._lock = Lock()

    def __call__(self, source: str) -> bytes:
        """Read a blob that many calls need, e.g. a closure; warm functions hold it. Errors as `read_referenced`."""
        with self._lock:
            if source in self._kept:
                self._kept.move_to_end(source)
                return self._kept[source]
        blob = read_referenced(source)
        with self._lock:
            self._kept[source] = blob
            while sum(map(len, self._kept.values())) > _KEPT_BYTES:
                self._kept.popitem(last=False)
        return blob

    def cache_clear(self) -> None:
        """Forget all blobs."""
        with self._lock:
            self._kept.clear()


read_immutable = _Immutable()


def head(source: str) -> Stored | None:
    """Return the metadata of the object at an s3:// URI, None if there is no object.

    Raises:
        InvalidArgument: not an s3:// URI.
    """
    bucket, key = split_uri(source)
    with translate_errors(_WHAT):
        try:
            found = client("s3").head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error_code(error) in {"NoSuchKey", "NotFound", "404"}:
                return None
            raise
    noted = {name.lower(): value for name, value in found.get("Metadata", {}).items()}
    return Stored(found["ContentLength"], found["ETag"].strip('"'), noted.get(_MD5_METADATA, ""))


@dataclass(frozen=True)
class SignedUpload:
    """A URL that a client may PUT to, and the headers that it must send with it."""

    url: str
    headers: Mapping[str, str]


def presign_get(source: str, lasts: timedelta) -> str:
    """Presign a URL that reads the blob at an s3:// URI, for at most a week, by the function's own role."""
    bucket, key = split_uri(source)
    parameters = {"Bucket": bucket, "Key": key}
    return client("s3").generate_presigned_url("get_object", Params=parameters, ExpiresIn=_seconds(lasts))


def presign_put(
    target: str, lasts: timedelta, *, content_md5: str, note_md5: bool, only_if_absent: bool
) -> SignedUpload:
    """Presign a URL that writes a blob at an s3:// URI.

    Args:
        target: The s3:// URI to write to.
        lasts: The URL's lifetime, at most a week.
        content_md5: The MD5 (base64) of the only content that is accepted; "" for any.
        note_md5: Keep the MD5 in the object's metadata, since an entity tag is not always the MD5.
        only_if_absent: Refuse the upload if the object exists.
    """
    bucket, key = split_uri(target)
    parameters: dict[str, object] = {"Bucket": bucket, "Key": key}
    headers: dict[str, str] = {}
    if content_md5:
        parameters["ContentMD5"] = headers["Content-MD5"] = content_md5
    if content_md5 and note_md5:
        parameters["Metadata"] = {_MD5_METADATA: content_md5}
        headers[f"x-amz-meta-{_MD5_METADATA}"] = content_md5
    if only_if_absent:
        parameters["IfNoneMatch"] = headers["If-None-Match"] = "*"
    url = client("s3").generate_presigned_url("put_object", Params=parameters, ExpiresIn=_seconds(lasts))
    return SignedUpload(url, headers)


def _seconds(lasts: timedelta) -> int:
    return int(lasts.total_seconds())


def offload_answer(body: bytes, content_type: str) -> str:
    """Put an answer that exceeds a function's response size into the bucket and return a URL for the client."""
    target = uri("answers", sha256(body).hexdigest())
    bucket, key = split_uri(target)
    with translate_errors(_WHAT):
        client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
    return presign_get(target, _ANSWERS_LAST)
