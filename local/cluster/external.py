"""A real cluster in place of the in-memory one: where `KUBECONFIG` points, with a bearer token."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ExternalCluster:
    """A cluster that somebody else runs."""

    url: str
    token: str
    authority: Path

    def authority_base64(self) -> str:
        """Return the certificate authority as the template's parameter wants it."""
        return base64.b64encode(self.authority.read_bytes()).decode()


def external_cluster() -> ExternalCluster:
    """Return the cluster of the current context.

    Raises:
        SystemExit: the context has no bearer token, which is what the functions can carry, or no authority.
    """
    from kubernetes import client, config  # noqa: PLC0415  # seconds to import, and rarely asked for

    found = client.Configuration()
    config.load_kube_config(client_configuration=found)
    token = _token(found.api_key)
    if not token:
        raise SystemExit(
            "KUBECONFIG's current context has no bearer token, and client certificates can't travel to the functions.\n"
            "Make one (kubectl create token NAME --duration 8h) and put it into the context's user."
        )
    if not found.ssl_ca_cert:
        raise SystemExit(
            "KUBECONFIG's current context has no certificate-authority, by which the functions know the cluster."
        )
    return ExternalCluster(found.host, token, Path(found.ssl_ca_cert))


def _token(api_key: Mapping[str, str]) -> str:
    """Return the bearer token that the client found: given, in a file, or by a command (its name since version 36)."""
    found = api_key.get("BearerToken") or api_key.get("authorization") or ""
    return found.removeprefix("Bearer ").strip() if not found.startswith("Basic ") else ""
