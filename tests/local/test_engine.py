"""The stand-in engine sends what propeller would, in propeller's order."""

from collections.abc import Iterator
from itertools import count

import pytest
from flyteidl.core.errors_pb2 import ContainerError, ErrorDocument
from flyteidl.core.execution_pb2 import ExecutionError
from flyteidl.core.types_pb2 import Error
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent

from flyteadmin.events.validation import Event, validate
from flyteadmin.flyteworkflow.crd import BranchNodeSpec, FlyteWorkflow, IfBlock, NodeSpec, WorkflowNodeSpec
from flyteadmin.timestamps import to_nanoseconds
from local.engine.events import Events
from local.engine.identity import Lineage, unique_id
from local.engine.steps import Report, Step, Store
from local.engine.walk import FAIL_LATE, Walk
from tests.local.engine_builders import (
    MemoryBlobs,
    chain,
    compares_x_with,
    integer,
    line,
    one_task,
    promise,
    spec,
    task_node,
    template,
    workflow,
)

BASE = "s3://bucket/metadata/propeller/flytesnacks-development-run"
BEGIN = 1_700_000_000_000_000_001


def walk_of(resource: FlyteWorkflow) -> Walk:
    ticks = count(BEGIN)
    events = Events(resource.execution_id, "propeller", lambda: next(ticks))
    assert resource.inputs is not None
    return Walk(
        resource,
        resource.inputs,
        events,
        metadata_prefix="s3://bucket/metadata/propeller",
        raw_prefix="s3://bucket/raw",
    )


def done(steps: Iterator[Step]) -> tuple[list[Event], MemoryBlobs]:
    """What a walk sent and wrote."""
    events, blobs = [], MemoryBlobs()
    for step in steps:
        match step:
            case Report():
                events.append(step.event)
            case Store():
                blobs.write(step.blob, step.uri)
    return events, blobs


def lines(resource: FlyteWorkflow) -> list[str]:
    return [line(event) for event in done(walk_of(resource).run())[0]]


def node_events(events: list[Event], node_id: str) -> list[NodeExecutionEvent]:
    return [event for event in events if isinstance(event, NodeExecutionEvent) and event.id.node_id == node_id]


def task_events(events: list[Event]) -> list[TaskExecutionEvent]:
    return [event for event in events if isinstance(event, TaskExecutionEvent)]


def last(events: list[Event]) -> WorkflowExecutionEvent:
    assert isinstance(events[-1], WorkflowExecutionEvent)
    return events[-1]


