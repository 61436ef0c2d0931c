"""Blobs in S3, with the credentials of the engine's own process."""

from flyteadmin.clients.storage import head, read, write

__all__ = ["exists", "read", "write"]


def exists(source: str) -> bool:
    """Return whether there is a blob at an s3:// URI."""
    return head(source) is not None
