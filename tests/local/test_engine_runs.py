"""The engine against the in-memory cluster, and what it does with each answer of FlyteAdmin."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flyteidl.admin.workflow_pb2 import WorkflowClosure
from flyteidl.core.compiler_pb2 import CompiledTask, CompiledWorkflow, CompiledWorkflowClosure, ConnectionSet
from flyteidl.core.identifier_pb2 import WORKFLOW, Identifier
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.core.workflow_pb2 import Node, TaskNode, WorkflowTemplate
from flyteidl.event.event_pb2 import WorkflowExecutionEvent
from google.protobuf.message import Message

from flyteadmin.errors import Code, Unavailable
from flyteadmin.events.validation import Event
from flyteadmin.flyteworkflow.crd import BranchNodeSpec, FlyteWorkflow, IfBlock, NodeSpec, WorkflowNodeSpec
from flyteadmin.flyteworkflow.offload import offload
from local.cluster.faults import Fault
from local.cluster.kinds import Kind
from local.cluster.objects import Object
from local.cluster.process import serve
from local.cluster.server import ClusterServer
from local.cluster.status import Refused as RefusedByCluster
from local.cluster.store import Store
from local.engine.bridge import Refused
from local.engine.execution import Settings, World
from local.engine.resources import Phase, Resources
from local.engine.run import Engine
from local.engine.tasks.logs import Logs
from local.engine.tasks.processes import Processes
from tests.local.engine_builders import (
    MemoryBlobs,
    chain,
    compares_x_with,
    echoing,
    integer,
    line,
    one_task,
    promise,
    template,
    variables,
    workflow,
)

NAMESPACE = "flytesnacks-development"
SETTINGS = Settings("s3://bucket/metadata/propeller", "s3://bucket/raw", round_seconds=0)
SUCCESS = 12
"""The number of events of echoing()."""


@dataclass
class MemoryAdmin:
    """Takes events, and refuses those that it is told to."""

    events: list[Event] = field(default_factory=list)
    refusals: dict[str, list[Refused]] = field(default_factory=dict)

    def call[M: Message](self, rpc: str, request: Message, of: type[M]) -> M:
        raise AssertionError(rpc)

    def send(self, event: Event) -> None:
        if refusals := self.refusals.get(line(event)):
            raise refusals.pop(0)
        self.events.append(event)

    @property
    def lines(self) -> list[str]:
        return [line(event) for event in self.events]


class FailingBlobs(MemoryBlobs):
    """Refuses the first writes."""

    failures = 2

    def write(self, blob: bytes, target: str) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable("slow down")
        super().write(blob, target)


class BrokenBlobs(MemoryBlobs):
    """Has a defect."""

    def write(self, blob: bytes, target: str) -> None:
        if "n0" in target:
            raise OSError("no space left on device")
        super().write(blob, target)


def nested_in_itself() -> FlyteWorkflow:
    """Return a sub-workflow that runs itself."""
    again = NodeSpec(id="n0", kind="workflow", workflow=WorkflowNodeSpec(sub_workflow_ref="again"))
    return workflow(chain(again), sub_workflows={"again": chain(again)})


def branching_into_itself() -> FlyteWorkflow:
    """Return a branch whose only case is itself."""
    case = IfBlock(condition=compares_x_with(1), then="n0")
    return workflow(chain(NodeSpec(id="n0", kind="branch", branch=BranchNodeSpec(if_=case))))


@dataclass
class Here:
    """A cluster with an engine at work in it."""

    server: ClusterServer
    admin: MemoryAdmin
    blobs: MemoryBlobs

    @property
    def kind(self) -> Kind:
        return self.server.store.kind("flyte.lyft.com", "v1alpha1", "flyteworkflows")

    def create(self, resource: FlyteWorkflow, *, name: str = "run", **metadata: object) -> None:
        changed = resource.metadata.model_copy(update={"name": name, **metadata})
        resource = resource.model_copy(update={"metadata": changed})
        self.server.store.create(self.kind, NAMESPACE, Object.parse(resource.to_json_object()))

    def delete(self) -> None:
        self.server.store.delete(self.kind, NAMESPACE, "run")

    def find(self) -> Object | None:
        try:
            return self.server.store.get(self.kind, NAMESPACE, "run")
        except RefusedByCluster:
            return None

    def phase(self) -> int:
        found = self.find()
        status = found.body["status"] if found else None
        assert isinstance(status, dict)
        phase = status["phase"]
        assert isinstance(phase, int)
        return phase

    def until_ended(self) -> Object:
        """Return the resource once it carries the label of ended ones."""

        def ended() -> Object | None:
            found = self.find()
            labels = (found.metadata.labels or {}) if found else {}
            return found if labels.get("termination-status") == "terminated" else None

        return eventually(ended)


def eventually[T](what: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if (found := what()) is not None:
            return found
        time.sleep(0.01)
    raise AssertionError("it never came about")


@contextmanager
def here(
    admin: MemoryAdmin | None = None, blobs: MemoryBlobs | None = None, logs: Path | None = None
) -> Iterator[Here]:
    with serve(Store(namespaces=(NAMESPACE,)), token="secret") as server:
        made = Here(server, admin or MemoryAdmin(), blobs or MemoryBlobs())
        resources = Resources(server.url, "secret", watch_seconds=1)
        loop = asyncio.new_event_loop()
        stopped = asyncio.Event()

        async def work() -> None:
            processes = Processes(Logs(logs or Path(), "http://logs"), {}, asyncio.Semaphore(8))
            world = World(resources, made.admin, made.blobs, processes, SETTINGS)
            await Engine(resources, world).serve(stopped)

        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            thread = threading.Thread(target=lambda: runner.run(work()))
            thread.start()
            yield made
            loop.call_soon_threadsafe(stopped.set)
            server.store.close()
            thread.join()
        resources.close()


def sleeping() -> FlyteWorkflow:
    """One task that takes a minute."""
    resource = one_task()
    assert resource.tasks is not None
    container = resource.tasks["double"].container
    container.ClearField("args")
    container.command.extend([sys.executable, "-c", "import time; time.sleep(60)"])
    return resource


def refusal(code: Code, reason: str = "") -> Refused:
    return Refused(code, "no", reason)


class TestEngine:
    def test_a_resource_is_run_once_to_its_end_and_marked_as_propeller_does(self) -> None:
        with here() as at:
            at.create(echoing())
            ended = at.until_ended()
            at.create(echoing(), name="later")  # all that the watch says of the first comes before this one
            eventually(lambda: at.admin.lines.count("workflow SUCCEEDED") == 2 or None)
        assert at.admin.lines[SUCCESS - 1] == "workflow SUCCEEDED"
        assert len(at.admin.events) == 2 * SUCCESS
        assert at.phase() == Phase.SUCCESS
        assert not ended.metadata.finalizers
        assert (ended.metadata.labels or {})["completed-time"].count("-") == 2

    def test_what_was_there_before_is_run_and_what_has_ended_is_not(self) -> None:
        with here() as at:
            at.create(echoing(), name="old", labels={"termination-status": "terminated"})
            at.create(echoing())
            at.until_ended()
        assert len(at.admin.events) == SUCCESS

    def test_a_deleted_execution_is_aborted_and_its_resource_goes(self, tmp_path: Path) -> None:
        with here(logs=tmp_path) as at:
            at.create(sleeping())
            eventually(lambda: "task n0#0 RUNNING" in at.admin.lines or None)
            at.delete()
            eventually(lambda: True if at.find() is None else None)
        assert at.admin.lines[-3:] == ["task n0#0 ABORTED", "node n0 ABORTED", "workflow ABORTED"]

    def test_a_failed_execution_is_recorded_as_failed(self) -> None:
        resource = one_task()
        assert resource.tasks is not None
        resource.tasks["double"].ClearField("container")
        with here() as at:
            at.create(resource)
            at.until_ended()
        assert at.phase() == Phase.FAILED

    def test_conflicts_and_faults_of_the_cluster_are_overcome(self) -> None:
        with here() as at:
            at.server.faults.add(Fault(verb="update", code=409, reason="Conflict", times=2))
            at.server.faults.add(Fault(verb="update", code=500, applied=True, times=2))
            at.create(echoing())
            at.until_ended()
        assert len(at.admin.events) == SUCCESS

    def test_a_fault_of_storage_is_a_failed_round_and_no_more(self) -> None:
        with here(blobs=FailingBlobs()) as at:
            at.create(echoing())
            at.until_ended()
        assert at.phase() == Phase.SUCCESS

    def test_a_resource_whose_parts_are_in_storage_runs_as_well(self) -> None:
        blobs = MemoryBlobs()
        blobs.write(closure().SerializeToString(), "s3://bucket/closure")
        blobs.write(LiteralMap(literals={"x": integer(3)}).SerializeToString(), "s3://bucket/inputs")
        with here(blobs=blobs) as at:
            at.create(offload(echoing(), "s3://bucket/closure", "s3://bucket/inputs"))
            at.until_ended()
        assert at.phase() == Phase.SUCCESS
        outputs = blobs.literals("s3://bucket/metadata/propeller/flytesnacks-development-run/n0/data/0/outputs.pb")
        assert outputs.literals["o0"] == integer(3)

    def test_a_missing_blob_fails_the_execution(self) -> None:
        with here() as at:
            at.create(offload(echoing(), "s3://bucket/closure", "s3://bucket/inputs"))
            at.until_ended()
        assert at.admin.lines == ["workflow FAILED"]

    @pytest.mark.parametrize("resource", [nested_in_itself(), branching_into_itself()])
    def test_what_has_itself_inside_fails_at_once(self, resource: FlyteWorkflow) -> None:
        with here() as at:
            at.create(resource)
            at.until_ended()
        assert at.admin.lines == ["workflow FAILED"]
        assert isinstance(at.admin.events[0], WorkflowExecutionEvent)
        assert "cycle" in at.admin.events[0].error.message

    def test_what_is_no_workflow_is_marked_as_failed_and_nobody_is_told(self) -> None:
        with here() as at:
            manifest = {**echoing().to_json_object(), "spec": "nothing"}
            at.server.store.create(at.kind, NAMESPACE, Object.parse(manifest))
            at.until_ended()
        assert (at.admin.lines, at.phase()) == ([], Phase.FAILED)

    def test_whatever_breaks_an_execution_ends_it(self) -> None:
        with here(blobs=BrokenBlobs()) as at:
            at.create(echoing())
            at.until_ended()
        assert at.admin.lines[-1] == "workflow FAILED"
        assert at.phase() == Phase.FAILED

    def test_one_that_is_stopped_with_the_engine_says_nothing_more(self, tmp_path: Path) -> None:
        with here(logs=tmp_path) as at:
            at.create(sleeping())
            eventually(lambda: "task n0#0 RUNNING" in at.admin.lines or None)
        assert at.admin.lines[-1] == "task n0#0 RUNNING"
        assert at.phase() == Phase.RUNNING

    def test_ten_at_once_do_not_mix(self) -> None:
        with here() as at:
            for number in range(10):
                at.create(echoing(), name=f"run{number}")
            eventually(lambda: True if len(at.admin.events) == 10 * SUCCESS else None)
        assert at.admin.lines.count("workflow SUCCEEDED") == 10


class TestAnswers:
    def run(self, refusals: dict[str, list[Refused]]) -> Here:
        with here(MemoryAdmin(refusals=refusals)) as at:
            at.create(echoing())
            at.until_ended()
        return at

    def test_an_execution_that_has_ended_elsewhere_is_let_go(self) -> None:
        refused = refusal(Code.FAILED_PRECONDITION, "already_in_terminal_state")
        at = self.run({"workflow RUNNING": [refused]})
        assert at.admin.lines == []
        assert at.phase() == Phase.FAILED

    def test_another_clusters_execution_is_failed_without_noise(self) -> None:
        refused = [refusal(Code.FAILED_PRECONDITION, "incompatible_cluster") for _ in range(9)]
        at = self.run({"node n0 QUEUED": refused, "workflow FAILED": refused[1:2]})
        assert at.phase() == Phase.FAILED
        assert at.admin.lines == ["workflow RUNNING", "node start-node SUCCEEDED", "node n0 ABORTED"]

    def test_an_unknown_execution_is_tried_again_at_first(self) -> None:
        at = self.run({"workflow RUNNING": [refusal(Code.NOT_FOUND)]})
        assert len(at.admin.events) == SUCCESS

    def test_an_unknown_execution_is_failed_later(self) -> None:
        at = self.run({"task n0#0 RUNNING": [refusal(Code.NOT_FOUND)]})
        assert at.admin.lines[-3:] == ["task n0#0 ABORTED", "node n0 ABORTED", "workflow FAILED"]
        assert at.phase() == Phase.FAILED

    def test_other_refusals_cost_a_round_each(self) -> None:
        at = self.run({"node n0 RUNNING": [refusal(Code.INTERNAL) for _ in range(10)]})
        assert len(at.admin.events) == SUCCESS

    def test_and_too_many_rounds_cost_the_execution(self) -> None:
        at = self.run({"node n0 RUNNING": [refusal(Code.INTERNAL) for _ in range(11)]})
        assert at.admin.lines[-1] == "workflow FAILED"
        assert at.phase() == Phase.FAILED


def closure() -> WorkflowClosure:
    """Return the compiled closure from which echoing() is built."""
    task = template("echo")
    task.type = "echo"
    bindings = [promise("x", output="x")]
    nodes = [
        Node(id="start-node"),
        Node(id="end-node", inputs=[promise("o0", "n0")]),
        Node(id="n0", task_node=TaskNode(reference_id=task.id), inputs=bindings),
    ]
    identifier = Identifier(resource_type=WORKFLOW, project="p", domain="d", name="w", version="v")
    graph = WorkflowTemplate(id=identifier, nodes=nodes, outputs=[promise("o0", "n0")])
    graph.interface.inputs.CopyFrom(variables({"x": task.interface.inputs.variables["x"].type}))
    graph.interface.outputs.CopyFrom(variables({"o0": task.interface.outputs.variables["o0"].type}))
    edges = {"start-node": "n0", "n0": "end-node"}
    connections = ConnectionSet(
        downstream={one: ConnectionSet.IdList(ids=[other]) for one, other in edges.items()},
        upstream={other: ConnectionSet.IdList(ids=[one]) for one, other in edges.items()},
    )
    compiled = CompiledWorkflow(template=graph, connections=connections)
    return WorkflowClosure(
        compiled_workflow=CompiledWorkflowClosure(primary=compiled, tasks=[CompiledTask(template=task)])
    )
