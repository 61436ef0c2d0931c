"""The namespaces of the local stack: made by its own functions, from the templates beside this file."""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from local.aws.client import Endpoint
from local.callers import ACCOUNT, TEMPLATES_PREFIX

_TEMPLATES = Path(__file__).parent / "templates"
_PATIENCE_SECONDS = 60


class _Cluster(Protocol):
    @property
    def url(self) -> str: ...
    @property
    def token(self) -> str: ...
    @property
    def authority(self) -> Path: ...


def make(endpoint: Endpoint, outputs: Mapping[str, str], cluster: _Cluster, names: Iterable[str]) -> None:
    """Upload the templates, let the stack sweep once instead of in five minutes, and wait for these namespaces.

    Raises:
        SystemExit: they are not there after a minute.
    """
    s3 = endpoint.client("s3", ACCOUNT)
    for file in _TEMPLATES.glob("*.yaml"):
        s3.put_object(Bucket=outputs["Bucket"], Key=f"{TEMPLATES_PREFIX}{file.name}", Body=file.read_bytes())
    sweep(endpoint, outputs)
    until = time.monotonic() + _PATIENCE_SECONDS
    missing = set(names)
    while missing := {name for name in missing if not is_there(cluster, name)}:
        if time.monotonic() > until:
            raise SystemExit(f"stack: no namespaces {', '.join(sorted(missing))} after {_PATIENCE_SECONDS} s")
        time.sleep(0.1)


def sweep(endpoint: Endpoint, outputs: Mapping[str, str]) -> int:
    """Let the stack ask for the namespaces that are due, and return how many they are."""
    name = outputs["SweepNamespacesFunctionName"]
    answer = endpoint.client("lambda", ACCOUNT).invoke(FunctionName=name, Payload=b"{}")
    found = json.loads(answer["Payload"].read())
    if "asked" not in found:
        raise SystemExit(f"stack: {name} failed: {found}")
    return int(found["asked"])


def is_there(cluster: _Cluster, name: str) -> bool:
    """Return whether a cluster has a namespace."""
    return _call(cluster, name, "GET") != 404


def remove(cluster: _Cluster, name: str) -> None:
    """Delete a namespace (for tests)."""
    _call(cluster, name, "DELETE")


def _call(cluster: _Cluster, name: str, method: str) -> int:
    headers = {"Authorization": f"Bearer {cluster.token}"}
    request = urllib.request.Request(f"{cluster.url}/api/v1/namespaces/{name}", headers=headers, method=method)
    trusting = ssl.create_default_context(cafile=cluster.authority)
    try:
        with urllib.request.urlopen(request, timeout=10, context=trusting) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return error.code