class TestSuccess:
    def test_the_events_come_in_propellers_order(self) -> None:
        assert lines(one_task()) == [
            "workflow RUNNING",
            "node start-node SUCCEEDED",
            "node n0 QUEUED",
            "task n0#0 QUEUED",
            "node n0 RUNNING",
            "task n0#0 RUNNING",
            "task n0#0 SUCCEEDED",
            "node n0 SUCCEEDED",
            "node end-node QUEUED",
            "node end-node SUCCEEDED",
            "workflow SUCCEEDING",
            "workflow SUCCEEDED",
        ]

    def test_our_own_admission_takes_every_event(self) -> None:
        events, _ = done(walk_of(one_task()).run())
        assert {validate(event).name for event in events} == {"run"}

    def test_values_travel_from_the_inputs_to_the_outputs(self) -> None:
        events, blobs = done(walk_of(one_task()).run())
        assert blobs.literals(f"{BASE}/start-node/data/0/outputs.pb").literals["x"] == integer(7)
        assert blobs.literals(f"{BASE}/n0/data/inputs.pb").literals["x"] == integer(7)
        assert blobs.literals(f"{BASE}/n0/data/0/outputs.pb").literals["o0"] == integer(7)
        assert blobs.literals(last(events).output_uri).literals["o0"] == integer(7)
        assert last(events).output_uri == f"{BASE}/end-node/data/0/outputs.pb"

    def test_a_node_event_says_who_where_and_what(self) -> None:
        events, blobs = done(walk_of(one_task()).run())
        queued, running, succeeded = node_events(events, "n0")
        for event in (queued, running, succeeded):
            assert (event.spec_node_id, event.node_name, event.producer_id) == ("n0", "double", "propeller")
            assert event.event_version == 1
            assert event.input_uri == f"{BASE}/n0/data/inputs.pb"
            assert event.target_entity.name == "double"
            assert not event.is_parent
            assert not event.retry_group
        assert (queued.output_uri, running.output_uri) == ("", "")
        assert succeeded.output_uri in blobs.blobs
        assert succeeded.task_node_metadata.checkpoint_uri.endswith("_flytecheckpoints")

    def test_the_start_node_has_outputs_only(self) -> None:
        events, _ = done(walk_of(one_task()).run())
        (start,) = node_events(events, "start-node")
        assert start.WhichOneof("input_value") is None
        assert start.output_uri == f"{BASE}/start-node/data/0/outputs.pb"

    def test_a_task_event_says_who_where_and_what(self) -> None:
        events, blobs = done(walk_of(one_task()).run())
        queued, running, succeeded = task_events(events)
        for event in (queued, running, succeeded):
            assert (event.task_type, event.event_version, event.retry_attempt) == ("python-task", 1, 0)
            assert event.metadata.generated_name == "run-n0-0"
            assert event.HasField("reported_at")
        assert queued.reasons[0].reason == queued.reason
        assert running.logs[0].uri in blobs.blobs
        assert succeeded.output_uri == f"{BASE}/n0/data/0/outputs.pb"

    def test_times_are_told_to_the_nanosecond_and_never_go_back(self) -> None:
        events, _ = done(walk_of(one_task()).run())
        times = [to_nanoseconds(event.occurred_at) for event in events]
        assert times == list(range(BEGIN, BEGIN + len(events)))

    def test_nodes_run_after_what_they_depend_on(self) -> None:
        nodes = [
            task_node("n2", "double", promise("x", "n1")),
            task_node("n1", "double", promise("x", "n0")),
            task_node("n0", "double", promise("x", output="x")),
        ]
        upstream = {"n0": ["start-node"], "n1": ["n0"], "n2": ["n1", "n0"], "end-node": ["n2"]}
        told = lines(workflow(spec(nodes, upstream), template("double")))
        assert [one for one in told if one.endswith("QUEUED") and one.startswith("node n")] == [
            "node n0 QUEUED",
            "node n1 QUEUED",
            "node n2 QUEUED",
        ]


