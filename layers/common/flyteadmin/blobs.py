"""Blobs by their s3:// URIs: the parts of a URI, and the metadata of the blob that lies there; pure."""

from dataclasses import dataclass

from flyteadmin.errors import InvalidArgument


@dataclass(frozen=True)
class Stored:
    """An object's metadata: its size, its entity tag, and the MD5 that its writer noted."""

    size: int
    etag: str
    content_md5: str


def split_uri(source: str) -> tuple[str, str]:
    """Return (bucket, key) of an s3:// URI.

    Raises:
        InvalidArgument: not an s3:// URI with bucket and key.
    """
    scheme, _, rest = source.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket or not key:
        raise InvalidArgument(f"unsupported URI {source[:200]!r}: expected s3://bucket/key")
    return bucket, key
