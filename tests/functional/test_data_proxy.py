"""Uploads and downloads through the real handler and the URLs that it signs, flytekit's own upload code included."""

import hashlib
import time
import urllib.error
import urllib.request
from base64 import b32encode, b64encode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flyteidl.admin.project_pb2 import InactiveProject, Project
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.service.dataproxy_pb2 import (
    ARTIFACT_TYPE_DECK,
    CreateDownloadLinkRequest,
    CreateDownloadLinkResponse,
    CreateDownloadLocationResponse,
    CreateUploadLocationRequest,
    CreateUploadLocationResponse,
    GetDataResponse,
)
from flytekit.configuration import Config
from flytekit.remote import FlyteRemote
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from flyteadmin import settings
from flyteadmin.blobs import Stored
from flyteadmin.clients import configuration, storage
from flyteadmin.clients.dynamodb.writes import Put, write
from flyteadmin.errors import Code
from flyteadmin.projects.models import ProjectRow
from functions.data_proxy.handler import lambda_handler
from local.admin import Admin
from local.aws.data import DataAccount as Aws
from tests.aws_events import OCTETS, Answer, Context, answer_of, http_event
from tests.builders import DOMAIN, PROJECT, node_event, node_id, stored_execution, task_event
from tests.event_delivery import apply
from tests.in_process import InProcessApi

CONTENT = b"def task(): ..."
MD5 = hashlib.md5(CONTENT).digest()
BASE = f"flyte://v1/{PROJECT}/{DOMAIN}/run/n0"


