"""The engine against the in-memory cluster, and what it does with each answer of FlyteAdmin (wire.md §3.3)."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from flyteidl.admin.event_pb2 import (
    EventErrorAlreadyInTerminalState,
    EventErrorIncompatibleCluster,
    EventFailureReason,
    NodeExecutionEventRequest,
)
from flyteidl.admin.workflow_pb2 import WorkflowClosure
from flyteidl.core.compiler_pb2 import CompiledTask, CompiledWorkflow, CompiledWorkflowClosure, ConnectionSet
from flyteidl.core.identifier_pb2 import WORKFLOW, Identifier
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.core.workflow_pb2 import Node, TaskNode, WorkflowTemplate
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from flyteadmin.errors import Code, Unavailable
from flyteadmin.events.validation import Event
from flyteadmin.flyteworkflow.crd import FlyteWorkflow
from flyteadmin.flyteworkflow.offload import offload
from local.aws.client import HttpApi
from local.cluster.faults import Fault
from local.cluster.kinds import Kind
from local.cluster.objects import Object
from local.cluster.process import serve
from local.cluster.server import ClusterServer
from local.cluster.status import Refused
from local.cluster.store import Store
from local.engine.execution import Settings
from local.engine.resources import Phase, Resources
from local.engine.run import Engine
from local.engine.sink import EventRefused, HttpEventSink
from tests.builders import node_event
from tests.local.engine_builders import (
    MemoryBlobs,
    integer,
    line,
    one_task,
    promise,
    template,
    variables,
)

NAMESPACE = "flytesnacks-development"
SETTINGS = Settings("s3://bucket/metadata/propeller", "s3://bucket/raw", task_seconds=0, round_seconds=0)
SUCCESS = 12
"""How many events one_task() has."""


@dataclass
class MemorySink:
    """Takes events, and refuses those that it is told to."""

    events: list[Event] = field(default_factory=list)
    refusals: dict[str, list[EventRefused]] = field(default_factory=dict)

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


@dataclass
class World:
    """A cluster with an engine at work in it."""

    server: ClusterServer
    sink: MemorySink
    blobs: MemoryBlobs

    @property
    def _kind(self) -> Kind:
        return self.server.store.kind("flyte.lyft.com", "v1alpha1", "flyteworkflows")

    def create(self, resource: FlyteWorkflow, *, name: str = "run", **metadata: object) -> None:
        changed = resource.metadata.model_copy(update={"name": name, **metadata})
        resource = resource.model_copy(update={"metadata": changed})
        self.server.store.create(self._kind, NAMESPACE, Object.parse(resource.to_json_object()))

    def delete(self) -> None:
        self.server.store.delete(self._kind, NAMESPACE, "run")

    def find(self) -> Object | None:
        try:
            return self.server.store.get(self._kind, NAMESPACE, "run")
        except Refused:
            return None

    def phase(self) -> int:
        found = self.find()
        status = found.body["status"] if found else None
        assert isinstance(status, dict)
        phase = status["phase"]
        assert isinstance(phase, int)
        return phase

    def until_ended(self) -> Object:
        """The resource once it carries the label of ended ones."""

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
def world(
    sink: MemorySink | None = None, blobs: MemoryBlobs | None = None, settings: Settings = SETTINGS
) -> Iterator[World]:
    stopped = threading.Event()
    with serve(Store(namespaces=(NAMESPACE,)), token="secret") as server:
        made = World(server, sink or MemorySink(), blobs or MemoryBlobs())
        resources = Resources(server.url, "secret", watch_seconds=1)
        engine = Engine(resources, made.sink, made.blobs, settings)
        thread = threading.Thread(target=engine.serve, args=(stopped,))
        thread.start()
        yield made
        stopped.set()
        server.store.close()
        thread.join()
        resources.close()


def refusal(code: Code, reason: str = "") -> EventRefused:
    return EventRefused(code, "no", reason)


class TestEngine:
    def test_a_resource_is_run_once_to_its_end_and_marked_as_propeller_does(self) -> None:
        with world() as at:
            at.create(one_task())
            ended = at.until_ended()
            at.create(one_task(), name="later")  # all that the watch says of the first comes before this one
            eventually(lambda: at.sink.lines.count("workflow SUCCEEDED") == 2 or None)
        assert at.sink.lines[SUCCESS - 1] == "workflow SUCCEEDED"
        assert len(at.sink.events) == 2 * SUCCESS
        assert at.phase() == Phase.SUCCESS
        assert not ended.metadata.finalizers
        assert (ended.metadata.labels or {})["completed-time"].count("-") == 2

    def test_what_was_there_before_is_run_and_what_has_ended_is_not(self) -> None:
        with world() as at:
            at.create(one_task(), name="old", labels={"termination-status": "terminated"})
            at.create(one_task())
            at.until_ended()
        assert len(at.sink.events) == SUCCESS

    def test_a_deleted_execution_is_aborted_and_its_resource_goes(self) -> None:
        with world(settings=Settings("s3://b/m", "s3://b/r", task_seconds=30)) as at:
            at.create(one_task())
            eventually(lambda: "task n0#0 RUNNING" in at.sink.lines or None)
            at.delete()
            eventually(lambda: True if at.find() is None else None)
        assert at.sink.lines[-3:] == ["task n0#0 ABORTED", "node n0 ABORTED", "workflow ABORTED"]

    def test_a_failed_execution_is_recorded_as_failed(self) -> None:
        with world() as at:
            at.create(one_task(fail="no prices"))
            at.until_ended()
        assert at.phase() == Phase.FAILED

    def test_conflicts_and_faults_of_the_cluster_are_overcome(self) -> None:
        with world() as at:
            at.server.faults.add(Fault(verb="update", code=409, reason="Conflict", times=2))
            at.server.faults.add(Fault(verb="update", code=500, applied=True, times=2))
            at.create(one_task())
            at.until_ended()
        assert len(at.sink.events) == SUCCESS

    def test_a_fault_of_storage_is_a_failed_round_and_no_more(self) -> None:
        with world(blobs=FailingBlobs()) as at:
            at.create(one_task())
            at.until_ended()
        assert at.phase() == Phase.SUCCESS

    def test_a_resource_whose_parts_are_in_storage_runs_as_well(self) -> None:
        blobs = MemoryBlobs()
        blobs.write(closure().SerializeToString(), "s3://bucket/closure")
        blobs.write(LiteralMap(literals={"x": integer(3)}).SerializeToString(), "s3://bucket/inputs")
        with world(blobs=blobs) as at:
            at.create(offload(one_task(), "s3://bucket/closure", "s3://bucket/inputs"))
            at.until_ended()
        assert at.phase() == Phase.SUCCESS
        outputs = blobs.literals("s3://bucket/metadata/propeller/flytesnacks-development-run/n0/data/0/outputs.pb")
        assert outputs.literals["o0"] == integer(3)

    def test_a_missing_blob_fails_the_execution(self) -> None:
        with world() as at:
            at.create(offload(one_task(), "s3://bucket/closure", "s3://bucket/inputs"))
            at.until_ended()
        assert at.sink.lines == ["workflow FAILED"]

    def test_ten_at_once_do_not_mix(self) -> None:
        with world() as at:
            for number in range(10):
                at.create(one_task(), name=f"run{number}")
            eventually(lambda: True if len(at.sink.events) == 10 * SUCCESS else None)
        assert at.sink.lines.count("workflow SUCCEEDED") == 10


class TestAnswers:
    def run(self, refusals: dict[str, list[EventRefused]]) -> World:
        with world(MemorySink(refusals=refusals)) as at:
            at.create(one_task())
            at.until_ended()
        return at

    def test_an_execution_that_has_ended_elsewhere_is_let_go(self) -> None:
        refused = refusal(Code.FAILED_PRECONDITION, "already_in_terminal_state")
        at = self.run({"workflow RUNNING": [refused]})
        assert at.sink.lines == []
        assert at.phase() == Phase.FAILED

    def test_another_clusters_execution_is_failed_without_noise(self) -> None:
        refused = [refusal(Code.FAILED_PRECONDITION, "incompatible_cluster") for _ in range(9)]
        at = self.run({"node n0 QUEUED": refused, "workflow FAILED": refused[1:2]})
        assert at.phase() == Phase.FAILED
        assert at.sink.lines == ["workflow RUNNING", "node start-node SUCCEEDED", "node n0 ABORTED"]

    def test_an_unknown_execution_is_tried_again_at_first(self) -> None:
        at = self.run({"workflow RUNNING": [refusal(Code.NOT_FOUND)]})
        assert len(at.sink.events) == SUCCESS

    def test_an_unknown_execution_is_failed_later(self) -> None:
        at = self.run({"task n0#0 RUNNING": [refusal(Code.NOT_FOUND)]})
        assert at.sink.lines[-3:] == ["task n0#0 ABORTED", "node n0 ABORTED", "workflow FAILED"]
        assert at.phase() == Phase.FAILED

    def test_other_refusals_cost_a_round_each(self) -> None:
        at = self.run({"node n0 RUNNING": [refusal(Code.INTERNAL) for _ in range(10)]})
        assert len(at.sink.events) == SUCCESS

    def test_and_too_many_rounds_cost_the_execution(self) -> None:
        at = self.run({"node n0 RUNNING": [refusal(Code.INTERNAL) for _ in range(11)]})
        assert at.sink.lines[-1] == "workflow FAILED"
        assert at.phase() == Phase.FAILED


@dataclass
class Answer:
    """What the stub of FlyteAdmin says: a Status, or what a gateway says by itself."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/octet-stream"


