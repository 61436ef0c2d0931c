"""Blobs by their s3:// URIs: the parts of a URI, and the metadata of the blob that lies there; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from flyteadmin.errors import InvalidArgument, PermissionDenied, invalid, missing


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


def validate_readable(source: str, readable: Iterable[str], field: str = "native_url") -> None:
    """Check that a blob is among those that users may read; `readable` are ARNs with *.

    Every URI that a client or an event chose passes it before it is signed or read. Upstream signs and reads whatever
    its own credentials can, the operator's configuration too.

    Raises:
        InvalidArgument: the URI is missing, not an s3:// one, or one that clients would read as another.
        PermissionDenied: it lies elsewhere.
    """
    if not source:
        raise missing(field)
    path = "/".join(split_uri(source))
    if {".", ".."} & set(path.split("/")):
        raise invalid(field, f"{source[:300]!r} has a part that is . or ..")
    if not any(fnmatchcase(path, pattern.rpartition(":::")[2]) for pattern in readable):
        raise PermissionDenied(
            f"invalid value for {field}: {source[:300]!r} is outside of what this deployment hands out;"
            " its parameter DataArns names more places"
        )