@pytest.fixture(autouse=True)
def bucket(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> str:
    """The account's bucket, with what template.yaml lets users read of it."""
    name = aws.resources["Bucket"]
    monkeypatch.setenv("READABLE_DATA", ",".join(f"arn:aws:s3:::{name}/{each}/*" for each in ("metadata", "uploads")))
    settings.environment.cache_clear()
    return name


def configured(monkeypatch: pytest.MonkeyPatch, yaml: str) -> None:
    target = storage.uri("config", "flyteadmin.yaml")
    storage.write(yaml.encode(), target)
    monkeypatch.setenv("CONFIGURATION_URI", target)
    settings.environment.cache_clear()
    configuration.forget()


def call(method: str, path: str, request: Message | None = None, query: Mapping[str, str] | None = None) -> Answer:
    body = request.SerializeToString() if request is not None else b""
    headers = {"accept": OCTETS, "content-type": OCTETS}
    event = http_event(method, f"/api/v1/{path}", body=body, query=query, headers=headers)
    return answer_of(lambda_handler(event, Context()))


def ask_upload(**fields: object) -> Answer:
    request = CreateUploadLocationRequest(**{"project": PROJECT, "domain": DOMAIN} | fields)  # type: ignore[arg-type]
    return call("POST", "dataproxy/artifact_urn", request)


def upload(**fields: object) -> CreateUploadLocationResponse:
    answer = ask_upload(**fields)
    assert answer.status == 200, answer.message(Status)
    return answer.message(CreateUploadLocationResponse)


def ask_link(**fields: object) -> Answer:
    return call("POST", "dataproxy/artifact_link", CreateDownloadLinkRequest(**fields))  # type: ignore[arg-type]


def ask_location(**query: str) -> Answer:
    return call("GET", "dataproxy/artifact_urn", query=query)


def ask_data(url: str) -> Answer:
    return call("GET", "data", query={"flyte_url": url})


def data(url: str) -> GetDataResponse:
    answer = ask_data(url)
    assert answer.status == 200, answer.message(Status)
    return answer.message(GetDataResponse)


def refusal(answer: Answer) -> tuple[Code, str]:
    status = answer.message(Status)
    return Code(status.code), status.message


def put(location: CreateUploadLocationResponse, content: bytes = CONTENT, **more: str) -> int:
    """PUT as flytekit does: Content-MD5, and every header that the answer names."""
    headers = {"Content-MD5": b64encode(hashlib.md5(content).digest()).decode(), **location.headers, **more}
    return sent(urllib.request.Request(location.signed_url, content, headers, method="PUT"))


def sent(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def got(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
        return body


def literals(value: int) -> LiteralMap:
    made = LiteralMap()
    made.literals["x"].scalar.primitive.integer = value
    return made


class Client:
    """The client that FlyteRemote needs for an upload, over the handlers instead of gRPC."""

    def __init__(self) -> None:
        self._admin = Admin(InProcessApi())

    def get_upload_signed_url(self, **fields: object) -> CreateUploadLocationResponse:
        request = CreateUploadLocationRequest(add_content_md5_metadata=True, **fields)  # type: ignore[arg-type]
        return self._admin.call("CreateUploadLocation", request, CreateUploadLocationResponse)


@pytest.mark.conformance("DAT-06")
def test_flytekit_uploads_with_its_own_code(tmp_path: Path) -> None:
    package = tmp_path / "script_mode.tar.gz"
    package.write_bytes(CONTENT)
    remote = FlyteRemote(Config.for_endpoint("localhost:1"), default_project=PROJECT, default_domain=DOMAIN)
    remote._client, remote._client_initialized = Client(), True
    digest, native_url = remote.upload_file(package)
    assert digest == MD5
    assert storage.read(native_url) == CONTENT
    assert remote.upload_file(package, filename_root="root")[1].endswith("/root/script_mode.tar.gz")
    assert remote.upload_file(package, filename_root="root")[1].endswith("/root/script_mode.tar.gz")


@pytest.mark.conformance("DAT-01", "VAL-10")
def test_what_an_upload_must_say() -> None:
    assert refusal(ask_upload(project="", content_md5=MD5)) == (Code.INVALID_ARGUMENT, "missing project")
    assert refusal(ask_upload(domain="", content_md5=MD5)) == (Code.INVALID_ARGUMENT, "missing domain")
    assert refusal(ask_upload(filename="a")) == (
        Code.INVALID_ARGUMENT,
        "content_md5 or filename_root is a required parameter",
    )
    assert refusal(ask_upload(content_md5=b"short"))[1].startswith("invalid value for content_md5")


@pytest.mark.conformance("DAT-01", "KD-48")
def test_only_a_project_that_takes_entities_takes_uploads() -> None:
    assert refusal(ask_upload(project="nobody", content_md5=MD5))[0] == Code.INVALID_ARGUMENT
    assert refusal(ask_upload(domain="nowhere", content_md5=MD5))[1] == "domain [nowhere] is unrecognized by system"
    write(Put(ProjectRow(project=PROJECT, name=PROJECT, state=Project.ARCHIVED, created_at=1, updated_at=1)))
    status = ask_upload(content_md5=MD5).message(Status)
    assert status.code == Code.INVALID_ARGUMENT
    assert status.details[0].Is(InactiveProject.DESCRIPTOR)


@pytest.mark.parametrize(
    "part", ["..", "a/../..", "a/../../b", "/../a", "../x/a", "a/..", ".", "/", "//", "./", "a\nb", "a\u202eb"]
)
@pytest.mark.parametrize("field", ["filename", "filename_root", "org"])
def test_no_part_of_a_path_leaves_its_folder(field: str, part: str) -> None:
    code, message = refusal(ask_upload(content_md5=MD5, **{field: part}))
    assert (code, message.startswith(f"invalid value for {field}")) == (Code.INVALID_ARGUMENT, True)


@pytest.mark.conformance("DAT-05")
@pytest.mark.parametrize(
    ("given", "cleaned"),
    [("a/b/../c", "a/c"), ("a/../b", "b"), ("./a", "a"), ("a/./b", "a/b"), ("/a", "a"), ("a/", "a"), ("a//b", "a/b")],
)
def test_a_path_inside_its_folder_is_cleaned(bucket: str, given: str, cleaned: str) -> None:
    base, root = f"s3://{bucket}/uploads/{PROJECT}/{DOMAIN}", b32encode(MD5).decode()
    location = upload(content_md5=MD5, filename=given)
    assert location.native_url == f"{base}/{root}/{cleaned}"
    assert put(location) == 200
    assert storage.read(location.native_url) == CONTENT
    assert upload(filename="code.tar", filename_root=given).native_url == f"{base}/{cleaned}/code.tar"


def test_a_path_is_no_longer_than_a_key() -> None:
    code, message = refusal(ask_upload(filename_root="r" * 500, filename="f" * 500))
    assert (code, message.endswith("exceeded length 1024")) == (Code.INVALID_ARGUMENT, True)


@pytest.mark.conformance("DAT-04", "DAT-05")
def test_where_an_upload_lies(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = b32encode(MD5).decode()
    base = f"s3://{bucket}/uploads/{PROJECT}/{DOMAIN}"
    assert upload(content_md5=MD5, filename="code.tar").native_url == f"{base}/{root}/code.tar"
    assert upload(content_md5=MD5, filename="code.tar", filename_root="a/b").native_url == f"{base}/a/b/code.tar"
    first, second = (upload(content_md5=MD5).native_url for _ in range(2))
    assert first != second
    assert [len(each.rpartition("/")[2]) for each in (first, second)] == [20, 20]
    with_org = upload(content_md5=MD5, filename="code.tar", org="acme").native_url
    assert with_org == f"s3://{bucket}/uploads/acme/{PROJECT}/{DOMAIN}/{root}/code.tar"
    configured(monkeypatch, "server: {dataProxy: {upload: {storagePrefix: /fast/, defaultFileNameLength: 5}}}")
    prefixed = upload(content_md5=MD5).native_url
    assert prefixed.startswith(f"s3://{bucket}/uploads/fast/{PROJECT}/{DOMAIN}/{root}/")
    assert len(prefixed.rpartition("/")[2]) == 5


@pytest.mark.conformance("DAT-06")
def test_the_md5_is_bound_into_the_url() -> None:
    location = upload(content_md5=MD5, filename="code.tar", add_content_md5_metadata=True)
    encoded = b64encode(MD5).decode()
    assert dict(location.headers) == {"Content-MD5": encoded, "x-amz-meta-flytecontentmd5": encoded}
    assert put(location, b"something else") in {400, 403}
    assert sent(urllib.request.Request(location.signed_url, CONTENT, method="PUT")) == 403
    assert put(location) == 200
    stored = storage.head(location.native_url)
    assert stored == Stored(len(CONTENT), MD5.hex(), b64encode(MD5).decode())


@pytest.mark.conformance("DAT-07")
def test_a_client_that_sends_no_further_header_uploads_too() -> None:
    """As flytectl, which would go round this service on UNIMPLEMENTED alone: content_md5 and filename, nothing else."""
    location = upload(content_md5=MD5, filename="code.tar")
    assert dict(location.headers) == {"Content-MD5": b64encode(MD5).decode()}
    assert sent(urllib.request.Request(location.signed_url, CONTENT, location.headers, method="PUT")) == 200
    handle = upload(filename_root="handle")
    assert dict(handle.headers) == {}
    assert sent(urllib.request.Request(handle.signed_url, b"anything", method="PUT")) == 200


@pytest.mark.conformance("DAT-02")
def test_a_file_of_this_name_is_not_written_over() -> None:
    named = {"filename": "data.csv", "filename_root": "shared"}
    location = upload(**named)
    assert put(location) == 200
    other = hashlib.md5(b"other").digest()
    for fields in (named, named | {"content_md5": other}):
        code, message = refusal(ask_upload(**fields))
        assert (code, message) == (
            Code.ALREADY_EXISTS,
            f"file already exists at location [{location.native_url}], specify a matching hash if you wish to rewrite",
        )
    again = upload(**named, content_md5=MD5, add_content_md5_metadata=True)
    assert put(again) == 200
    assert put(upload(**named, content_md5=MD5)) == 200, "the noted MD5 counts, as its entity tag does"


@pytest.mark.conformance("KD-48")
def test_of_two_uploads_under_one_name_the_second_is_refused() -> None:
    named = {"filename": "data.csv", "filename_root": "shared"}
    first, second = upload(**named), upload(**named)
    assert put(first) == 200
    assert put(second, b"something else") == 412
    assert storage.read(first.native_url) == CONTENT


@pytest.mark.conformance("DAT-03", "KD-48")
@pytest.mark.parametrize(
    "duration",
    [
        Duration(seconds=3601),
        Duration(),
        Duration(seconds=-5),
        Duration(nanos=5),
        Duration(seconds=10**18),
        Duration(seconds=-(10**18)),
    ],
)
def test_an_expiry_is_bounded(duration: Duration) -> None:
    code, message = refusal(ask_upload(content_md5=MD5, expires_in=duration))
    assert code == Code.INVALID_ARGUMENT
    assert message.startswith("invalid value for expires_in: expected ")


@pytest.mark.conformance("DAT-03", "DAT-10")
def test_how_long_a_url_lasts(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(signed_url: str) -> str:
        return parse_qs(urlsplit(signed_url).query)["X-Amz-Expires"][0]

    location = upload(content_md5=MD5)
    assert seconds(location.signed_url) == "3600"
    assert abs(location.expires_at.seconds - time.time() - 3600) < 60
    assert seconds(upload(content_md5=MD5, expires_in=Duration(seconds=7, nanos=5)).signed_url) == "7"
    download = ask_location(native_url=f"s3://{bucket}/uploads/a", expires_in="90s")
    assert seconds(download.message(CreateDownloadLocationResponse).signed_url) == "90"
    configured(monkeypatch, "server: {dataProxy: {upload: {maxExpiresIn: 2m}, download: {maxExpiresIn: 30000000000}}}")
    assert seconds(upload(content_md5=MD5).signed_url) == "120"
    assert refusal(ask_upload(content_md5=MD5, expires_in=Duration(seconds=121)))[0] == Code.INVALID_ARGUMENT
    assert refusal(ask_location(native_url=f"s3://{bucket}/uploads/a", expires_in="31s"))[0] == Code.INVALID_ARGUMENT


@pytest.mark.conformance("DAT-10")
def test_a_download(bucket: str) -> None:
    location = upload(content_md5=MD5, filename="code.tar")
    put(location)
    answer = ask_location(native_url=location.native_url)
    assert got(answer.message(CreateDownloadLocationResponse).signed_url) == CONTENT
    assert refusal(ask_location()) == (Code.INVALID_ARGUMENT, "missing native_url")
    assert refusal(ask_location(native_url="file:///etc/passwd"))[0] == Code.INVALID_ARGUMENT


@pytest.mark.parametrize("path", ["{bucket}/config/flyteadmin.yaml", "{bucket}/answers/a", "elsewhere/uploads/a"])
def test_what_is_not_handed_out(bucket: str, path: str) -> None:
    code, message = refusal(ask_location(native_url=f"s3://{path.format(bucket=bucket)}"))
    assert code == Code.PERMISSION_DENIED
    assert "outside of what this deployment hands out" in message


@pytest.mark.parametrize(
    "path", ["uploads/../config/flyteadmin.yaml", "metadata/./a", "uploads/../../elsewhere/a", "uploads/.."]
)
def test_what_a_client_would_read_as_another_url_is_not_signed(bucket: str, path: str) -> None:
    code, message = refusal(ask_location(native_url=f"s3://{bucket}/{path}"))
    assert (code, message.endswith("has a part that is . or ..")) == (Code.INVALID_ARGUMENT, True)


@pytest.mark.parametrize("path", ["config/flyteadmin.yaml", "answers/a"])
def test_an_event_can_not_have_a_link_signed_to_what_is_not_for_users(path: str) -> None:
    stored_execution()
    secret = storage.uri(path)
    storage.write(b"secret", secret)
    apply(node_event("SUCCEEDED", 1, deck_uri=secret))
    link = {"artifact_type": ARTIFACT_TYPE_DECK, "node_execution_id": node_id()}
    assert refusal(ask_link(**link))[0] == Code.PERMISSION_DENIED
    assert refusal(ask_data(f"{BASE}/d"))[0] == Code.PERMISSION_DENIED


@pytest.mark.conformance("DAT-08")
def test_what_a_link_must_say() -> None:
    node = node_id()
    assert refusal(ask_link(node_execution_id=node))[1].startswith("invalid value for artifact_type")
    assert refusal(ask_link(artifact_type=ARTIFACT_TYPE_DECK)) == (Code.INVALID_ARGUMENT, "missing source")
    too_long = ask_link(artifact_type=ARTIFACT_TYPE_DECK, node_execution_id=node, expires_in=Duration(seconds=4000))
    assert refusal(too_long)[0] == Code.INVALID_ARGUMENT


@pytest.mark.conformance("DAT-09", "DAT-11")
def test_a_deck() -> None:
    link = {"artifact_type": ARTIFACT_TYPE_DECK, "node_execution_id": node_id()}
    code, message = refusal(ask_link(**link))
    assert (code, message.startswith("failed to find node execution")) == (Code.INVALID_ARGUMENT, True)
    stored_execution()
    apply(node_event("RUNNING", 1))
    code, message = refusal(ask_link(**link))
    assert (code, message.startswith("no deckUrl found")) == (Code.NOT_FOUND, True)
    assert refusal(ask_data(f"{BASE}/d"))[0] == Code.NOT_FOUND
    deck = storage.uri("metadata", "propeller", "deck.html")
    apply(node_event("SUCCEEDED", 2, deck_uri=deck))
    assert refusal(ask_link(**link)) == (Code.NOT_FOUND, "object not found")
    storage.write(b"<html>", deck)
    answer = ask_link(**link).message(CreateDownloadLinkResponse)
    assert [got(url) for url in (*answer.signed_url, *answer.pre_signed_urls.signed_url)] == [b"<html>", b"<html>"]
    assert answer.expires_at == answer.pre_signed_urls.expires_at
    assert [got(url) for url in data(f"{BASE}/d").pre_signed_urls.signed_url] == [b"<html>"]


@pytest.mark.conformance("DAT-11")
def test_data_by_its_flyte_url() -> None:
    stored_execution()
    inputs = storage.uri("metadata", "propeller", "inputs.pb")
    storage.write(literals(1).SerializeToString(), inputs)
    apply(
        node_event("RUNNING", 1, input_uri=inputs),
        task_event("RUNNING", 2, attempt=1, input_uri=inputs),
        task_event("SUCCEEDED", 3, attempt=1, output_data=literals(2)),
        node_event("SUCCEEDED", 4, output_data=literals(3)),
    )
    assert data(f"{BASE}/i").literal_map == literals(1)
    assert data(f"{BASE}/o").literal_map == literals(3)
    assert data(f"{BASE}/o/x").literal == literals(3).literals["x"]
    assert data(f"{BASE}/1/i/x").literal == literals(1).literals["x"]
    assert data(f"{BASE}/1/o").literal_map == literals(2)


@pytest.mark.conformance("DAT-12")
def test_data_that_is_not_there() -> None:
    assert refusal(ask_data(f"{BASE}/i"))[0] == Code.NOT_FOUND
    assert refusal(ask_data(f"{BASE}/d"))[0] == Code.NOT_FOUND
    stored_execution()
    apply(node_event("RUNNING", 1), task_event("RUNNING", 2))
    code, message = refusal(ask_data(f"{BASE}/o/y"))
    assert (code, message) == (Code.INVALID_ARGUMENT, f"name [y] not found in [{BASE}/o/y]")
    code, message = refusal(ask_data(f"{BASE}/7/o"))
    assert (code, message.startswith("no task executions were listed")) == (Code.INVALID_ARGUMENT, True)
    code, message = refusal(ask_data(f"{BASE}/0/d"))
    assert (code, message.startswith("deck type cannot be specified")) == (Code.INVALID_ARGUMENT, True)


@pytest.mark.conformance("DAT-12")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://v1/p/d/e/n/i",
        "flyte://v2/p/d/e/n/i",
        "flyte://v1/p/d/e/n",
        "flyte://v1/p/d/e/n/x",
        "flyte://v1/p/d/e/n/0/od",
        "flyte://v1/p/d/e/n/a/i",
        "flyte://v1/p/d/e/n/d/x",
        "flyte://v1/p/d/e/n/i/",
        "flyte://v1/p/d/e/n/i\n",
        "flyte://v1/p/d/e.e/n/i",
        f"flyte://v1/p/d/e/n/{2**32}/i",
        f"flyte://v1/p/d/e/n/{'9' * 5000}/i",
    ],
)
def test_a_flyte_url_of_another_form(url: str) -> None:
    assert refusal(ask_data(url))[0] == Code.INVALID_ARGUMENT


def test_data_too_large_for_an_answer_is_a_redirect() -> None:
    stored_execution()
    outputs = storage.uri("metadata", "propeller", "outputs.pb")
    large = LiteralMap()
    large.literals["x"].scalar.primitive.string_value = "x" * 4_500_000
    storage.write(large.SerializeToString(), outputs)
    apply(node_event("SUCCEEDED", 1, output_uri=outputs))
    answer = ask_data(f"{BASE}/o")
    assert answer.status == 303
    assert GetDataResponse.FromString(got(answer.headers["location"])).literal_map == large
