"""Two clusters on the deployed stack: its own, and another that only the configuration names."""

import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest
import yaml
from flyteidl.admin.execution_pb2 import (
    Execution,
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionSpec,
    ExecutionTerminateRequest,
    ExecutionTerminateResponse,
    WorkflowExecutionGetRequest,
)
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, Identifier, WorkflowExecutionIdentifier
from google.protobuf.message import Message
from kubernetes.client import ApiClient, Configuration, CustomObjectsApi

from flyteadmin.errors import Code
from local.admin import Admin, CallFailed
from local.callers import ACCOUNT, CONFIGURATION_KEY
from local.cluster import process as cluster_process
from local.cluster.faults import Fault
from local.cluster.process import RunningCluster
from local.stack import CLUSTER_NAME, DOMAIN, PROJECT, ROOT, Stack
from tests.e2e.commands import command
from tests.e2e.killing import kill, workers
from tests.e2e.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]

LAUNCHES = 12
SOURCE = """
from datetime import timedelta

from flytekit import sleep, workflow

@workflow
def waits() -> None:
    sleep(timedelta(seconds=1))
"""


@dataclass(frozen=True)
class Clusters:
    """The stack, whose own cluster has an engine, and the cluster "west", which has none."""

    stack: Stack
    west: RunningCluster
    token: Path
    launch_plan: Identifier

    def configure(self, *, name: str = "west", label: dict[str, float] | None = None, **west: object) -> None:
        """Write the file; the functions read it at their next call, as after a minute."""
        auth = {"tokenPath": str(self.token), "certPath": str(self.west.authority)}
        entry = {"name": name, "endpoint": self.west.url, "enabled": True, "auth": auth, **west}
        labels: dict[str, dict[str, float]] = {"team": label or {}, "west": {name: 1}, "own": {CLUSTER_NAME: 1}}
        section = {
            "clusterConfigs": [{"name": CLUSTER_NAME, "enabled": True}, entry],
            "labelClusterMap": {
                each: [{"id": cluster, "weight": weight} for cluster, weight in weights.items()]
                for each, weights in labels.items()
            },
        }
        write(self.stack, (ROOT / "local" / "flyteadmin.yaml").read_text() + yaml.safe_dump({"clusters": section}))

    def create(self, label: str = "", key: str = "", name: str = "") -> str:
        """Create an execution and return its name; with a key, the same call again is a repeat."""
        request = ExecutionCreateRequest(
            project=PROJECT, domain=DOMAIN, name=name, spec=ExecutionSpec(launch_plan=self.launch_plan)
        )
        request.spec.execution_cluster_label.value = label
        admin = Admin(self.stack.admin().api, {"idempotency-key": key} if key else {})
        return admin.call("CreateExecution", request, ExecutionCreateResponse).id.name

    def get(self, name: str) -> Execution:
        return self.stack.admin().call("GetExecution", WorkflowExecutionGetRequest(id=identifier(name)), Execution)

    def cluster_of(self, name: str) -> str:
        return self.get(name).spec.metadata.system_metadata.execution_cluster

    def terminate(self, name: str) -> None:
        request = ExecutionTerminateRequest(id=identifier(name), cause="no longer needed")
        self.stack.admin().call("TerminateExecution", request, ExecutionTerminateResponse)

    def in_west(self) -> dict[str, bool]:
        """Return the names of the resources in west, and whether each waits for propeller to let go of it."""
        configuration = Configuration(host=self.west.url, api_key={"authorization": f"Bearer {self.west.token}"})
        configuration.ssl_ca_cert = str(self.west.authority)
        with ApiClient(configuration) as client:
            found = CustomObjectsApi(client).list_namespaced_custom_object(
                "flyte.lyft.com", "v1alpha1", f"{PROJECT}-{DOMAIN}", "flyteworkflows"
            )
        return {item["metadata"]["name"]: "deletionTimestamp" in item["metadata"] for item in found["items"]}


def identifier(name: str) -> WorkflowExecutionIdentifier:
    return WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=name)


def write(stack: Stack, text: str) -> None:
    """Replace the configuration, and end the instances that still have the old one."""
    s3 = stack.endpoint.client("s3", ACCOUNT)
    s3.put_object(Bucket=stack.outputs["Bucket"], Key=CONFIGURATION_KEY, Body=text.encode())
    for worker, _ in workers(["create_execution", "terminate_execution"]):
        kill(worker)
    nothing: dict[str, Message] = {
        "CreateExecution": ExecutionCreateRequest(),
        "TerminateExecution": ExecutionTerminateRequest(id=identifier("nothing")),
    }
    for rpc, request in nothing.items():
        eventually(partial(_answers, stack, rpc, request), f"{rpc}, started again")


def _answers(stack: Stack, rpc: str, request: Message) -> bool | None:
    """Tell whether a function refuses a request itself; a gateway in its place answers 500."""
    return stack.admin().send(rpc, request).status < HTTPStatus.INTERNAL_SERVER_ERROR or None


