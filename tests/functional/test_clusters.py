"""The client of the clusters: each call goes to the cluster that it is given."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from flyteadmin.clients import cluster as cluster_client
from flyteadmin.settings import Cluster, Clusters, Environment
from local.aws.data import DataAccount as Aws
from local.cluster.process import serve
from local.cluster.store import Store

BODY = {"apiVersion": "flyte.lyft.com/v1alpha1", "kind": "FlyteWorkflow", "metadata": {"name": "run"}}


@pytest.fixture
def clusters(aws: Aws) -> Iterator[Clusters]:
    """Two clusters, each with a token of its own."""
    secrets = aws.endpoint.client("secretsmanager", aws.account)
    configured = []
    with ExitStack() as stack:
        for name in ("east", "west"):
            server = stack.enter_context(serve(Store(), token=name))
            secret = secrets.create_secret(Name=name, SecretString=name)["ARN"]
            configured.append(
                Cluster(name=name, endpoint=server.url, certificate_authority="", token_secret_arn=secret)
            )
        yield Clusters(configured=tuple(configured))


def test_a_call_goes_to_its_cluster(clusters: Clusters) -> None:
    east, west = clusters.named("east"), clusters.named("west")
    cluster_client.create(east, "default", BODY)
    assert not cluster_client.delete(west, "default", "run")
    assert cluster_client.delete(east, "default", "run")
    assert cluster_client._api(east) is cluster_client._api(clusters.named("east"))


def test_the_environment_describes_one_cluster_which_may_have_had_another_name() -> None:
    clusters = Environment(cluster_name="east", cluster_endpoint="https://east").clusters
    assert clusters.default.endpoint == "https://east"
    assert clusters.named("before") == clusters.named("east") == clusters.default
