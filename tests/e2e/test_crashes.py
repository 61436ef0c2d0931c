"""kill -9 of what works on an execution, in the midst of it: it ends as it should, once, and nothing is lost."""

import os
import random
import signal
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from pathlib import Path

import grpc
import pytest
from flyteidl.admin.common_pb2 import ResourceListRequest
from flyteidl.admin.execution_pb2 import (
    Execution,
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionList,
    ExecutionSpec,
    WorkflowExecutionGetDataRequest,
    WorkflowExecutionGetDataResponse,
    WorkflowExecutionGetRequest,
)
from flyteidl.admin.node_execution_pb2 import NodeExecutionList, NodeExecutionListRequest
from flyteidl.core.execution_pb2 import NodeExecution, WorkflowExecution
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, Identifier, WorkflowExecutionIdentifier
from flytekit.remote import FlyteRemote
from kubernetes.client import ApiClient, Configuration, CustomObjectsApi

from flyteadmin.flyteworkflow.builder import sanitize_label_value
from local.cluster.faults import Fault
from local.cluster.process import RunningCluster
from local.demo.subscriber import Subscriber
from local.stack import DOMAIN, PROJECT, Stack
from tests.e2e.commands import command
from tests.e2e.killing import end_bridge, kill, killing, workers
from tests.e2e.waiting import PATIENCE_SECONDS, eventually
from tests.grpc_stack import Client

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]

SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
ENDS = {WorkflowExecution.SUCCEEDED, WorkflowExecution.FAILED, WorkflowExecution.ABORTED}
NODES = ("n0", "n1", "n2")
SOURCE = """
from flytekit import task, workflow

@task
def step(x: int) -> int:
    return x + 1

@workflow
def chain(x: int) -> int:
    return step(x=step(x=step(x=x)))
"""


@dataclass(frozen=True)
class Chain:
    """A workflow of three tasks in a row that nobody else runs; what is asked here goes past the bridge."""

    stack: Stack
    launch_plan: Identifier

    def request(self, x: int) -> ExecutionCreateRequest:
        """Return a create that names no execution: a repeat of it can make a second one."""
        request = ExecutionCreateRequest(
            project=PROJECT, domain=DOMAIN, spec=ExecutionSpec(launch_plan=self.launch_plan)
        )
        request.inputs.literals["x"].scalar.primitive.integer = x
        return request

    def executions(self) -> set[str]:
        """Those that there are."""
        plan = self.launch_plan
        scope = {"project": PROJECT, "domain": DOMAIN}
        request = ResourceListRequest(id=scope, limit=100, filters=f"eq(launch_plan.name,{plan.name})")
        listed = self.stack.admin().call("ListExecutions", request, ExecutionList)
        return {each.id.name for each in listed.executions}

    def resources(self) -> list[str]:
        """Return the names of its FlyteWorkflows in the cluster."""
        cluster = self.stack.cluster
        configuration = Configuration(host=cluster.url, api_key={"authorization": f"Bearer {cluster.token}"})
        configuration.ssl_ca_cert = str(cluster.authority)
        with ApiClient(configuration) as client:
            found = CustomObjectsApi(client).list_namespaced_custom_object(
                "flyte.lyft.com",
                "v1alpha1",
                f"{PROJECT}-{DOMAIN}",
                "flyteworkflows",
                label_selector=f"workflow-name={sanitize_label_value(self.launch_plan.name)}",
            )
        return sorted(item["metadata"]["name"] for item in found["items"])

    def get(self, identifier: WorkflowExecutionIdentifier) -> Execution:
        return self.stack.admin().call("GetExecution", WorkflowExecutionGetRequest(id=identifier), Execution)

    def ended(self, identifier: WorkflowExecutionIdentifier) -> Execution:
        def look() -> Execution | None:
            execution = self.get(identifier)
            return execution if execution.closure.phase in ENDS else None

        return eventually(look, f"an end of {identifier.name}")

    def nodes(self, identifier: WorkflowExecutionIdentifier) -> dict[str, NodeExecution.Phase]:
        request = NodeExecutionListRequest(workflow_execution_id=identifier, limit=20)
        listed = self.stack.admin().call("ListNodeExecutions", request, NodeExecutionList)
        return {each.id.node_id: each.closure.phase for each in listed.node_executions}

    def output(self, identifier: WorkflowExecutionIdentifier) -> int:
        request = WorkflowExecutionGetDataRequest(id=identifier)
        data = self.stack.admin().call("GetExecutionData", request, WorkflowExecutionGetDataResponse)
        return int(data.full_outputs.literals["o0"].scalar.primitive.integer)

    def must_have_succeeded(self, identifier: WorkflowExecutionIdentifier, x: int) -> None:
        """All of its events arrived, and its output is that of a run without a crash."""
        execution = self.ended(identifier)
        assert execution.closure.phase == WorkflowExecution.SUCCEEDED, execution.closure.error.message
        phases = self.nodes(identifier)
        assert [phases.get(node) for node in NODES] == [NodeExecution.SUCCEEDED] * len(NODES)
        assert self.output(identifier) == x + len(NODES)


