"""The preparation of the bench's process before it measures."""

from collections.abc import Iterator

import pytest

from bench.account import forget
from flyteadmin.clients import storage


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The blobs that were read, none of them from a store."""
    uris: list[str] = []

    def note(source: str) -> bytes:
        uris.append(source)
        return b"blob"

    monkeypatch.setattr(storage, "read_referenced", note)
    yield uris
    storage.read_immutable.cache_clear()


def test_a_process_that_forgets_reads_what_it_knew(read: list[str]) -> None:
    for _ in range(2):
        assert storage.read_immutable("s3://bucket/blob") == b"blob"
    forget()
    storage.read_immutable("s3://bucket/blob")
    assert read == ["s3://bucket/blob"] * 2
