"""The stand-in engine sends what propeller would, in propeller's order."""

import asyncio

import pytest
from flyteidl.core.execution_pb2 import ExecutionError
from flyteidl.core.types_pb2 import Error

from flyteadmin.events.validation import validate
from flyteadmin.flyteworkflow.crd import ExecutionConfig, FlyteWorkflow
from flyteadmin.timestamps import to_nanoseconds
from local.engine.retries import seconds_of
from local.engine.tasks.command import Command, Exit
from local.engine.walk import FAIL_LATE
from tests.local.engine_builders import (
    chain,
    echoing,
    integer,
    one_task,
    promise,
    spec,
    task_node,
    template,
    workflow,
)
from tests.local.engine_effects import (
    BASE,
    BEGIN,
    MemoryHands,
    aborted_at,
    exits,
    hangs,
    in_turn,
    passes,
    raises,
    walked,
)


def side_by_side(*names: str, policy: str | None = None) -> FlyteWorkflow:
    """Tasks that need nothing of each other, each as a node of its name."""
    nodes = [task_node(name, name, promise("x", output="x")) for name in names]
    upstream = {name: ["start-node"] for name in names} | {"end-node": list(names)}
    return workflow(spec(nodes, upstream, on_failure_policy=policy), *map(template, names))


class TestSuccess:
    def test_the_events_come_in_propellers_order(self) -> None:
        assert walked(one_task()).lines == [
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

    def test_an_echo_task_runs_without_a_process(self) -> None:
        hands = walked(echoing())
        assert hands.lines == walked(one_task()).lines
        assert hands.commands == []
        assert hands.blobs.literals(hands.last.output_uri).literals["o0"] == integer(7)

    def test_our_own_admission_takes_every_event(self) -> None:
        assert {validate(event).name for event in walked(one_task()).events} == {"run"}

    def test_values_travel_from_the_inputs_to_the_outputs(self) -> None:
        hands = walked(one_task())
        blobs = hands.blobs
        assert blobs.literals(f"{BASE}/start-node/data/0/outputs.pb").literals["x"] == integer(7)
        assert blobs.literals(f"{BASE}/n0/data/inputs.pb").literals["x"] == integer(7)
        assert blobs.literals(f"{BASE}/n0/data/0/outputs.pb").literals["o0"] == integer(7)
        assert blobs.literals(hands.last.output_uri).literals["o0"] == integer(7)
        assert hands.last.output_uri == f"{BASE}/end-node/data/0/outputs.pb"

    def test_a_node_event_says_who_where_and_what(self) -> None:
        hands = walked(one_task())
        queued, running, succeeded = hands.nodes("n0")
        for event in (queued, running, succeeded):
            assert (event.spec_node_id, event.node_name, event.producer_id) == ("n0", "double", "propeller")
            assert event.event_version == 1
            assert event.input_uri == f"{BASE}/n0/data/inputs.pb"
            assert event.target_entity.name == "double"
            assert not event.is_parent
            assert not event.retry_group
        assert (queued.output_uri, running.output_uri) == ("", "")
        assert hands.blobs.exists(succeeded.output_uri)
        checkpoint = succeeded.task_node_metadata.checkpoint_uri
        assert checkpoint == "s3://bucket/raw/run-n0-0/_flytecheckpoints"

    def test_the_start_node_has_outputs_only(self) -> None:
        (start,) = walked(one_task()).nodes("start-node")
        assert start.WhichOneof("input_value") is None
        assert start.output_uri == f"{BASE}/start-node/data/0/outputs.pb"

    def test_a_task_event_says_who_where_and_what(self) -> None:
        queued, running, succeeded = walked(one_task()).tasks
        for event in (queued, running, succeeded):
            assert (event.task_type, event.event_version, event.retry_attempt) == ("python-task", 1, 0)
            assert event.metadata.generated_name == "run-n0-0"
            assert event.HasField("reported_at")
        assert queued.reasons[0].reason == queued.reason
        assert running.logs[0].uri == "http://logs/flytesnacks/development/run/n0-0.txt"
        assert succeeded.logs == running.logs
        assert succeeded.output_uri == f"{BASE}/n0/data/0/outputs.pb"

    def test_times_are_told_to_the_nanosecond_and_never_go_back(self) -> None:
        events = walked(one_task()).events
        times = [to_nanoseconds(event.occurred_at) for event in events]
        assert times == list(range(BEGIN, BEGIN + len(events)))

    def test_nodes_run_after_what_they_depend_on(self) -> None:
        nodes = [
            task_node("n2", "double", promise("x", "n1")),
            task_node("n1", "double", promise("x", "n0")),
            task_node("n0", "double", promise("x", output="x")),
        ]
        upstream = {"n0": ["start-node"], "n1": ["n0"], "n2": ["n1", "n0"], "end-node": ["n2"]}
        told = walked(workflow(spec(nodes, upstream), template("double"))).lines
        assert [one for one in told if one.startswith("node n") and not one.endswith("RUNNING")] == [
            "node n0 QUEUED",
            "node n0 SUCCEEDED",
            "node n1 QUEUED",
            "node n1 SUCCEEDED",
            "node n2 QUEUED",
            "node n2 SUCCEEDED",
        ]

    def test_nodes_that_never_can_run_are_no_workflow(self) -> None:
        nodes = [task_node("a", "double"), task_node("b", "double")]
        graph = spec(nodes, {"a": ["b"], "b": ["a"], "end-node": ["b"]})
        with pytest.raises(ValueError, match=r"the nodes \['a', 'b', 'end-node'\] wait for one another"):
            walked(workflow(graph, template("double")))

    def test_a_deck_is_named_if_there_is_one(self) -> None:
        async def decorates(hands: MemoryHands, command: Command) -> Exit:
            hands.blobs.write(b"<p>", f"{command.arguments[2]}/deck.html")
            return await passes(hands, command)

        assert walked(one_task(), {"double": decorates}).nodes("n0")[-1].deck_uri == f"{BASE}/n0/data/0/deck.html"
        assert walked(one_task()).nodes("n0")[-1].deck_uri == ""


class TestSideBySide:
    def test_nodes_that_need_nothing_of_each_other_run_at_once(self) -> None:
        both = asyncio.Barrier(2)

        async def meets(hands: MemoryHands, command: Command) -> Exit:
            await both.wait()
            return await passes(hands, command)

        told = walked(side_by_side("a", "b"), {"a": meets, "b": meets}).lines
        assert told[-1] == "workflow SUCCEEDED"
        assert told.index("task b#0 RUNNING") < told.index("task a#0 SUCCEEDED")

    def test_no_more_at_once_than_the_execution_may(self) -> None:
        running = most = 0

        async def counts(hands: MemoryHands, command: Command) -> Exit:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001)
            running -= 1
            return await passes(hands, command)

        names = ("a", "b", "c", "d")
        resource = side_by_side(*names).model_copy(update={"execution_config": ExecutionConfig(max_parallelism=2)})
        assert walked(resource, dict.fromkeys(names, counts)).lines[-1] == "workflow SUCCEEDED"
        assert most == 2