@pytest.fixture(scope="module")
def chain(stack: Stack, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    module = f"chain_{uuid.uuid4().hex[:8]}"
    path = tmp_path_factory.mktemp("chain") / f"{module}.py"
    path.write_text(SOURCE)
    command(stack, home, "register", "--version", "v1", str(path))
    name = f"{module}.chain"
    plan = Identifier(resource_type=LAUNCH_PLAN, project=PROJECT, domain=DOMAIN, name=name, version="v1")
    return Chain(stack, plan)


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    with grpc.insecure_channel(stack.bridge.address) as channel:
        yield Client(channel)


@pytest.fixture
def queues(stack: Stack) -> Iterator[None]:
    """Deliver a dead worker's messages again after 5 seconds instead of 180; check that none is left at the end."""
    sqs = stack.endpoint.client("sqs")
    events, dead = stack.outputs["EventsQueueUrl"], stack.outputs["DeadLetterQueueUrl"]

    def counted(queue: str, *names: str) -> int:
        return sum(
            int(n) for n in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"].values()
        )

    before = counted(dead, "ApproximateNumberOfMessages")
    [usual] = sqs.get_queue_attributes(QueueUrl=events, AttributeNames=["VisibilityTimeout"])["Attributes"].values()
    sqs.set_queue_attributes(QueueUrl=events, Attributes={"VisibilityTimeout": "5"})
    yield
    left = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    eventually(lambda: counted(events, *left) == 0 or None, "an empty queue of events")
    sqs.set_queue_attributes(QueueUrl=events, Attributes={"VisibilityTimeout": usual})
    assert counted(dead, "ApproximateNumberOfMessages") == before, "events were set aside"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=lambda how: how.name)
def test_a_bridge_that_ends_three_times_during_a_run(
    chain: Chain, remote: FlyteRemote, subscriber: Subscriber, queues: None, how: signal.Signals
) -> None:
    """It is killed, or told to end, as when it gives way to a new version."""
    others = chain.resources()
    plan = remote.fetch_launch_plan(name=chain.launch_plan.name, version="v1")
    name = remote.execute(plan, inputs={"x": 1}).id.name
    identifier = WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=name)
    for node in NODES:
        eventually(lambda node=node: node in chain.nodes(identifier) or None, f"events of {node}")  # type: ignore[misc]
        end_bridge(chain.stack.bridge, how)
    chain.must_have_succeeded(identifier, x=1)
    assert chain.resources() == sorted([*others, name])
    assert subscriber.wait_for(name, PATIENCE_SECONDS).phase == "SUCCEEDED"


def test_functions_that_are_killed_again_and_again(
    chain: Chain,
    client: Client,
    subscriber: Subscriber,
    queues: None,
    record_property: Callable[[str, object], None],
) -> None:
    """Two at a time, executions are created, and run, until workers of all functions on their way were killed."""
    record_property("figure", f"CRASH_SEED={SEED}")
    others, known = chain.resources(), chain.executions()

    def create(x: int) -> WorkflowExecutionIdentifier:
        answer = client.call("CreateExecution", chain.request(x), timeout=PATIENCE_SECONDS)
        return ExecutionCreateResponse.FromString(answer).id

    wanted = {"create_execution": 3, "process_event": 3, "notify": 2}
    with killing(wanted, SEED) as killed, ThreadPoolExecutor(2) as at_once:
        for pair in batched(range(10, 20), 2):
            for x, identifier in zip(pair, at_once.map(create, pair), strict=True):
                chain.must_have_succeeded(identifier, x)
                assert subscriber.wait_for(identifier.name, PATIENCE_SECONDS).phase == "SUCCEEDED"
                known.add(identifier.name)
                others.append(identifier.name)
            if killed.is_done():
                break
    assert killed.is_done(), f"only {dict(killed.count)} of {wanted} were killed: nothing was shown"
    assert chain.executions() == known
    assert chain.resources() == sorted(others)


@pytest.mark.parametrize("is_made", [False, True], ids=["before the resource is made", "after the resource was made"])
def test_a_function_that_dies_between_its_write_and_its_answer(chain: Chain, client: Client, is_made: bool) -> None:
    """The bridge sends the call again: the same execution is its answer, and there is one resource."""
    cluster = chain.stack.cluster
    assert isinstance(cluster, RunningCluster)
    others, known = chain.resources(), chain.executions()
    cluster.add_fault(Fault(verb="create", code=0, applied=is_made, hang_seconds=20))
    call = client.begin("CreateExecution", chain.request(x=30), timeout=PATIENCE_SECONDS)
    [name] = eventually(lambda: chain.executions() - known or None, "the row of the execution")
    if is_made:
        eventually(lambda: chain.resources() != others or None, "the resource of the execution")
    assert not call.done(), "the function answered before it could be killed"
    assert sum(kill(worker) for worker, _ in workers(["create_execution"])) >= 1
    identifier = ExecutionCreateResponse.FromString(call.result()).id
    assert identifier.name == name
    chain.must_have_succeeded(identifier, x=30)
    assert chain.executions() == {*known, name}
    assert chain.resources() == sorted([*others, name])
