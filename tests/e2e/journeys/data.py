"""Files and data: uploaded, downloaded, linked, looked at by their URLs."""

import base64
import hashlib
import urllib.error
import urllib.request

from flyteidl.core.identifier_pb2 import (
    NodeExecutionIdentifier,
)
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.event.event_pb2 import NodeExecutionEvent
from flyteidl.service.dataproxy_pb2 import (
    ARTIFACT_TYPE_DECK,
    CreateDownloadLinkRequest,
    CreateDownloadLinkResponse,
    CreateDownloadLocationRequest,
    CreateDownloadLocationResponse,
    CreateUploadLocationRequest,
    CreateUploadLocationResponse,
    GetDataRequest,
    GetDataResponse,
)

from local.admin import Admin, CallFailed
from local.stack import DOMAIN, PROJECT
from tests.e2e.journeys.events import send_node
from tests.e2e.journeys.traveller import Traveller, create, ended, fetched, followed, now


def data(traveller: Traveller, version: str) -> None:
    """Files go up and down through signed URLs, and data is looked at by its flyte:// URL."""
    uploads(traveller, version)
    execution = ended(traveller, create(traveller, "tests.workflows.echoed_report", version))
    base = f"flyte://v1/{PROJECT}/{DOMAIN}/{execution.id.name}"
    admin = traveller.admin
    for url in (f"{base}/n0/i", f"{base}/n0/0/o"):
        assert admin.call("GetData", GetDataRequest(flyte_url=url), GetDataResponse).literal_map.literals
    raw = f"s3://{traveller.stack.outputs['Bucket']}/raw/{execution.id.name}/file"
    deck = f"s3://{traveller.stack.outputs['Bucket']}/metadata/e2e/{execution.id.name}/deck.html"
    for target in (raw, deck):
        store(traveller, target, b"content")
    assert downloaded(admin, raw) == b"content"
    outputs = LiteralMap()
    outputs.literals["x"].scalar.primitive.string_value = "x" * 4_500_000
    large = f"{deck}.outputs.pb"
    store(traveller, large, outputs.SerializeToString())
    node = NodeExecutionIdentifier(node_id="late", execution_id=execution.id)
    event = NodeExecutionEvent(id=node, phase=3, occurred_at=now(), deck_uri=deck, output_uri=large)  # type: ignore[arg-type]
    send_node(traveller, event)
    request = CreateDownloadLinkRequest(artifact_type=ARTIFACT_TYPE_DECK, node_execution_id=node)

    def look() -> CreateDownloadLinkResponse | None:
        try:
            return admin.call("CreateDownloadLink", request, CreateDownloadLinkResponse)
        except CallFailed:
            return None

    [link] = traveller.eventually(look, "the deck of the node that was sent").signed_url
    assert fetched(link) == b"content"
    body = followed(traveller, "GetData", GetDataRequest(flyte_url=f"{base}/late/o"))
    assert GetDataResponse.FromString(body).literal_map == outputs


def uploads(traveller: Traveller, version: str) -> None:
    admin = traveller.admin
    request = CreateUploadLocationRequest(
        project=PROJECT, domain=DOMAIN, filename="code.tar", filename_root=version, add_content_md5_metadata=True
    )
    request.content_md5 = hashlib.md5(b"code").digest()
    for _ in range(2):
        location = admin.call("CreateUploadLocation", request, CreateUploadLocationResponse)
        headers = {"Content-MD5": base64.b64encode(request.content_md5).decode(), **location.headers}
        fetched(urllib.request.Request(location.signed_url, b"code", headers, method="PUT"))
    assert downloaded(admin, location.native_url) == b"code"


def downloaded(admin: Admin, native_url: str) -> bytes:
    request = CreateDownloadLocationRequest(native_url=native_url)
    return fetched(admin.call("CreateDownloadLocation", request, CreateDownloadLocationResponse).signed_url)


def store(traveller: Traveller, target: str, content: bytes) -> None:
    bucket, _, key = target.removeprefix("s3://").partition("/")
    traveller.stack.endpoint.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
