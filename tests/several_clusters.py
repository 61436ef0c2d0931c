"""Several clusters of this process, and the `clusters` section of a flyteadmin.yaml that names them."""

import json
from collections.abc import Mapping

import pytest
from flyteidl.admin.matchable_resource_pb2 import ExecutionClusterLabel, MatchingAttributes

from flyteadmin.attributes.models import AttributesRow
from flyteadmin.attributes.repository import scope_key
from flyteadmin.clients import cluster as cluster_client
from flyteadmin.clients.dynamodb.writes import Put, write
from local.aws.data import DataAccount
from local.cluster.server import ClusterServer
from tests.configuration import configure
from tests.execution_client import NAMESPACE

type Entry = dict[str, object]


class SeveralClusters:
    """Clusters by name, each with a token in a secret of its own, and the file that names them."""

    def __init__(self, aws: DataAccount, monkeypatch: pytest.MonkeyPatch, servers: Mapping[str, ClusterServer]) -> None:
        self.servers = servers
        self._aws, self._monkeypatch = aws, monkeypatch
        secrets = aws.endpoint.client("secretsmanager", aws.account)
        self._secrets = {name: secrets.create_secret(Name=name, SecretString=name)["ARN"] for name in servers}

    def entry(self, name: str, server: str = "", **changes: object) -> Entry:
        """Return an enabled cluster of the file; under another name than its server's, if `server` says so."""
        at = server or name
        auth = {"secretArn": self._secrets[at]}
        return {"name": name, "endpoint": self.servers[at].url, "enabled": True, "auth": auth, **changes}

    def configure(self, *entries: Entry, more: Mapping[str, object] | None = None, **section: object) -> None:
        """Put the file into the bucket: all clusters, enabled, unless `entries` say otherwise."""
        clusters = {"clusterConfigs": list(entries) or [self.entry(name) for name in self.servers], **section}
        configure(self._aws, self._monkeypatch, json.dumps({"clusters": clusters, **(more or {})}))

    def names(self, server: str) -> set[str]:
        """Return the names of the executions whose resources lie in a cluster."""
        store = self.servers[server].store
        kind = store.kind(cluster_client.GROUP, cluster_client.VERSION, cluster_client.PLURAL)
        return {each.metadata.name for each in store.listing(kind, NAMESPACE).items}

    def asked(self, server: str) -> bool:
        """Return whether a resource of a cluster waits for propeller to let go of it."""
        store = self.servers[server].store
        kind = store.kind(cluster_client.GROUP, cluster_client.VERSION, cluster_client.PLURAL)
        return any(each.metadata.deletion_timestamp for each in store.listing(kind, NAMESPACE).items)


def set_label(label: str, project: str, domain: str = "", workflow: str = "", launch_plan: str = "") -> None:
    """Set the EXECUTION_CLUSTER_LABEL attributes of a scope."""
    value = MatchingAttributes(execution_cluster_label=ExecutionClusterLabel(value=label)).SerializeToString()
    scope = scope_key(project, domain, workflow, launch_plan)
    write(Put(AttributesRow(scope=scope, updated_at=0, execution_cluster_label=value)))
