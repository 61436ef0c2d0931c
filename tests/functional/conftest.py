"""Fixtures for creating and ending executions: a cluster, and a client of the real handlers."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from bridge.settings import Settings
from flyteadmin import settings
from flyteadmin.clients import cluster as cluster_client
from local.admin import Admin
from local.aws.data import DataAccount as Aws
from local.cluster.process import serve
from local.cluster.server import ClusterServer
from local.cluster.store import Store
from tests import in_process
from tests.execution_client import NAMESPACE
from tests.grpc_stack import client
from tests.sent_events import Send, over_grpc, over_https
from tests.several_clusters import SeveralClusters


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


@pytest.fixture
def clusters(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[SeveralClusters]:
    """Three clusters, which the configuration names, all enabled."""
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(serve(Store(namespaces=("default", NAMESPACE)), token=name))
            for name in ("east", "west", "north")
        }
        several = SeveralClusters(aws, monkeypatch, servers)
        several.configure()
        yield several


@pytest.fixture
def several(clusters: SeveralClusters) -> Admin:
    """A client of the handlers, which know several clusters."""
    return in_process.admin()


@pytest.fixture(params=["https", "grpc"])
def send(request: pytest.FixtureRequest, aws: Aws) -> Iterator[Send]:
    """Sends an event, by either way."""
    if request.param == "https":
        yield over_https
        return
    with client(Settings(api_url="http://127.0.0.1:9", listen="127.0.0.1:0", drain_seconds=1)) as flyte:
        yield partial(over_grpc, flyte)