class TestFailure:
    def test_a_task_that_is_told_to_fail_fails_its_workflow(self) -> None:
        assert lines(one_task(fail="no prices"))[4:] == [
            "node n0 RUNNING",
            "task n0#0 RUNNING",
            "task n0#0 FAILED",
            "node n0 FAILED",
            "workflow FAILING",
            "workflow FAILED",
        ]

    def test_the_error_is_the_users_and_says_why(self) -> None:
        events, blobs = done(walk_of(one_task(fail="no prices")).run())
        task_error = task_events(events)[-1].error
        assert (task_error.kind, task_error.message) == (ExecutionError.USER, "no prices")
        document = ErrorDocument.FromString(blobs.read(task_error.error_uri))
        assert (document.error.kind, document.error.code) == (ContainerError.RECOVERABLE, task_error.code)
        node_error = node_events(events, "n0")[-1].error
        assert node_error.code == f"RetriesExhausted|{task_error.code}"
        assert node_error.message == "[1/1] currentAttempt done. Last Error: USER::no prices"
        assert last(events).error == node_error

    def test_a_task_is_tried_as_often_as_its_node_says(self) -> None:
        told = lines(one_task(fail="no prices", attempts=3))
        assert [one for one in told if "n0" in one] == [
            "node n0 QUEUED",
            "task n0#0 QUEUED",
            "node n0 RUNNING",
            "task n0#0 RUNNING",
            "task n0#0 FAILED",
            "task n0#1 QUEUED",
            "task n0#1 RUNNING",
            "task n0#1 FAILED",
            "task n0#2 QUEUED",
            "task n0#2 RUNNING",
            "task n0#2 FAILED",
            "node n0 FAILED",
        ]

    def test_a_promise_that_nobody_keeps_fails_the_node(self) -> None:
        node = task_node("n0", "double", promise("x", output="missing"))
        events, _ = done(walk_of(workflow(chain(node), template("double"))).run())
        assert [line(event) for event in events][2:] == ["node n0 FAILED", "workflow FAILING", "workflow FAILED"]
        assert last(events).error.code == "BindingResolutionFailure"

    def test_other_nodes_still_run_where_the_policy_says_so(self) -> None:
        nodes = [
            task_node("bad", "fails", promise("x", output="x")),
            task_node("good", "double", promise("x", output="x")),
            task_node("after", "double", promise("x", "bad")),
        ]
        upstream = {
            "bad": ["start-node"],
            "good": ["start-node"],
            "after": ["bad"],
            "end-node": ["after", "good"],
        }
        graph = spec(nodes, upstream, on_failure_policy=FAIL_LATE)
        told = lines(workflow(graph, template("double"), template("fails", fail="no prices")))
        assert "node good SUCCEEDED" in told
        assert told[-4:] == ["node after SKIPPED", "node end-node SKIPPED", "workflow FAILING", "workflow FAILED"]

    def test_a_failure_node_runs_and_knows_the_error(self) -> None:
        cleaner = task_node("fn0", "clean", promise("err", output="x"))
        graph = chain(task_node("n0", "fails", promise("x", output="x")), on_failure=cleaner)
        events, blobs = done(walk_of(workflow(graph, template("fails", fail="no prices"), template("clean"))).run())
        told = [line(event) for event in events]
        assert told[-8:] == [
            "workflow FAILING",
            "node fn0 QUEUED",
            "task fn0#0 QUEUED",
            "node fn0 RUNNING",
            "task fn0#0 RUNNING",
            "task fn0#0 SUCCEEDED",
            "node fn0 SUCCEEDED",
            "workflow FAILED",
        ]
        given = blobs.literals(f"{BASE}/fn0/data/inputs.pb").literals["err"].scalar.union.value.scalar.error
        assert isinstance(given, Error)
        assert given.message.endswith("no prices")

    @pytest.mark.parametrize("kind", ["gate", "array", "workflow"])
    def test_a_node_that_is_not_supported_says_so(self, kind: str) -> None:
        node = NodeSpec.model_validate({"id": "n0", "kind": kind})
        events, _ = done(walk_of(workflow(chain(node))).run())
        assert "node n0" in last(events).error.message
        assert "not supported by the stand-in engine" in last(events).error.message
        assert last(events).error.kind == ExecutionError.SYSTEM


