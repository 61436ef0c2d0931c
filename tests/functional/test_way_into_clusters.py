"""The way into each cluster: its own token, authority and connection; and a cluster that hangs beside others."""

import base64
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flyteidl.admin.execution_pb2 import ExecutionTerminateRequest, ExecutionTerminateResponse
from flyteidl.core.identifier_pb2 import Identifier
from pydantic import JsonValue

from flyteadmin import settings
from flyteadmin.clients import cluster as cluster_client
from flyteadmin.clients import cluster_tokens
from flyteadmin.clients.cluster_answers import UNREACHABLE, Unclear
from flyteadmin.clusters.sections import ClustersSection
from flyteadmin.clusters.targets import Cluster, clusters_of
from flyteadmin.errors import Code, FlyteAdminError
from flyteadmin.executions import repository
from flyteadmin.executions.phases import ABORTING, LaunchState
from local.admin import Admin, CallFailed
from local.aws.data import DataAccount as Aws
from local.cluster.faults import Fault
from local.cluster.process import RunningCluster, running
from tests.builders import DOMAIN, PROJECT, execution_id
from tests.execution_client import NAMESPACE, create, get, request
from tests.flytekit_registration import register
from tests.metrics import measured
from tests.several_clusters import SeveralClusters
from tests.workflows import REPORT

LAUNCHES = 60
ALONE = {name: [{"id": name, "weight": 1}] for name in ("east", "west")}


@pytest.fixture
def launch_plan(several: Admin, clusters: SeveralClusters) -> Identifier:
    """A launch plan, and a label for each of two clusters."""
    clusters.configure(labelClusterMap=ALONE)
    return register(several, REPORT, PROJECT, DOMAIN, "v1").launch_plan


def launch(admin: Admin, launch_plan: Identifier, cluster: str, name: str) -> float:
    """Create an execution in a cluster; how long it took, in seconds."""
    message = request(launch_plan, name)
    message.spec.execution_cluster_label.value = cluster
    began = time.monotonic()
    create(admin, message)
    return time.monotonic() - began


@contextmanager
def two_with_tls() -> Iterator[tuple[RunningCluster, RunningCluster]]:
    """Two clusters, each with an authority of its own."""
    with running(namespaces=(NAMESPACE,)) as east, running(namespaces=(NAMESPACE,)) as west:
        yield east, west


def test_two_clusters_have_two_authorities_and_two_tokens(aws: Aws) -> None:
    """One after the other and back again: neither takes the other's place in a file or a cache."""
    secrets = aws.endpoint.client("secretsmanager", aws.account)
    with two_with_tls() as servers:
        section = ClustersSection.model_validate(
            {
                "cluster_configs": [
                    {
                        "name": name,
                        "endpoint": server.url,
                        "enabled": True,
                        "auth": {
                            "secret_arn": secrets.create_secret(Name=name, SecretString=server.token)["ARN"],
                            "certificate_authority": server.authority_base64(),
                        },
                    }
                    for name, server in zip(("east", "west"), servers, strict=True)
                ]
            }
        )
        east, west = clusters_of(section, Cluster(name="")).configured
        for number, cluster in enumerate((east, west, east, west)):
            cluster_client.create(cluster, NAMESPACE, flyteworkflow(f"run-{number}"))
        with pytest.raises(Unclear):
            cluster_client.create(
                west.model_copy(update={"certificate_authority": east.certificate_authority}),
                NAMESPACE,
                flyteworkflow("no"),
            )


def test_files_of_this_machine_are_a_way_in(tmp_path: Path) -> None:
    with running(namespaces=(NAMESPACE,)) as server:
        (tmp_path / "token").write_text(server.token + "\n")
        cluster = Cluster(
            name="here",
            endpoint=server.url,
            token_path=str(tmp_path / "token"),
            certificate_path=str(server.authority),
        )
        cluster_client.create(cluster, NAMESPACE, flyteworkflow("run"))
        with pytest.raises(FlyteAdminError, match="the token of cluster here can't be read"):
            cluster_client.create(
                cluster.model_copy(update={"token_path": "/nowhere"}), NAMESPACE, flyteworkflow("run")
            )


