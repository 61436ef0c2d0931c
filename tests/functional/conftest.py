"""Fixtures for creating and ending executions: a cluster, and a client of the real handlers."""

from collections.abc import Iterator

import pytest

from flyteadmin import settings
from flyteadmin.clients import cluster as cluster_client
from local.admin import Admin
from local.aws.data import DataAccount as Aws
from local.cluster.process import serve
from local.cluster.server import ClusterServer
from local.cluster.store import Store
from tests import in_process
from tests.execution_client import NAMESPACE


@pytest.fixture
def cluster(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterServer]:
    """A cluster that the functions of this process know."""
    with serve(Store(namespaces=("default", NAMESPACE)), token="token") as server:
        secret = aws.endpoint.client("secretsmanager", aws.account).create_secret(Name="token", SecretString="token")
        monkeypatch.setenv("CLUSTER_ENDPOINT", server.url)
        monkeypatch.setenv("CLUSTER_NAME", "east")
        monkeypatch.setenv("CLUSTER_TOKEN_SECRET_ARN", secret["ARN"])
        settings.environment.cache_clear()
        cluster_client._api_until.cache_clear()
        yield server
        cluster_client._api_until.cache_clear()


@pytest.fixture
def admin(cluster: ClusterServer) -> Admin:
    return in_process.admin()
