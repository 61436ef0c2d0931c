"""The client of the clusters: each call goes to the cluster that it is given."""

from collections.abc import Iterator
from contextlib import ExitStack
from time import sleep

import pytest
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from pydantic import JsonValue

from flyteadmin.clients import cluster as cluster_client
from flyteadmin.clients.cluster_answers import Refused, Unclear
from flyteadmin.clusters.sections import ClustersSection
from flyteadmin.clusters.targets import Cluster, Clusters, clusters_of
from flyteadmin.errors import Internal
from flyteadmin.settings import Environment, environment
from local.aws.data import DataAccount as Aws
from local.cluster.process import serve
from local.cluster.store import Store

RUN = WorkflowExecutionIdentifier(project="p", domain="d", name="run")


def body(project: str = "p") -> dict[str, JsonValue]:
    return {
        "apiVersion": "flyte.lyft.com/v1alpha1",
        "kind": "FlyteWorkflow",
        "metadata": {"name": "run", "labels": {"project": "p"}},
        "executionId": {"project": project, "domain": "d", "name": "run"},
    }


@pytest.fixture
def clusters(aws: Aws) -> Iterator[Clusters]:
    """Two clusters, each with a token of its own."""
    secrets = aws.endpoint.client("secretsmanager", aws.account)
    configured = []
    with ExitStack() as stack:
        for name in ("east", "west"):
            server = stack.enter_context(serve(Store(), token=name))
            secret = secrets.create_secret(Name=name, SecretString=name)["ARN"]
            configured.append(Cluster(name=name, endpoint=server.url, token_secret_arn=secret))
        yield Clusters(configured=tuple(configured))


def test_a_call_goes_to_its_cluster(clusters: Clusters) -> None:
    east, west = clusters.configured
    cluster_client.create(east, "default", body())
    assert not cluster_client.delete(west, "default", RUN)
    assert cluster_client.delete(east, "default", RUN)
    assert cluster_client._api(east) is cluster_client._api(east.model_copy())


def test_a_token_that_does_not_come_leaves_no_cluster_alone(
    clusters: Clusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    east = clusters.configured[0]
    with monkeypatch.context() as patch:
        patch.setattr(cluster_client, "_TOKEN_WITHIN_SECONDS", 0.05)
        patch.setattr(cluster_client, "token", lambda _: sleep(0.5))
        with pytest.raises(Unclear):
            cluster_client.create(east, "default", body())
    cluster_client._api_until.cache_clear()
    cluster_client.create(east, "default", body())


def test_no_token_travels_in_plain_text(clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "production")
    environment.cache_clear()
    with pytest.raises(Internal, match="is not https://"):
        cluster_client.delete(clusters.configured[0], "default", RUN)


def test_a_resource_of_another_execution_is_neither_taken_for_done_nor_deleted(clusters: Clusters) -> None:
    """Two projects whose namespaces are one; the labels say what a request made them say (F6)."""
    east = clusters.configured[0]
    cluster_client.create(east, "default", body("other"))
    with pytest.raises(Refused, match=r"AlreadyExists: .* taken .* by execution other/d/run"):
        cluster_client.create(east, "default", body())
    assert not cluster_client.delete(east, "default", RUN)
    assert cluster_client.delete(east, "default", WorkflowExecutionIdentifier(project="other", domain="d", name="run"))


def test_what_was_made_before_counts_as_made(clusters: Clusters) -> None:
    cluster_client.create(clusters.configured[0], "default", body())
    cluster_client.create(clusters.configured[0], "default", body())


def test_the_one_cluster_of_the_environment_is_taken_for_no_other() -> None:
    here = Environment(cluster_name="east", cluster_endpoint="https://east").cluster
    clusters = clusters_of(ClustersSection(), here)
    assert clusters.named("") == clusters.named("east") == here
    assert clusters.named("before") is None
    assert here.endpoint == "https://east"
