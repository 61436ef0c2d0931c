"""Start the cluster: in a thread of this process, or in a process of its own."""

import base64
import re
import secrets
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from local.cluster.authentication import StaticToken
from local.cluster.certificate import AUTHORITY
from local.cluster.faults import Fault
from local.cluster.server import CONTROL_PATH, ClusterServer
from local.cluster.store import Store

_ROOT = Path(__file__).parents[2]
_URL = re.compile(r"https?://\S+")


@contextmanager
def serve(
    store: Store, *, token: str = "", control: bool = False, bookmark_seconds: float = 10
) -> Iterator[ClusterServer]:
    """Run the server over this store in a thread; its `url`, `faults` and `store` are at hand."""
    server = ClusterServer(
        store,
        authentications=[StaticToken(token)] if token else [],
        control=control,
        bookmark_seconds=bookmark_seconds,
    )
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="cluster", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


@dataclass(frozen=True)
class RunningCluster:
    """A cluster in a process of its own."""

    url: str
    token: str
    authority: Path

    def add_fault(self, fault: Fault) -> None:
        """Let the next calls fail so."""
        self._control("POST", fault.model_dump_json().encode())

    def clear_faults(self) -> None:
        self._control("DELETE", None)

    def authority_base64(self) -> str:
        """Return the certificate authority as template.yaml's parameter wants it."""
        return base64.b64encode(self.authority.read_bytes()).decode()

    def kubeconfig(self, name: str = "in-memory") -> str:
        """Return a kubeconfig for kubectl, flytepropeller and clients."""
        return _KUBECONFIG % {"name": name, "url": self.url, "token": self.token, "authority": self.authority}

    def _control(self, method: str, body: bytes | None) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(self.url + CONTROL_PATH, data=body, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=10, context=self._tls()):
            pass

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authority)


_KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: %(name)s
clusters: [{name: %(name)s, cluster: {server: "%(url)s", certificate-authority: "%(authority)s"}}]
contexts: [{name: %(name)s, context: {cluster: %(name)s, user: %(name)s}}]
users: [{name: %(name)s, user: {token: "%(token)s"}}]
"""


@contextmanager
def running(*, token: str = "", port: int = 0, namespaces: tuple[str, ...] = ()) -> Iterator[RunningCluster]:
    """Start `local.cluster.server` with TLS and its control path open, and stop it at the end.

    Without a `token` it has a random one.

    Raises:
        RuntimeError: it did not come up.
    """
    token = token or secrets.token_urlsafe(30)
    with TemporaryDirectory(prefix="cluster-") as directory:
        command = [sys.executable, "-m", "local.cluster.server", "--port", str(port), f"--token={token}", "--control"]
        command += ["--tls-directory", directory]
        for namespace in namespaces:
            command += ["--namespace", namespace]
        with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield RunningCluster(url=_announced_url(process), token=token, authority=Path(directory, AUTHORITY))
            finally:
                process.terminate()


def _announced_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    found = _URL.search(line)
    if not found:
        raise RuntimeError(f"the in-memory cluster did not start: {line or process.wait(timeout=5)}")
    return found[0]