def said(code: Code, message: str = "no", *details: Message) -> Answer:
    status = Status(code=code, message=message)
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return Answer(409, status.SerializeToString())


@contextmanager
def api(*answers: Answer) -> Iterator[tuple[HttpEventSink, list[tuple[str, bytes]]]]:
    """A sink, and the requests that its stub of FlyteAdmin has received."""
    received: list[tuple[str, bytes]] = []
    left = list(answers)

    class Stub(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            answer = left.pop(0) if left else Answer()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Stub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield HttpEventSink(HttpApi(f"http://127.0.0.1:{server.server_port}"), sleep=lambda _: None), received
    server.shutdown()
    thread.join()
    server.server_close()


class TestHttpEventSink:
    def test_an_event_is_posted_as_its_request(self) -> None:
        event = node_event("RUNNING")
        with api() as (sink, received):
            sink.send(event)
        ((path, body),) = received
        assert path == "/api/v1/events/nodes"
        assert NodeExecutionEventRequest.FromString(body).event == event

    @pytest.mark.parametrize(
        "fault",
        [
            said(Code.UNAVAILABLE),
            said(Code.RESOURCE_EXHAUSTED, "slow down"),
            Answer(429, b"{}", "application/json"),
            Answer(503, b"{}", "application/json"),
        ],
    )
    def test_a_passing_fault_is_met_with_the_same_bytes(self, fault: Answer) -> None:
        with api(fault, fault) as (sink, received):
            sink.send(node_event("RUNNING"))
        assert len(received) == 3
        assert len(set(received)) == 1

    def test_a_fault_that_does_not_pass_is_told(self) -> None:
        with api(*[said(Code.UNAVAILABLE)] * 20) as (sink, received), pytest.raises(EventRefused) as refused:
            sink.send(node_event("RUNNING"))
        assert refused.value.code == Code.UNAVAILABLE
        assert len(received) == 20

    def test_a_repeated_event_counts_as_taken(self) -> None:
        with api(said(Code.ALREADY_EXISTS)) as (sink, received):
            sink.send(node_event("RUNNING"))
        assert len(received) == 1

    @pytest.mark.parametrize(
        ("answer", "code", "reason"),
        [
            (said(Code.NOT_FOUND), Code.NOT_FOUND, ""),
            (said(Code.RESOURCE_EXHAUSTED, "message larger than max"), Code.RESOURCE_EXHAUSTED, ""),
            (Answer(413, b"{}", "application/json"), Code.RESOURCE_EXHAUSTED, ""),
            (Answer(403, b'{"message":"Forbidden"}', "application/json"), Code.PERMISSION_DENIED, ""),
            (
                said(
                    Code.FAILED_PRECONDITION,
                    "no",
                    EventFailureReason(already_in_terminal_state=EventErrorAlreadyInTerminalState()),
                ),
                Code.FAILED_PRECONDITION,
                "already_in_terminal_state",
            ),
            (
                said(
                    Code.FAILED_PRECONDITION,
                    "no",
                    EventFailureReason(incompatible_cluster=EventErrorIncompatibleCluster(cluster="c")),
                ),
                Code.FAILED_PRECONDITION,
                "incompatible_cluster",
            ),
        ],
    )
    def test_a_refusal_is_told_with_its_reason(self, answer: Answer, code: Code, reason: str) -> None:
        with api(answer) as (sink, received), pytest.raises(EventRefused) as refused:
            sink.send(node_event("RUNNING"))
        assert (refused.value.code, refused.value.reason) == (code, reason)
        assert len(received) == 1

    def test_nobody_at_home_is_unavailable(self) -> None:
        sink = HttpEventSink(HttpApi("http://127.0.0.1:9"), attempts=2, sleep=lambda _: None)
        with pytest.raises(EventRefused) as refused:
            sink.send(node_event("RUNNING"))
        assert refused.value.code == Code.UNAVAILABLE


def closure() -> WorkflowClosure:
    """What one_task() is made from, as the compiler leaves it."""
    task = template("double")
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
