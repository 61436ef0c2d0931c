"""Any answer in the place of a cluster's, on a real socket, has one of the known outcomes."""

import base64
import json
import logging
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from pydantic import JsonValue

from flyteadmin.clients import cluster as cluster_client
from flyteadmin.clients.cluster_answers import Refused, Unclear
from flyteadmin.clusters.targets import Cluster
from flyteadmin.errors import Unavailable
from local.cluster import certificate

RUN = WorkflowExecutionIdentifier(project="p", domain="d", name="run")
BODY: dict[str, JsonValue] = {
    "apiVersion": "flyte.lyft.com/v1alpha1",
    "kind": "FlyteWorkflow",
    "metadata": {"name": "run", "uid": "1"},
    "executionId": {"project": "p", "domain": "d", "name": "run"},
}
type Serve = Callable[[socket.socket], None]
type Call = Callable[[Cluster], None]


def create(cluster: Cluster) -> None:
    cluster_client.create(cluster, "ns", BODY)


def delete(cluster: Cluster) -> None:
    cluster_client.delete(cluster, "ns", RUN)


CALLS = pytest.mark.parametrize("call", [create, delete])


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A token without AWS, and clients that no other test has used."""
    monkeypatch.setattr(cluster_client, "token", lambda _cluster: "token")
    cluster_client._api_until.cache_clear()
    yield
    cluster_client._api_until.cache_clear()


@contextmanager
def listening(serve: Serve) -> Iterator[str]:
    """A server that gives each connection to `serve`; yields its address."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # the client has gone
                serve(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, *_: object) -> None:
            """Say nothing: what fails here is meant to."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def at(url: str, authority: str = "") -> Cluster:
    return Cluster(name="east", endpoint=url, certificate_authority=authority, role_arn="arn:r")


def method_of(connection: socket.socket) -> str:
    """Read a request to its end, as far as these tests send any; its method."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += _received(connection)
    headers, _, content = head.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in headers.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(content) < length:
        content += _received(connection)
    return headers.split(b" ")[0].decode()


def _received(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:  # else this thread would read nothing again and again, until the tests end
        raise ConnectionError("the client has gone")
    return received


def http(status: int, content: str = "", content_type: str = "application/json", headers: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\n{headers}connection: close\r\n"
        f"content-length: {len(content.encode())}\r\n\r\n{content}"
    ).encode()


def kubernetes_status(code: int, reason: str) -> str:
    return json.dumps({"kind": "Status", "apiVersion": "v1", "code": code, "reason": reason, "message": "words"})


def answering(status: int, content: str = "", content_type: str = "application/json", headers: str = "") -> Serve:
    """Answer all but the look that comes before a deletion, which finds the resource."""

    def serve(connection: socket.socket) -> None:
        looked = method_of(connection) == "GET" and status != 409
        connection.sendall(http(200, json.dumps(BODY)) if looked else http(status, content, content_type, headers))

    return serve


@CALLS
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "BadRequest"),
        (403, "Forbidden"),
        (404, "SomethingElse"),
        (405, "MethodNotAllowed"),
        (413, "RequestEntityTooLarge"),
        (415, "UnsupportedMediaType"),
        (422, "Invalid"),
    ],
)
def test_what_the_cluster_says_for_good_is_refused(call: Call, status: int, reason: str) -> None:
    with listening(answering(status, kubernetes_status(status, reason))) as address, pytest.raises(Refused) as refused:
        call(at(f"http://{address}"))
    assert (refused.value.reason, refused.value.message) == (reason, "words")


@CALLS
@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 408, 409, 410, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_unclear(call: Call, status: int) -> None:
    answer = answering(status, kubernetes_status(status, "Conflict"), headers="location: http://127.0.0.1:1/x\r\n")
    with listening(answer) as address, pytest.raises(Unclear, match=f"answered {status}"):
        call(at(f"http://{address}"))


@CALLS
@pytest.mark.parametrize("status", [200, 201, 400, 403, 404, 409, 422, 502])
@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ("<html>sign in</html>", "text/html"),
        ("404 page not found", "text/plain"),
        ("", "application/json"),
        ("[]", "application/json"),
        ('{"kind": 1}', "application/json"),
        ('{"kind": "Stat', "application/json"),
        ("\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), "application/json"),
    ],
)
def test_a_page_of_something_else_is_not_the_clusters_word(
    call: Call, status: int, content: str, content_type: str
) -> None:
    with listening(answering(status, content, content_type)) as address, pytest.raises(Unclear):
        call(at(f"http://{address}"))


def resets(connection: socket.socket) -> None:
    connection.recv(100)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def says_nothing(connection: socket.socket) -> None:
    connection.recv(100)


def stops_half_way(connection: socket.socket) -> None:
    method_of(connection)
    connection.sendall(http(201, json.dumps(BODY))[:-20])


