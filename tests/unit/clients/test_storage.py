"""Blobs in S3: written once, told apart when missing, presigned so that the signature is checked and expires."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from flyteadmin import settings
from flyteadmin.blobs import split_uri
from flyteadmin.clients import aws, storage
from flyteadmin.errors import Internal, InvalidArgument


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "BUCKET": "blobs",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    settings.environment.cache_clear()
    storage.read_immutable.cache_clear()
    with mock_aws():
        aws.forget()
        boto3.client("s3").create_bucket(Bucket="blobs")
        yield "blobs"
    aws.forget()
    settings.environment.cache_clear()


def test_a_blob_is_written_once_under_its_digest() -> None:
    first = storage.write_once(b"one", "metadata", "run", "inputs")
    assert first.startswith("s3://blobs/metadata/run/inputs-")
    assert storage.write_once(b"one", "metadata", "run", "inputs") == first
    assert storage.write_once(b"two", "metadata", "run", "inputs") != first
    assert storage.read(first) == b"one"


@pytest.mark.parametrize("name", ["..", ".", "../../../../..", "a/../b", "./a", "x" * 1100])
def test_a_name_that_is_no_part_of_a_path_is_stood_for_by_its_digest(name: str) -> None:
    """S3 refuses a key whose dots lead above its bucket, readers of URLs shorten the others; ids may be anything."""
    first = storage.write_once(b"one", "metadata", "p", "d", "run", name, "error")
    assert first.startswith("s3://blobs/metadata/long-names/")
    assert storage.write_once(b"one", "metadata", "p", "d", "run", f"{name}/a", "error") != first
    assert storage.read(first) == b"one"
    storage.verify(first, b"one")
    registered = storage.write_once(b"one", "metadata", "admin", "p", "d", name, "v1")
    assert registered.startswith("s3://blobs/metadata/admin/long-names/"), "the rights to the registry cover it"


def test_blobs_of_one_execution_are_below_its_digest_where_keys_cannot_spell_them() -> None:
    """So that those that a write lost, to which no row points, are found and deleted with their execution."""
    nodes = ["..", "x" * 1100]
    found = {storage.uri_of(b"one", "metadata", "p", "d", "run", node, "error").rsplit("/", 1)[0] for node in nodes}
    owner = sha256(b"p:d:run").hexdigest()[:32]
    assert found == {f"s3://blobs/metadata/long-names/{owner}"}
    assert storage.uri_of(b"one", "metadata", "p", "d", "other", "..", "error").rsplit("/", 1)[0] not in found


def test_uris_from_before_are_still_read() -> None:
    digest = sha256(b"one").hexdigest()[:32]
    before = f"s3://blobs/metadata/long-names/{'0' * 32}-{digest}"
    storage.write(b"one", before)
    assert storage.read_referenced(before) == b"one"


def test_what_is_missing() -> None:
    with pytest.raises(storage.BlobMissing):
        storage.read("s3://blobs/nothing")
    with pytest.raises(Internal):
        storage.read_immutable("s3://blobs/nothing")


def test_an_immutable_blob_is_read_from_memory_the_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = storage.write_once(b"closure", "metadata", "closure")
    assert storage.read_immutable(uri) == b"closure"
    monkeypatch.setattr(storage, "read", None)
    assert storage.read_immutable(uri) == b"closure"


def test_what_is_kept_in_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_KEPT_BYTES", 20)
    first, second, third = (storage.write_once(bytes([number]) * 8, "metadata", "closure") for number in range(3))
    for each in (first, second, first, third):  # the second is the one unused for longest
        storage.read_immutable(each)
    larger = storage.write_once(b"x" * 30, "metadata", "larger")
    monkeypatch.setattr(storage, "read", None)
    storage.read_immutable(first)
    storage.read_immutable(third)
    with pytest.raises(TypeError):
        storage.read_immutable(second)
    monkeypatch.undo()
    assert storage.read_immutable(larger) == b"x" * 30


def test_a_large_answer_is_signed_with_a_checked_signature() -> None:
    url = urlsplit(storage.offload_answer(b"answer", "application/octet-stream"))
    query = parse_qs(url.query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert int(query["X-Amz-Expires"][0]) <= 600
    assert url.path.startswith("/blobs/answers/")


@given(st.text(max_size=40))
def test_a_uri_is_split_or_refused(text: str) -> None:
    try:
        bucket, key = split_uri(text)
    except InvalidArgument:
        return
    assert text == f"s3://{bucket}/{key}"


@pytest.mark.parametrize("read", [storage.read_referenced, storage.read_immutable])
def test_a_blob_that_was_replaced_is_not_used(read: Callable[[str], bytes]) -> None:
    uri = storage.write_once(b"what was compiled", "metadata", "admin", "closure")
    storage.write(b"an image of somebody else's", uri)
    with pytest.raises(Internal, match="is not what was written there"):
        read(uri)
    storage.write(b"what was compiled", uri)
    assert read(uri) == b"what was compiled"
