"""Blobs in S3: written once, read whole, presigned for clients."""

from functools import lru_cache
from hashlib import sha256

from botocore.exceptions import ClientError

from flyteadmin.clients.aws import client, error_code, faults
from flyteadmin.errors import Internal, InvalidArgument
from flyteadmin.settings import environment

_WHAT = "the object store"
_PRESIGNED_SECONDS = 600


class BlobMissing(Exception):
    """There is no object at the URI."""


def uri(*parts: str) -> str:
    """The s3:// URI of a key in the deployment's bucket, from its parts."""
    return f"s3://{environment().bucket}/{'/'.join(parts)}"


def write_once(blob: bytes, *parts: str) -> str:
    """Write a blob under a key whose last part is completed by its digest, and give its URI.

    The same blob under the same parts is the same object, so a repeated or a losing write changes nothing that a row
    points to (invariant 4).
    """
    target = uri(*parts[:-1], f"{parts[-1]}-{sha256(blob).hexdigest()[:32]}")
    write(blob, target)
    return target


def write(blob: bytes, target: str) -> None:
    """Write a blob at an s3:// URI."""
    bucket, key = split(target)
    with faults(_WHAT):
        client("s3").put_object(Bucket=bucket, Key=key, Body=blob)


def read(source: str) -> bytes:
    """Read the whole blob at an s3:// URI.

    Raises:
        BlobMissing: there is none.
        InvalidArgument: not an s3:// URI.
    """
    bucket, key = split(source)
    with faults(_WHAT):
        try:
            return client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error_code(error) in {"NoSuchKey", "404"}:
                raise BlobMissing(source) from None
            raise


@lru_cache(maxsize=128)
def read_immutable(source: str) -> bytes:
    """Read a blob that never changes under its URI; a warm function has it in memory.

    Raises:
        Internal: it is not there, although a row points to it.
    """
    try:
        return read(source)
    except BlobMissing:
        raise Internal(f"unable to read from location {source}") from None


def presign_get(source: str) -> str:
    """A URL that reads the blob for ten minutes, for clients that follow a redirect."""
    bucket, key = split(source)
    return client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=_PRESIGNED_SECONDS
    )


def offload_answer(body: bytes, content_type: str) -> str:
    """Put an answer that is too large for a function's reply where the client can fetch it, and give the URL."""
    target = uri("answers", sha256(body).hexdigest())
    bucket, key = split(target)
    with faults(_WHAT):
        client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
    return presign_get(target)


def split(source: str) -> tuple[str, str]:
    """(bucket, key) of an s3:// URI.

    Raises:
        InvalidArgument: not an s3:// URI with bucket and key.
    """
    scheme, _, rest = source.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket or not key:
        raise InvalidArgument(f"unsupported URI {source[:200]!r}: expected s3://bucket/key")
    return bucket, key