@pytest.fixture(scope="module")
def clusters(stack: Stack, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    folder, module = tmp_path_factory.mktemp("clusters"), f"clusters_{uuid.uuid4().hex[:8]}"
    source = folder / f"{module}.py"
    source.write_text(SOURCE)
    command(stack, home, "register", "--version", "v1", str(source))
    launch_plan = Identifier(
        resource_type=LAUNCH_PLAN, project=PROJECT, domain=DOMAIN, name=f"{module}.waits", version="v1"
    )
    with cluster_process.running(namespaces=(f"{PROJECT}-{DOMAIN}",)) as west:
        token = folder / "token"
        token.write_text(west.token)
        try:
            yield Clusters(stack, west, token, launch_plan)
        finally:
            write(stack, (ROOT / "local" / "flyteadmin.yaml").read_text())


@pytest.mark.conformance("CLU-04", "CLU-07", "CLU-10", "KD-46")
def test_executions_are_split_by_weight_and_label(clusters: Clusters) -> None:
    clusters.configure(label={CLUSTER_NAME: 0.5, "west": 0.5})
    before = set(clusters.in_west())
    shared = [clusters.create("team", name=f"shared-{number}") for number in range(LAUNCHES)]
    alone = [clusters.create("west") for _ in range(2)]
    there = {name for name in shared if clusters.cluster_of(name) == "west"}
    assert 0 < len(there) < LAUNCHES  # names decide, so it is the same ones every time
    assert set(clusters.in_west()) - before == {*there, *alone}
    with pytest.raises(CallFailed) as failure:
        clusters.create("wset")
    assert failure.value.code is Code.INVALID_ARGUMENT
    assert "label wset is unknown" in failure.value.status.message


@pytest.mark.conformance("CLU-06", "CLU-08")
def test_a_repeat_and_a_second_start_stay_in_the_rows_cluster(clusters: Clusters) -> None:
    """The weights are turned round and west is disabled: nothing new goes there, and what was begun ends there."""
    clusters.configure(label={CLUSTER_NAME: 0, "west": 1})
    made, key = clusters.create("team", "made"), f"begun-{uuid.uuid4()}"
    clusters.west.add_fault(Fault(verb="create", code=503, reason="ServiceUnavailable"))
    begun = clusters.create("team", key)
    assert begun not in clusters.in_west()

    clusters.configure(label={CLUSTER_NAME: 1, "west": 0}, enabled=False)
    assert clusters.create("team", "made") == made
    assert clusters.create("team", key) == begun
    assert {made, begun} <= set(clusters.in_west())
    assert {clusters.cluster_of(name) for name in (made, begun)} == {"west"}
    there = set(clusters.in_west())
    new = [clusters.create(label) for label in ("team", "", "own")]
    assert {clusters.cluster_of(name) for name in new} == {CLUSTER_NAME}
    assert set(clusters.in_west()) == there
    with pytest.raises(CallFailed, match="label west has no enabled cluster"):
        clusters.create("west")


@pytest.mark.conformance("CLU-02", "CLU-11")
def test_an_abort_reaches_the_right_cluster_after_a_rename_too(clusters: Clusters) -> None:
    clusters.configure()
    kept, first, second = (clusters.create("west") for _ in range(3))
    clusters.terminate(first)
    clusters.configure(name="occident", aliases=["west"], enabled=False)
    clusters.terminate(second)
    assert {name: clusters.in_west()[name] for name in (kept, first, second)} == {
        kept: False,
        first: True,
        second: True,
    }
    assert clusters.get(second).closure.phase == WorkflowExecution.ABORTING


def test_a_cluster_that_hangs_does_not_disturb_the_other(
    clusters: Clusters, record_property: Callable[[str, object], None]
) -> None:
    """Order is asserted, not time: the own cluster's creates are all answered while one in west still hangs."""
    clusters.configure()
    with ThreadPoolExecutor(3) as at_once:
        assert len(set(at_once.map(clusters.create, ["own"] * 3))) == 3  # as many instances are warm as are needed
    alone = [taken(clusters, "own") for _ in range(LAUNCHES)]
    clusters.west.add_fault(Fault(verb="create", code=0, hang_seconds=30, times=1000))
    with ThreadPoolExecutor(2) as at_once:
        hanging = at_once.submit(clusters.create, "west")
        beside = [taken(clusters, "own") for _ in range(LAUNCHES)]
        assert not hanging.done()
        stuck = [hanging.result(), *at_once.map(clusters.create, ["west"] * LAUNCHES)]
    clusters.west.clear_faults()
    assert not set(stuck) & set(clusters.in_west())
    assert {clusters.get(name).closure.phase for name in stuck} == {WorkflowExecution.UNDEFINED}
    worst = [1000 * statistics.quantiles(times, n=100)[98] for times in (alone, beside)]
    record_property("figure", f"p99 of a create on the stack: {worst[0]:.0f} ms, beside one that hangs {worst[1]:.0f}")


def taken(clusters: Clusters, label: str) -> float:
    began = time.monotonic()
    clusters.create(label)
    return time.monotonic() - began