def sends_no_utf8(connection: socket.socket) -> None:
    method_of(connection)
    connection.sendall(b"HTTP/1.1 403 X\r\ncontent-length: 2\r\n\r\n\xff\xfe")


def speaks_no_http(connection: socket.socket) -> None:
    connection.recv(100)
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


def sends_a_strange_length(connection: socket.socket) -> None:
    method_of(connection)
    connection.sendall(b"HTTP/1.1 200 X\r\ncontent-length: many\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")


BROKEN = pytest.mark.parametrize(
    "serve", [resets, says_nothing, stops_half_way, sends_no_utf8, speaks_no_http, sends_a_strange_length]
)


@CALLS
@BROKEN
def test_a_connection_that_breaks_is_unclear(call: Call, serve: Serve) -> None:
    with listening(serve) as address, pytest.raises(Unclear):
        call(at(f"http://{address}"))


@CALLS
@BROKEN
def test_a_handshake_that_breaks_is_unclear(call: Call, serve: Serve) -> None:
    with listening(serve) as address, pytest.raises(Unclear):
        call(at(f"https://{address}"))


@CALLS
def test_nobody_listens(call: Call) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(Unclear):
            call(at(f"http://127.0.0.1:{unused.getsockname()[1]}"))


@CALLS
def test_no_such_host(call: Call) -> None:
    with pytest.raises(Unclear):
        call(at("https://cluster.invalid"))


@CALLS
@pytest.mark.parametrize(
    "authority", ["rubbish", "bm8gUEVN", base64.b64encode(b"-----BEGIN CERTIFICATE-----\n").decode()]
)
def test_an_authority_that_is_no_certificate_is_unclear(call: Call, authority: str) -> None:
    with listening(says_nothing) as address, pytest.raises(Unclear):
        call(at(f"https://{address}", authority))


@CALLS
def test_an_address_that_is_none_is_unclear(call: Call) -> None:
    with pytest.raises(Unavailable):
        call(at("https://[half"))


@CALLS
@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 201 X\r\n", b"HTTP/1.1 201 X\r\ncontent-length: 100000\r\n\r\n"])
def test_an_answer_that_drips_ends_in_time(call: Call, part: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes within the time-out of a read: only a bound on the whole call ends it."""
    monkeypatch.setattr(cluster_client, "ALL_CALLS_SECONDS", 0.5)

    def drips(connection: socket.socket) -> None:
        method_of(connection)
        connection.sendall(part)
        for _ in range(100):
            time.sleep(0.05)
            connection.sendall(b"x")

    began = time.monotonic()
    with listening(drips) as address, pytest.raises(Unclear):
        call(at(f"http://{address}"))
    assert time.monotonic() - began < 4


@CALLS
@pytest.mark.parametrize(
    ("status", "fix"),
    [(401, "create-access-entry --cluster-name east --principal-arn arn:r "), (403, "functions-role.yaml")],
)
def test_the_operator_reads_what_would_let_the_function_in(
    call: Call, status: int, fix: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        listening(answering(status, kubernetes_status(status, "Forbidden"))) as address,
        caplog.at_level(logging.ERROR),
        pytest.raises((Refused, Unclear)),
    ):
        call(at(f"http://{address}"))
    assert [fix in record.__dict__["fix"] for record in caplog.records] == [True]


def test_a_bearer_token_goes_to_the_cluster_alone() -> None:
    """A redirect is not followed: the token would go along."""
    seen: list[bytes] = []
    with listening(lambda connection: seen.append(connection.recv(65536))) as elsewhere:
        answer = answering(307, headers=f"location: http://{elsewhere}/apis\r\n")
        with listening(answer) as address, pytest.raises(Unclear):
            create(at(f"http://{address}"))
    assert seen == []


def test_a_cluster_is_known_by_its_certificate(tmp_path: Path) -> None:
    context, trusted = certificate.server_context, certificate.ensure(tmp_path / "east")
    other = certificate.ensure(tmp_path / "other")

    def serves(connection: socket.socket) -> None:
        with context(tmp_path / "east").wrap_socket(connection, server_side=True) as secured:
            answering(201, json.dumps(BODY))(secured)

    with listening(serves) as address:
        create(at(f"https://{address}", base64.b64encode(trusted.read_bytes()).decode()))
        with pytest.raises(Unclear):
            create(at(f"https://{address}", base64.b64encode(other.read_bytes()).decode()))


def test_nobody_reads_half_an_authority(tmp_path: Path) -> None:
    """Several functions of one machine share a folder, and each writes the file when it starts."""
    authority = base64.b64encode(certificate.ensure(tmp_path).read_bytes()).decode()
    path = cluster_client._authority(authority)
    assert path is not None
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            cluster_client._authority.__wrapped__(authority)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(500):
            ssl.create_default_context(cafile=path)
    finally:
        done.set()
        writer.join()
