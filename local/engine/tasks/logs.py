"""Keeps the output of tasks: a file per attempt, served to browsers on this machine only."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

from flyteidl.core.execution_pb2 import TaskLog

_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Logs:
    """Logs by their names, which are relative paths."""

    directory: Path
    url: str

    def path(self, name: str) -> Path:
        """Return the file of a log; its folder is there."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def link(self, name: str) -> TaskLog:
        """Return the log as an event names it."""
        return TaskLog(uri=f"{self.url}/{name}", name="Log")


@contextmanager
def serving(directory: Path) -> Iterator[Logs]:
    """Serve the logs below a directory at a port of the loopback address."""
    directory.mkdir(parents=True, exist_ok=True)

    class Handler(_Handler):
        root = directory.resolve()

    server = ThreadingHTTPServer((_HOST, 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="logs", daemon=True)
    thread.start()
    try:
        yield Logs(directory, f"http://{_HOST}:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Answers GET with a log; a foreign Host is refused, so that no web site can read them by its own name."""

    root: Path

    def do_GET(self) -> None:  # the name that http.server calls
        if self.headers.get("Host") not in {f"{name}:{self.server.server_port}" for name in (_HOST, "localhost")}:  # type: ignore[attr-defined]  # an HTTPServer
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        path = (self.root / unquote(urlsplit(self.path).path).lstrip("/")).resolve()
        if not (path.is_relative_to(self.root) and path.is_file()):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        with path.open("rb") as log:
            shutil.copyfileobj(log, self.wfile)

    def log_message(self, format: str, *args: object) -> None:  # http.server's own name
        """Say nothing of requests."""