class TestFailure:
    def test_a_task_that_raises_fails_its_workflow(self) -> None:
        assert walked(one_task(), {"double": raises("no prices")}).lines[4:] == [
            "node n0 RUNNING",
            "task n0#0 RUNNING",
            "task n0#0 FAILED",
            "node n0 FAILED",
            "workflow FAILING",
            "workflow FAILED",
        ]

    def test_the_error_is_the_users_and_says_why(self) -> None:
        hands = walked(one_task(), {"double": raises("no prices")})
        error = hands.tasks[-1].error
        assert (error.kind, error.code, error.message) == (ExecutionError.USER, "USER:ValueError", "no prices")
        assert hands.nodes("n0")[-1].error == error
        assert hands.last.error == error

    def test_an_error_that_may_pass_is_tried_as_often_as_the_node_says(self) -> None:
        hands = walked(one_task(attempts=3), {"double": raises("busy", recoverable=True)})
        assert [one for one in hands.lines if "n0" in one] == [
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
        error = hands.nodes("n0")[-1].error
        assert error.code == "RetriesExhausted|USER:ValueError"
        assert error.message == "[3/3] currentAttempt done. Last Error: USER::busy"

    def test_a_later_attempt_may_succeed_where_an_earlier_one_left_off(self) -> None:
        hands = walked(one_task(attempts=2), {"double": in_turn(raises("busy", recoverable=True), passes)})
        assert hands.last.output_uri
        assert hands.nodes("n0")[-1].output_uri == f"{BASE}/n0/data/1/outputs.pb"
        assert [command.environment["FLYTE_ATTEMPT_NUMBER"] for command in hands.commands] == ["0", "1"]

    def test_an_error_that_does_not_pass_is_not_tried_again(self) -> None:
        told = walked(one_task(attempts=3), {"double": raises("no prices")}).lines
        assert "task n0#1 QUEUED" not in told

    def test_the_systems_own_faults_are_tried_again_three_times(self) -> None:
        hands = walked(one_task(), {"double": exits(-9)})
        assert [event.retry_attempt for event in hands.tasks if event.error.code] == [0, 1, 2, 3]
        assert hands.last.error.code == "RetriesExhausted|Interrupted"

    def test_a_program_that_breaks_off_is_told_with_its_last_words(self) -> None:
        hands = walked(one_task(), {"double": exits(3, "no such table")})
        assert hands.tasks[-1].error.code == "Error"
        assert "exit code (3)" in hands.tasks[-1].error.message
        assert "no such table" in hands.last.error.message

    def test_a_program_that_leaves_nothing_has_failed(self) -> None:
        hands = walked(one_task(), {"double": exits(0)})
        assert hands.tasks[-1].error.code == "OutputsNotFound"

    def test_a_task_without_a_command_says_so(self) -> None:
        resource = one_task()
        assert resource.tasks is not None
        resource.tasks["double"].ClearField("container")
        assert "has no container command" in walked(resource).last.error.message

    def test_a_promise_that_nobody_keeps_fails_the_node(self) -> None:
        node = task_node("n0", "double", promise("x", output="missing"))
        hands = walked(workflow(chain(node), template("double")))
        assert hands.lines[2:] == ["node n0 FAILED", "workflow FAILING", "workflow FAILED"]
        assert hands.last.error.code == "BindingResolutionFailure"

    def test_what_still_runs_beside_a_failed_node_is_aborted(self) -> None:
        hands = walked(side_by_side("bad", "slow"), {"bad": raises("no prices"), "slow": hangs})
        assert hands.lines[-5:] == [
            "node bad FAILED",
            "workflow FAILING",
            "task slow#0 ABORTED",
            "node slow ABORTED",
            "workflow FAILED",
        ]
        assert hands.nodes("slow")[-1].error.message == "Some node execution failed, auto-abort."

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
        hands = walked(workflow(graph, template("double"), template("fails")), {"fails": raises("no prices")})
        assert "node good SUCCEEDED" in hands.lines
        assert hands.lines[-4:] == [
            "node after SKIPPED",
            "node end-node SKIPPED",
            "workflow FAILING",
            "workflow FAILED",
        ]

    def test_a_failure_node_runs_and_knows_the_error(self) -> None:
        cleaner = task_node("fn0", "clean", promise("err", output="x"))
        graph = chain(task_node("n0", "fails", promise("x", output="x")), on_failure=cleaner)
        resource = workflow(graph, template("fails"), template("clean", outputs={}))
        hands = walked(resource, {"fails": raises("no prices")})
        assert hands.lines[-9:] == [
            "workflow FAILING",
            "workflow FAILING",
            "node fn0 QUEUED",
            "task fn0#0 QUEUED",
            "node fn0 RUNNING",
            "task fn0#0 RUNNING",
            "task fn0#0 SUCCEEDED",
            "node fn0 SUCCEEDED",
            "workflow FAILED",
        ]
        given = hands.blobs.literals(f"{BASE}/fn0/data/inputs.pb").literals["err"].scalar.union.value.scalar.error
        assert isinstance(given, Error)
        assert given.message == "no prices"


class TestDeadlines:
    def hurried(self, **deadlines: str) -> FlyteWorkflow:
        node = task_node("n0", "double", promise("x", output="x"), attempts=2).model_copy(update=deadlines)
        return workflow(chain(node, outputs=[promise("o0", "n0")]), template("double"))

    def test_an_attempt_that_takes_too_long_is_aborted_and_tried_again(self) -> None:
        hands = walked(self.hurried(execution_deadline="0.02s"), {"double": in_turn(hangs, passes)})
        assert [one for one in hands.lines if one.startswith("task")] == [
            "task n0#0 QUEUED",
            "task n0#0 RUNNING",
            "task n0#0 ABORTED",
            "task n0#1 QUEUED",
            "task n0#1 RUNNING",
            "task n0#1 SUCCEEDED",
        ]

    def test_the_last_one_fails_the_node(self) -> None:
        hands = walked(self.hurried(execution_deadline="0.01s"), {"double": hangs})
        assert hands.last.error.code == "RetriesExhausted|TimeoutExpired"
        assert "task execution timeout [0.01s] expired" in hands.last.error.message

    def test_a_node_that_takes_too_long_in_all_is_timed_out(self) -> None:
        hands = walked(self.hurried(active_deadline="0.02s"), {"double": hangs})
        assert hands.lines[-4:] == ["task n0#0 ABORTED", "node n0 TIMED_OUT", "workflow FAILING", "workflow FAILED"]
        assert (hands.last.error.code, hands.last.error.message) == ("Timeout", "Timeout in node")

    @pytest.mark.parametrize(
        ("duration", "seconds"),
        [(None, None), ("", None), ("0s", None), ("1h2m0.5s", 3720.5), ("250ms", 0.25), ("1.5s", 1.5), ("10µs", 1e-5)],
    )
    def test_a_deadline_is_a_go_duration(self, duration: str | None, seconds: float | None) -> None:
        assert seconds_of(duration) == (None if seconds is None else pytest.approx(seconds))


class TestAbort:
    def test_what_is_running_is_aborted_from_the_inside_out(self) -> None:
        hands = aborted_at("task n0#0 RUNNING", one_task(), {"double": hangs})
        assert hands.lines == ["task n0#0 ABORTED", "node n0 ABORTED", "workflow ABORTED"]
        [task], [node] = hands.tasks, hands.nodes("n0")
        assert not task.HasField("error")  # as a real propeller was seen to do
        assert (node.error.code, node.error.message) == ("NodeAborted", "Workflow aborted.")

    def test_before_anything_ran_only_the_workflow_is(self) -> None:
        assert aborted_at("workflow RUNNING", one_task()).lines == ["workflow ABORTED"]

    def test_what_has_ended_is_not_aborted(self) -> None:
        nodes = [task_node("n0", "double", promise("x", output="x")), task_node("n1", "slow", promise("x", "n0"))]
        resource = workflow(chain(*nodes), template("double"), template("slow"))
        hands = aborted_at("task n1#0 RUNNING", resource, {"slow": hangs})
        assert hands.lines == ["task n1#0 ABORTED", "node n1 ABORTED", "workflow ABORTED"]

    def test_all_that_runs_side_by_side_is_aborted(self) -> None:
        hands = aborted_at("task b#0 RUNNING", side_by_side("a", "b"), {"a": hangs, "b": hangs})
        assert sorted(hands.lines[:-1]) == ["node a ABORTED", "node b ABORTED", "task a#0 ABORTED", "task b#0 ABORTED"]
        assert hands.lines[-1] == "workflow ABORTED"