def flyteworkflow(name: str) -> dict[str, JsonValue]:
    return {
        "apiVersion": "flyte.lyft.com/v1alpha1",
        "kind": "FlyteWorkflow",
        "metadata": {"name": name},
        "executionId": {"project": PROJECT, "domain": DOMAIN, "name": name},
    }


def signed(token: str) -> dict[str, list[str]]:
    """Return the query of the URL that an EKS token is."""
    encoded = token.removeprefix("k8s-aws-v1.")
    url = urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode())
    return parse_qs(url.query)


def test_eks_knows_the_cluster_by_its_own_name_and_the_function_by_the_role_it_takes(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*"}]}
    role = aws.client("iam").create_role(RoleName="flyte", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    section = ClustersSection.model_validate(
        {
            "cluster_configs": [
                {"name": "east", "auth": {"eks": {"cluster_name": "prod-eu", "role_arn": role}}},
                {"name": "west", "auth": {"eks": {"cluster_name": "prod-us"}}},
                {"name": "north"},
            ]
        }
    )
    east, west, north = clusters_of(section, Cluster(name="")).configured
    assert [each.eks_name for each in (east, west, north)] == ["prod-eu", "prod-us", "north"]
    by_role, own = signed(cluster_tokens.token(east)), signed(cluster_tokens.token(west))
    assert by_role["X-Amz-SignedHeaders"] == own["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"]
    assert by_role["X-Amz-Security-Token"]
    assert "X-Amz-Security-Token" not in own
    assert by_role["X-Amz-Credential"] != own["X-Amz-Credential"]
    assert cluster_tokens.token(east) != cluster_tokens.token(east.model_copy(update={"eks_name": "prod-us"}))


def test_a_token_that_can_not_be_had_is_of_its_cluster_alone(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters
) -> None:
    east = clusters.entry("east", auth={"secretArn": "arn:aws:secretsmanager:us-east-1:0:secret:nowhere"})
    clusters.configure(east, clusters.entry("west"), labelClusterMap=ALONE)
    launch(several, launch_plan, "east", "a")
    launch(several, launch_plan, "west", "b")
    assert (clusters.names("east"), clusters.names("west")) == (set(), {"b"})
    row = repository.read_state(f"{PROJECT}:{DOMAIN}:a")
    assert row is not None
    assert (row.phase, row.launch) == ("UNDEFINED", LaunchState.LAUNCHING)


@pytest.mark.parametrize(
    ("auth", "says"),
    [
        ({"tokenPath": "/token"}, "auth.tokenPath: a function has no such file; put the token into a secret"),
        ({"certPath": "/ca"}, "auth.certPath: a function has no such file; write it here in base64"),
    ],
)
def test_a_function_in_aws_has_no_files_of_an_operators(
    auth: dict[str, str],
    says: str,
    several: Admin,
    launch_plan: Identifier,
    clusters: SeveralClusters,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    east = clusters.entry("east", endpoint="https://east", auth=auth)
    monkeypatch.setenv("STAGE", "production")
    clusters.configure({**east, "enabled": False}, clusters.entry("west", endpoint="https://west"))
    launch_on_west = request(launch_plan)
    create(several, launch_on_west)
    clusters.configure(east)
    create(several, request(launch_plan, "other"))  # under the version before, which is right
    assert get(several, "other").spec.metadata.system_metadata.execution_cluster == "west"
    assert says in "".join(str(record.exc_info) for record in caplog.records)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give calls three seconds, which a busy machine keeps and the hanging cluster does not."""
    monkeypatch.setattr(cluster_client, "ALL_CALLS_SECONDS", 3)


@pytest.mark.usefixtures("impatient")
def test_a_cluster_that_hangs_is_left_alone_and_its_rows_stay_launching(
    several: Admin,
    launch_plan: Identifier,
    clusters: SeveralClusters,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of three creates one reaches it; each is counted; once it answers again, it is asked again."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")
    settings.environment.cache_clear()
    hang(clusters)
    calls = asked_of("east", clusters, monkeypatch)
    for name in ("a", "b", "c"):
        launch(several, launch_plan, "east", name)
        launch(several, launch_plan, "west", f"{name}-west")
    assert (calls(), clusters.names("west")) == (1, {"a-west", "b-west", "c-west"})
    for name in ("a", "b", "c"):
        row = repository.read_state(f"{PROJECT}:{DOMAIN}:{name}")
        assert row is not None
        assert (row.phase, row.launch, row.cluster) == ("UNDEFINED", LaunchState.LAUNCHING, "east")
    assert measured(capsys.readouterr().out) == [("stack", {"UnclearLaunches": 1})] * 3
    clusters.servers["east"].faults.clear()
    monkeypatch.setattr(time, "monotonic", shifted(time.monotonic, 31))
    launch(several, launch_plan, "east", "d")
    assert "d" in clusters.names("east")


def hang(clusters: SeveralClusters) -> None:
    for verb in ("create", "get", "delete"):
        clusters.servers["east"].faults.add(Fault(verb=verb, code=0, hang_seconds=20, times=100))


def asked_of(name: str, clusters: SeveralClusters, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count the requests that arrive at a cluster from now on."""
    faults, count = clusters.servers[name].faults, 0
    original = faults.take

    def take(call: object) -> object:
        nonlocal count
        count += 1
        return original(call)  # type: ignore[arg-type]

    monkeypatch.setattr(faults, "take", take)
    return lambda: count


def shifted(clock: Callable[[], float], seconds: float) -> Callable[[], float]:
    return lambda: clock() + seconds


@pytest.mark.usefixtures("impatient")
def test_an_abort_leaves_a_hanging_cluster_alone_too(
    several: Admin, launch_plan: Identifier, clusters: SeveralClusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is to be repeated: the row is ABORTING by then."""
    launch(several, launch_plan, "east", "run")
    hang(clusters)
    calls = asked_of("east", clusters, monkeypatch)
    message = ExecutionTerminateRequest(id=execution_id("run"), cause="no longer needed")
    answers = []
    for _ in range(3):
        with pytest.raises(CallFailed) as failure:
            several.call("TerminateExecution", message, ExecutionTerminateResponse)
        answers.append(failure.value.status.message)
        assert failure.value.code is Code.UNAVAILABLE
    assert calls() == 1
    assert answers == [UNREACHABLE, *["cluster east timed out a moment ago and is left alone for a while"] * 2]
    row = repository.read_state(f"{PROJECT}:{DOMAIN}:run")
    assert row is not None
    assert row.phase == ABORTING


@pytest.mark.parametrize("kept", ["", "two words", "a\nb", "caf\u00e9"])
def test_what_is_no_token_is_not_sent_and_not_logged(
    kept: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "token").write_text(kept)
    cluster = Cluster(name="here", endpoint="http://127.0.0.1:1", token_path=str(tmp_path / "token"))
    with pytest.raises(FlyteAdminError, match="what is kept as the token of cluster here is none"):
        cluster_client.create(cluster, NAMESPACE, flyteworkflow("run"))
    assert caplog.records == []


@pytest.mark.usefixtures("impatient")
def test_one_that_hangs_does_not_disturb_the_other(
    several: Admin,
    launch_plan: Identifier,
    clusters: SeveralClusters,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    """The figure is for reading; asserted is that the other's creates all arrive and the hanging one is called once."""
    launch(several, launch_plan, "west", "alone-first")
    alone = [launch(several, launch_plan, "west", f"alone-{number}") for number in range(LAUNCHES)]
    hang(clusters)
    calls, beside = asked_of("east", clusters, monkeypatch), []
    for number in range(LAUNCHES):
        launch(several, launch_plan, "east", f"east-{number}")
        beside.append(launch(several, launch_plan, "west", f"beside-{number}"))
    assert calls() == 1
    assert len(clusters.names("west")) == 2 * LAUNCHES + 1
    p99 = [1000 * statistics.quantiles(times, n=100)[98] for times in (alone, beside)]
    record_property("figure", f"p99 of a create: {p99[0]:.0f} ms alone, {p99[1]:.0f} ms beside a cluster that hangs")