class TestParents:
    def branching(self, above: int) -> FlyteWorkflow:
        branch = BranchNodeSpec(if_=IfBlock(condition=compares_x_with(above), then="n0-n0"), else_="n0-n1")
        nodes = [
            NodeSpec(id="n0", kind="branch", branch=branch, input_bindings=[promise("x", output="x")]),
            task_node("n0-n0", "double", promise("x", output="x")),
            task_node("n0-n1", "double", promise("x", output="x")),
        ]
        upstream = {"n0": ["start-node"], "n0-n0": ["start-node"], "n0-n1": ["start-node"], "end-node": ["n0"]}
        return workflow(spec(nodes, upstream, [promise("o0", "n0")]), template("double"))

    def test_a_branch_runs_the_case_that_holds_and_gives_its_outputs(self) -> None:
        events, blobs = done(walk_of(self.branching(above=5)).run())
        assert [line(event) for event in events][2:11] == [
            "node n0 QUEUED",
            "node n0-0-n0-n0 QUEUED",
            "node n0 RUNNING",
            "task n0-0-n0-n0#0 QUEUED",
            "node n0-0-n0-n0 RUNNING",
            "task n0-0-n0-n0#0 RUNNING",
            "task n0-0-n0-n0#0 SUCCEEDED",
            "node n0-0-n0-n0 SUCCEEDED",
            "node n0 SUCCEEDED",
        ]
        assert blobs.literals(last(events).output_uri).literals["o0"] == integer(7)

    def test_another_branch_is_taken_otherwise(self) -> None:
        told = lines(self.branching(above=50))
        assert "node n0-0-n0-n1 SUCCEEDED" in told
        assert not [one for one in told if "n0-0-n0-n0" in one]

    def test_a_child_names_its_parent_and_its_place_in_the_workflow(self) -> None:
        events, _ = done(walk_of(self.branching(above=5)).run())
        child = node_events(events, "n0-0-n0-n0")[0]
        assert (child.parent_node_metadata.node_id, child.retry_group, child.spec_node_id) == ("n0", "0", "n0-n0")
        assert child.input_uri == f"{BASE}/n0/data/0/n0-n0/inputs.pb"

    def test_a_sub_workflow_runs_inside_its_node(self) -> None:
        inner = chain(task_node("n0", "double", promise("x", output="x")), outputs=[promise("o0", "n0")])
        node = NodeSpec(
            id="sub",
            kind="workflow",
            workflow=WorkflowNodeSpec(sub_workflow_ref="inner"),
            input_bindings=[promise("x", output="x")],
        )
        resource = workflow(
            chain(node, outputs=[promise("o0", "sub")]), template("double"), sub_workflows={"inner": inner}
        )
        events, blobs = done(walk_of(resource).run())
        assert [line(event) for event in events][2:] == [
            "node sub QUEUED",
            "node sub-0-start-node SUCCEEDED",
            "node sub RUNNING",
            "node sub-0-n0 QUEUED",
            "task sub-0-n0#0 QUEUED",
            "node sub-0-n0 RUNNING",
            "task sub-0-n0#0 RUNNING",
            "task sub-0-n0#0 SUCCEEDED",
            "node sub-0-n0 SUCCEEDED",
            "node sub-0-end-node QUEUED",
            "node sub-0-end-node SUCCEEDED",
            "node sub SUCCEEDED",
            "node end-node QUEUED",
            "node end-node SUCCEEDED",
            "workflow SUCCEEDING",
            "workflow SUCCEEDED",
        ]
        assert all(event.is_parent for event in node_events(events, "sub"))
        assert blobs.literals(last(events).output_uri).literals["o0"] == integer(7)

    @pytest.mark.parametrize(
        ("parent", "node_id", "expected"),
        [
            (None, "n0", "n0"),
            (Lineage("u1", 2), "n1", "u1-2-n1"),
            (None, "x" * 24, "fuaa3aji"),
            (Lineage("u1111111111323131231asdadasd", 2), "n1", "fraibbty"),
        ],
    )
    def test_a_long_id_is_hashed_as_propeller_does(
        self, parent: Lineage | None, node_id: str, expected: str | None
    ) -> None:
        found = unique_id(parent, node_id)
        assert len(found) <= 20
        assert expected in {None, found}


class TestAbort:
    def stopped_at(self, resource: FlyteWorkflow, what: str) -> list[Event]:
        """The events after an execution is deleted right after this one."""
        walk = walk_of(resource)
        for step in walk.run():
            if isinstance(step, Report) and line(step.event) == what:
                break
        return done(walk.abort("Workflow aborted."))[0]

    def test_what_is_running_is_aborted_from_the_inside_out(self) -> None:
        events = self.stopped_at(one_task(), "task n0#0 RUNNING")
        assert [line(event) for event in events] == ["task n0#0 ABORTED", "node n0 ABORTED", "workflow ABORTED"]
        task, node, _ = events
        assert isinstance(task, TaskExecutionEvent)
        assert isinstance(node, NodeExecutionEvent)
        assert (task.error.code, task.error.message) == ("Task Aborted", "Workflow aborted.")
        assert (node.error.code, node.error.message) == ("NodeAborted", "Workflow aborted.")

    def test_children_are_aborted_before_their_parent(self) -> None:
        events = self.stopped_at(TestParents().branching(above=5), "task n0-0-n0-n0#0 QUEUED")
        assert [line(event) for event in events] == [
            "task n0-0-n0-n0#0 ABORTED",
            "node n0-0-n0-n0 ABORTED",
            "node n0 ABORTED",
            "workflow ABORTED",
        ]

    def test_before_anything_ran_only_the_workflow_is(self) -> None:
        assert [line(event) for event in done(walk_of(one_task()).abort("x"))[0]] == ["workflow ABORTED"]

    def test_what_has_ended_is_not_aborted(self) -> None:
        events = self.stopped_at(one_task(), "node end-node QUEUED")
        assert [line(event) for event in events] == ["node end-node ABORTED", "workflow ABORTED"]
