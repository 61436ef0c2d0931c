"""The API server over HTTP: authentication, JSON in and out, chunked watches, faults on demand.

`python -m local.cluster.server --port 8001 --token secret`
"""

import argparse
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import SSLContext, SSLError
from threading import Event
from urllib.parse import urlsplit

from pydantic import ValidationError

from local.cluster import certificate, discovery, requests, verbs
from local.cluster.authentication import Authentication, EksTokens, StaticToken
from local.cluster.faults import Call, Fault, Faults
from local.cluster.requests import Body, Request
from local.cluster.status import Manifest, Refused, bad_request, method_not_allowed, unauthorized
from local.cluster.store import Store
from local.web_pages import refusal

CONTROL_PATH = "/_control/faults"
MAX_BODY_BYTES = 3 * 1024 * 1024
"""The largest body that a real API server reads."""

_log = logging.getLogger(__name__)


class ClusterServer(ThreadingHTTPServer):
    """The server on 127.0.0.1; without any authentication everybody may do everything."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        store: Store,
        *,
        port: int = 0,
        authentications: Sequence[Authentication] = (),
        control: bool = False,
        tls: SSLContext | None = None,
        bookmark_seconds: float = 10,
    ) -> None:
        """Bind the port (0 = a free one); `control` opens the path on which tests order faults."""
        super().__init__(("127.0.0.1", port), _Handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.scheme = "https" if tls else "http"
        self.store = store
        self.faults = Faults()
        self.authentications = authentications
        self.control = control
        self.bookmark_seconds = bookmark_seconds
        self.stopping = Event()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def stop(self) -> None:
        """End watches and the serving thread, and close the port."""
        self.stopping.set()
        self.store.close()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ClusterServer

    def _serve(self) -> None:
        try:
            self._answer(self._body())
        except Refused as refused:
            self._reply(HTTPStatus(refused.code), refused.manifest())
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def handle(self) -> None:
        try:
            super().handle()
        except (SSLError, ConnectionResetError) as error:
            _log.debug("connection of %s ended: %s", self.client_address, error)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 (the names that http.server calls)

    def _answer(self, body: bytes) -> None:
        self.headers.set_default_type("application/json")
        if why := refusal({name.lower(): value for name, value in self.headers.items()}):
            raise Refused(403, "Forbidden", f"forbidden: {why}")
        path = urlsplit(self.path).path
        self._authenticate(path)
        if path == CONTROL_PATH and self.server.control:
            self._control(body)
            return
        request = requests.read(self.server.store, self.command, self.path)
        if request is None:
            self._discover(path)
        else:
            self._call(request, Body(body, self.headers.get_content_type()))

    def _call(self, request: Request, body: Body) -> None:
        fault = self.server.faults.take(Call(request.verb, request.kind.plural))
        if fault and not fault.applied:
            self._fail(fault)
        elif request.verb == "watch":
            self._stream(verbs.watch(self.server.store, request, self.server.bookmark_seconds))
        else:
            status, manifest = verbs.answer(self.server.store, request, body)
            if fault:
                self._fail(fault)
            else:
                self._reply(status, manifest)

    def _fail(self, fault: Fault) -> None:
        self.server.stopping.wait(fault.hang_seconds)
        if fault.code:
            raise fault.refused()
        self.close_connection = True

    def _control(self, body: bytes) -> None:
        if self.command == "DELETE":
            self.server.faults.clear()
        elif self.command == "POST":
            try:
                self.server.faults.add(Fault.model_validate_json(body))
            except ValidationError as error:
                raise bad_request(str(error)) from error
        else:
            raise method_not_allowed(self.command)
        self._reply(HTTPStatus.OK, {})

    def _discover(self, path: str) -> None:
        if self.command != "GET":
            raise method_not_allowed(self.command)
        if path in discovery.HEALTH:
            self._send(HTTPStatus.OK, b"ok", "text/plain")
        else:
            self._reply(HTTPStatus.OK, discovery.document(path, self.server.store.kinds()))

    def _authenticate(self, path: str) -> None:
        header = self.headers.get("Authorization", "")
        if not self.server.authentications or (not header and path in discovery.PUBLIC):
            return
        scheme, _, token = header.partition(" ")
        if scheme != "Bearer" or not any(known(token) for known in self.server.authentications):
            raise unauthorized()

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            message = f"Request entity too large: limit is {MAX_BODY_BYTES}"
            raise Refused(413, "RequestEntityTooLarge", message)
        return self.rfile.read(length)

    def _reply(self, status: HTTPStatus, manifest: Manifest) -> None:
        self._send(status, _encoded(manifest), "application/json")

    def _send(self, status: HTTPStatus, payload: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _stream(self, lines: Iterator[Manifest]) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            payload = _encoded(line) + b"\n"
            self.wfile.write(b"%x\r\n%b\r\n" % (len(payload), payload))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        _log.debug(format, *args)


def _encoded(manifest: Manifest) -> bytes:
    return json.dumps(manifest, separators=(",", ":"), ensure_ascii=False).encode()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    options = _parser().parse_args(arguments)
    authentications: list[Authentication] = [StaticToken(options.token)] if options.token else []
    if options.eks_cluster_name:
        users = dict.fromkeys(options.eks_allow, "system:masters")
        authentications.append(EksTokens(options.eks_cluster_name, options.sts_endpoint, users))
    namespaces = ("default", *options.namespace)
    tls = None
    if options.tls_directory:
        certificate.ensure(options.tls_directory)
        tls = certificate.server_context(options.tls_directory)
    store = Store(namespaces=namespaces)
    server = ClusterServer(store, port=options.port, authentications=authentications, control=options.control, tls=tls)
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(name)s %(message)s")
    _log.info("in-memory cluster, for development only, on %s", server.url)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.store.close()
        server.server_close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="local.cluster.server", description=__doc__)
    parser.add_argument("--port", type=int, default=8001, help="0 takes a free port")
    parser.add_argument("--token", default="", help="the bearer token to ask for; without one everybody may call")
    parser.add_argument("--namespace", action="append", default=[], help="exists from the start; may be repeated")
    parser.add_argument("--eks-cluster-name", default="", help="accept EKS tokens made for this cluster")
    parser.add_argument("--eks-allow", action="append", default=[], help="ARN of a role or user; may be repeated")
    parser.add_argument("--sts-endpoint", default="https://sts.us-east-1.amazonaws.com")
    parser.add_argument("--tls-directory", type=Path, help="serve TLS; the certificate is made here if missing")
    parser.add_argument("--control", action="store_true", help="open the path on which tests order faults")
    return parser


if __name__ == "__main__":
    main()
