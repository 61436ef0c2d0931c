"""Faults of the `clusters` section that depend on the deployment which reads it."""

from collections.abc import Iterator

from pydantic import BaseModel

from flyteadmin.clusters.sections import ClusterConfig, ClustersSection

_PATH = "clusters.clusterConfigs"


class Fault(BaseModel):
    """A fault of a file: the path of its key in upstream's spelling, and what is expected instead."""

    path: str
    message: str

    def __str__(self) -> str:
        """Write path and message."""
        return f"{self.path}: {self.message}"


def faults(section: ClustersSection, stack_cluster: str, *, is_lambda: bool) -> Iterator[Fault]:
    """Find what can't hold: `stack_cluster` is the stack's ClusterName, "" for none.

    `is_lambda` says that the functions run in AWS, where nobody can put files beside them.
    """
    if section.cluster_configs and stack_cluster and section.named(stack_cluster) is None:
        yield Fault(
            path=_PATH,
            message=f"one cluster must have the name or alias {stack_cluster!r}: the stack's ClusterName",
        )
    for index, entry in enumerate(section.cluster_configs):
        if entry.enabled:
            for key, message in _of_enabled(entry, stack_cluster, is_lambda=is_lambda):
                yield Fault(path=f"{_PATH}[{index}].{key}", message=message)


def _of_enabled(entry: ClusterConfig, stack_cluster: str, *, is_lambda: bool) -> Iterator[tuple[str, str]]:
    if entry.in_cluster:
        yield "inCluster", "no function runs in a cluster; set endpoint, and auth.eks or auth.secretArn"
    elif not entry.endpoint and stack_cluster not in entry.names:
        yield "endpoint", "an enabled cluster needs one: https://…"
    elif is_lambda and entry.endpoint and not entry.endpoint.startswith("https://"):
        yield "endpoint", "the token would travel in plain text; expected https://…"
    if is_lambda and entry.auth.token_path:
        yield (
            "auth.tokenPath",
            "a function has no such file; put the token into a secret, auth.secretArn, or use auth.eks",
        )
    if is_lambda and entry.auth.cert_path:
        yield "auth.certPath", "a function has no such file; write it here in base64, auth.certificateAuthority"
