"""A real cluster in place of the in-memory one: where `KUBECONFIG` points, with a bearer token."""

import base64
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


def external_cluster(namespace: str) -> ExternalCluster:
    """Return the cluster of the current context, with `namespace` made if it is not there.

    Raises:
        SystemExit: the context has no bearer token, which is what the functions can carry.
    """
    from kubernetes import client, config  # noqa: PLC0415  # seconds to import, and rarely asked for

    configuration = client.Configuration()
    config.load_kube_config(client_configuration=configuration)
    token = configuration.api_key.get("authorization", "").removeprefix("Bearer ")
    if not token:
        raise SystemExit(
            "KUBECONFIG's current context has no bearer token, and client certificates can't travel to the functions.\n"
            "Make one (kubectl create token NAME --duration 8h) and put it into the context's user."
        )
    core = client.CoreV1Api(client.ApiClient(configuration))
    if namespace not in {item.metadata.name for item in core.list_namespace().items}:
        core.create_namespace({"metadata": {"name": namespace}})
    return ExternalCluster(configuration.host, token, Path(configuration.ssl_ca_cert))
