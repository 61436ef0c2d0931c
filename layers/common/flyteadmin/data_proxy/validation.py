"""Validates requests to the data proxy and names the keys of uploads; pure.

Source: flyteadmin dataproxy/service.go.
"""

import posixpath
from base64 import b32encode, b64encode
from datetime import timedelta

from flyteidl.service.dataproxy_pb2 import ARTIFACT_TYPE_DECK, CreateDownloadLinkRequest, CreateUploadLocationRequest
from google.protobuf.duration_pb2 import Duration

from flyteadmin.blobs import Stored
from flyteadmin.errors import InvalidArgument, invalid, missing, too_long
from flyteadmin.validation import validate_set

_MD5_BYTES = 16
_MAX_KEY_BYTES = 1024
_LEAST = timedelta(seconds=1)
_ROOT = "uploads"


def validate_upload(request: CreateUploadLocationRequest) -> None:
    """Check the fields of an upload (DAT-01), and that its path can be printed and stays in its folder.

    Raises:
        InvalidArgument: naming the field.
    """
    validate_set(request, "project", "domain")
    if not request.filename_root and not request.content_md5:
        raise InvalidArgument("content_md5 or filename_root is a required parameter")
    if request.content_md5 and len(request.content_md5) != _MD5_BYTES:
        raise invalid("content_md5", f"expected the {_MD5_BYTES} bytes of an MD5, got {len(request.content_md5)}")
    for field in ("org", "filename_root", "filename"):
        _validate_path(getattr(request, field), field)


def _validate_path(path: str, field: str) -> None:
    if not path.isprintable():
        raise invalid(field, "it holds a character that can't be printed")
    if path and _cleaned(path).partition("/")[0] in {".", ".."}:
        raise invalid(field, f"{path[:100]!r} leads out of its folder, or to the folder itself")


def _cleaned(path: str) -> str:
    """Return a path from its folder on, without empty parts, "." and ".."; "." is the folder, ".." leads out of it.

    Source: flytestdlib storage/url_path.go.
    """
    return posixpath.normpath(path.strip("/"))


def expiry(given: Duration | None, most: timedelta) -> timedelta:
    """Return how long a URL lasts, in whole seconds; by default as long as it may (DAT-03, DAT-10).

    Raises:
        InvalidArgument: less than a second, or more than `most`.
    """
    if given is None:
        return most
    least, most_seconds = int(_LEAST.total_seconds()), int(most.total_seconds())
    # Compared as a number: a timedelta can't hold every duration that the wire can.
    is_within = least <= given.seconds <= most_seconds and not (given.seconds == most_seconds and given.nanos)
    if given.nanos < 0 or not is_within:
        raise invalid("expires_in", f"expected {least} s to {most_seconds} s")
    return timedelta(seconds=given.seconds)


def upload_key(request: CreateUploadLocationRequest, filename: str, storage_prefix: str) -> tuple[str, ...]:
    """Return an upload's key parts: the client's root or the MD5 in base32 (DAT-05), cleaned; empty parts are dropped.

    Raises:
        InvalidArgument: it is longer than any key.
    """
    root = request.filename_root or b32encode(request.content_md5).decode()
    parts = (_ROOT, storage_prefix, request.org, request.project, request.domain, root, filename)
    key = tuple(_cleaned(part) for part in parts if part.strip("/"))
    if len("/".join(key).encode()) > _MAX_KEY_BYTES:
        raise too_long("the key of project, domain, filename_root and filename together", _MAX_KEY_BYTES)
    return key


def is_same(content_md5: bytes, stored: Stored) -> bool:
    """Return whether what is stored has this MD5, by its noted one or else by its entity tag (DAT-02)."""
    if not content_md5:
        return False
    base64 = b64encode(content_md5).decode()
    if stored.content_md5:
        return stored.content_md5 == base64
    return stored.etag in {content_md5.hex(), b32encode(content_md5).decode(), base64}


def validate_download_link(request: CreateDownloadLinkRequest) -> None:
    """Check that a link is requested to a kind of artifact that has links (DAT-08).

    Raises:
        InvalidArgument: naming the field.
    """
    if request.artifact_type != ARTIFACT_TYPE_DECK:
        raise invalid("artifact_type", "expected ARTIFACT_TYPE_DECK")
    if request.WhichOneof("source") is None:
        raise missing("source")
