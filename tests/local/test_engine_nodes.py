"""The kinds of nodes in the stand-in engine: branches, sub-workflows, launch plans, gates, dynamic tasks, arrays."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from flyteidl.admin.execution_pb2 import (
    Execution,
    ExecutionClosure,
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionMetadata,
    ExecutionTerminateRequest,
    ExecutionTerminateResponse,
    WorkflowExecutionGetDataResponse,
)
from flyteidl.admin.signal_pb2 import Signal, SignalGetOrCreateRequest
from flyteidl.core.dynamic_job_pb2 import DynamicJobSpec
from flyteidl.core.execution_pb2 import ExecutionError, TaskExecution, WorkflowExecution
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, Identifier, NodeExecutionIdentifier
from flyteidl.core.literals_pb2 import Literal, LiteralCollection, LiteralMap, Primitive, Scalar
from flyteidl.core.types_pb2 import LiteralType, SimpleType
from flyteidl.core.workflow_pb2 import ApproveCondition, Node, SignalCondition, SleepCondition, TaskNode
from flyteidl.event.event_pb2 import TaskExecutionEvent
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from flyteadmin.errors import Code
from flyteadmin.flyteworkflow.crd import (
    ArrayNodeSpec,
    BranchNodeSpec,
    ExecutionConfig,
    FlyteWorkflow,
    GateNodeSpec,
    IfBlock,
    NodeSpec,
    RetryStrategy,
    WorkflowNodeSpec,
)
from local.engine.bridge import Refused
from local.engine.identity import Lineage, child_execution_id, shortened, unique_id
from local.engine.nodes.elements import summary
from local.engine.tasks.command import Command, Exit
from tests.local.engine_builders import (
    EXECUTION,
    INTEGER,
    chain,
    compares_x_with,
    integer,
    promise,
    spec,
    task_node,
    template,
    workflow,
)
from tests.local.engine_effects import (
    BASE,
    Answer,
    MemoryHands,
    Program,
    aborted_at,
    hangs,
    in_turn,
    passes,
    raises,
    walked,
)

LIST_OF_INTEGERS = LiteralType(collection_type=INTEGER)


def branching(above: int) -> FlyteWorkflow:
    """n0 chooses n0-n0 if x is above this, else n0-n1."""
    cases = BranchNodeSpec(if_=IfBlock(condition=compares_x_with(above), then="n0-n0"), else_="n0-n1")
    nodes = [
        NodeSpec(id="n0", kind="branch", branch=cases, input_bindings=[promise("x", output="x")]),
        task_node("n0-n0", "double", promise("x", output="x")),
        task_node("n0-n1", "double", promise("x", output="x")),
    ]
    upstream = {"n0": ["start-node"], "n0-n0": ["start-node"], "n0-n1": ["start-node"], "end-node": ["n0"]}
    return workflow(spec(nodes, upstream, [promise("o0", "n0")]), template("double"))


def with_sub_workflow(*, clean_up: bool = False) -> FlyteWorkflow:
    """`sub` runs a workflow of one task inside itself."""
    on_failure = task_node("fn0", "clean", promise("x", output="x")) if clean_up else None
    inner = chain(task_node("n0", "double", promise("x", output="x")), outputs=[promise("o0", "n0")])
    inner = inner.model_copy(update={"on_failure": on_failure})
    node = NodeSpec(
        id="sub",
        kind="workflow",
        workflow=WorkflowNodeSpec(sub_workflow_ref="inner"),
        input_bindings=[promise("x", output="x")],
    )
    tasks = [template("double"), template("clean")]
    return workflow(chain(node, outputs=[promise("o0", "sub")]), *tasks, sub_workflows={"inner": inner})


class TestBranch:
    def test_the_case_that_holds_runs_and_gives_the_outputs(self) -> None:
        hands = walked(branching(above=5))
        assert hands.lines[2:11] == [
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
        assert hands.blobs.literals(hands.last.output_uri).literals["o0"] == integer(7)

    def test_another_branch_is_taken_otherwise(self) -> None:
        told = walked(branching(above=50)).lines
        assert "node n0-0-n0-n1 SUCCEEDED" in told
        assert not [one for one in told if "n0-0-n0-n0" in one]

    def test_a_child_names_its_parent_and_its_place_in_the_workflow(self) -> None:
        child = walked(branching(above=5)).nodes("n0-0-n0-n0")[0]
        assert (child.parent_node_metadata.node_id, child.retry_group, child.spec_node_id) == ("n0", "0", "n0-n0")
        assert child.input_uri == f"{BASE}/n0/data/0/n0-n0/inputs.pb"

    def test_a_failing_case_fails_the_branch(self) -> None:
        hands = walked(branching(above=5), {"double": raises("no prices")})
        assert hands.lines[-4:] == ["node n0-0-n0-n0 FAILED", "node n0 FAILED", "workflow FAILING", "workflow FAILED"]
        assert hands.last.error.message == "no prices"

    def test_children_are_aborted_before_their_parent(self) -> None:
        assert aborted_at("task n0-0-n0-n0#0 RUNNING", branching(above=5), {"double": hangs}).lines == [
            "task n0-0-n0-n0#0 ABORTED",
            "node n0-0-n0-n0 ABORTED",
            "node n0 ABORTED",
            "workflow ABORTED",
        ]


class TestSubWorkflow:
    def test_it_runs_inside_its_node(self) -> None:
        hands = walked(with_sub_workflow())
        assert hands.lines[2:] == [
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
        assert all(event.is_parent for event in hands.nodes("sub"))
        assert hands.blobs.literals(hands.last.output_uri).literals["o0"] == integer(7)

    def test_its_failure_is_its_nodes(self) -> None:
        hands = walked(with_sub_workflow(), {"double": raises("no prices")})
        assert hands.lines[-4:] == ["node sub-0-n0 FAILED", "node sub FAILED", "workflow FAILING", "workflow FAILED"]

    def test_its_own_failure_node_runs_before(self) -> None:
        told = walked(with_sub_workflow(clean_up=True), {"double": raises("no prices")}).lines
        assert told[-4:] == ["node sub-0-fn0 SUCCEEDED", "node sub FAILED", "workflow FAILING", "workflow FAILED"]

    @pytest.mark.parametrize(
        ("parent", "node_id", "expected"),
        [
            (None, "n0", "n0"),
            (Lineage("u1", 2), "n1", "u1-2-n1"),
            (None, "x" * 24, "fuaa3aji"),
            (Lineage("u1111111111323131231asdadasd", 2), "n1", "fraibbty"),
        ],
    )
    def test_a_long_id_is_hashed_as_propeller_does(self, parent: Lineage | None, node_id: str, expected: str) -> None:
        assert unique_id(parent, node_id) == expected


def with_launch_plan(**changes: object) -> FlyteWorkflow:
    """`lp` starts the launch plan `other`."""
    identifier = Identifier(resource_type=LAUNCH_PLAN, project="p", domain="d", name="other", version="v1")
    node = NodeSpec(
        id="lp",
        kind="workflow",
        workflow=WorkflowNodeSpec(launch_plan_ref_id=identifier),
        input_bindings=[promise("x", output="x")],
    )
    return workflow(chain(node, outputs=[promise("o0", "lp")])).model_copy(update=changes)


CHILD = child_execution_id(NodeExecutionIdentifier(node_id="lp", execution_id=EXECUTION), 0)


class Admin:
    """Answers as FlyteAdmin does about one child execution; a code is refused with."""

    def __init__(self, *phases: WorkflowExecution.Phase, create: Code | None = None) -> None:
        self.phases = list(phases)
        self.create = create
        self.error = ExecutionError(code="USER:ValueError", message="no prices")

    def __call__(self, rpc: str, request: Message) -> Message:
        match rpc:
            case "CreateExecution" if self.create:
                raise Refused(self.create, "no")
            case "CreateExecution":
                return ExecutionCreateResponse(id=CHILD)
            case "GetExecution":
                phase = self.phases.pop(0) if len(self.phases) > 1 else self.phases[0]
                closure = ExecutionClosure(phase=phase)
                if phase == WorkflowExecution.FAILED:
                    closure.error.CopyFrom(self.error)
                return Execution(id=CHILD, closure=closure)
            case "GetExecutionData":
                return WorkflowExecutionGetDataResponse(full_outputs=LiteralMap(literals={"o0": integer(9)}))
            case "TerminateExecution":
                return ExecutionTerminateResponse()
        raise AssertionError(rpc)


class TestLaunchPlan:
    def test_it_is_started_watched_and_gives_the_nodes_outputs(self) -> None:
        hands = walked(with_launch_plan(), answer=Admin(WorkflowExecution.RUNNING, WorkflowExecution.SUCCEEDED))
        assert hands.lines[2:5] == ["node lp QUEUED", "node lp RUNNING", "node lp SUCCEEDED"]
        assert [rpc for rpc, _ in hands.calls] == [
            "CreateExecution",
            "GetExecution",
            "GetExecution",
            "GetExecutionData",
        ]
        assert hands.blobs.literals(hands.last.output_uri).literals["o0"] == integer(9)
        for event in hands.nodes("lp")[1:]:
            assert event.workflow_node_metadata.execution_id == CHILD
            assert event.target_entity.name == "other"

    def test_the_request_says_whose_child_it_is(self) -> None:
        labels = {"team": "prices", "shard-key": "3"}
        resource = with_launch_plan(
            execution_config=ExecutionConfig(max_parallelism=5, environment_variables={"A": "b"})
        )
        resource = resource.model_copy(update={"metadata": resource.metadata.model_copy(update={"labels": labels})})
        hands = walked(resource, answer=Admin(WorkflowExecution.SUCCEEDED))
        request = hands.calls[0][1]
        assert isinstance(request, ExecutionCreateRequest)
        assert (request.project, request.domain, request.name) == (CHILD.project, CHILD.domain, CHILD.name)
        assert request.inputs.literals["x"] == integer(7)
        spec = request.spec
        assert (spec.launch_plan.name, spec.max_parallelism) == ("other", 5)
        assert spec.metadata.mode == ExecutionMetadata.CHILD_WORKFLOW
        assert spec.metadata.parent_node_execution.node_id == "lp"
        assert dict(spec.labels.values) == {"team": "prices"}
        assert [(pair.key, pair.value) for pair in spec.envs.values] == [("A", "b")]

    def test_its_name_is_propellers(self) -> None:
        assert CHILD.name == "run-lp-0"
        assert shortened("x-y-z-m-n-y-z-m-n-y-z-m-n", 15, 64) == "fwp4bky2kucex5"

    def test_one_that_is_there_already_is_its_own(self) -> None:
        hands = walked(with_launch_plan(), answer=Admin(WorkflowExecution.SUCCEEDED, create=Code.ALREADY_EXISTS))
        assert hands.lines[-1] == "workflow SUCCEEDED"

    def test_one_that_is_refused_fails_the_node(self) -> None:
        hands = walked(with_launch_plan(), answer=Admin(create=Code.NOT_FOUND))
        assert hands.lines[2:4] == ["node lp QUEUED", "node lp FAILED"]
        assert (hands.last.error.kind, "NOT_FOUND: no" in hands.last.error.message) == (ExecutionError.USER, True)

    @pytest.mark.parametrize(
        ("phase", "message"),
        [(WorkflowExecution.FAILED, "no prices"), (WorkflowExecution.ABORTED, "launchplan [run-lp-0] aborted")],
    )
    def test_one_that_does_not_succeed_fails_the_node(self, phase: WorkflowExecution.Phase, message: str) -> None:
        hands = walked(with_launch_plan(), answer=Admin(phase))
        assert message in hands.last.error.message
        assert hands.nodes("lp")[-1].workflow_node_metadata.execution_id == CHILD

    def test_it_is_terminated_with_its_parent(self) -> None:
        hands = aborted_at("node lp RUNNING", with_launch_plan(), answer=Admin(WorkflowExecution.RUNNING))
        rpc, request = hands.calls[-1]
        assert rpc == "TerminateExecution"
        assert isinstance(request, ExecutionTerminateRequest)
        assert (request.id, "[Workflow aborted.]" in request.cause) == (CHILD, True)
        assert hands.lines == ["node lp ABORTED", "workflow ABORTED"]


def with_gate(condition: GateNodeSpec) -> FlyteWorkflow:
    node = NodeSpec(id="g", kind="gate", gate=condition, input_bindings=[promise("x", output="x")])
    return workflow(chain(node, outputs=[promise("o0", "g", "x")]))


def signals(*values: Literal | None) -> Answer:
    left = list(values)

    def answer(rpc: str, request: Message) -> Message:
        assert rpc == "GetOrCreateSignal"
        assert isinstance(request, SignalGetOrCreateRequest)
        assert request.id.execution_id == EXECUTION
        value = left.pop(0) if len(left) > 1 else left[0]
        return Signal(id=request.id, type=request.type, value=value)

    return answer


def boolean(value: bool) -> Literal:
    return Literal(scalar=Scalar(primitive=Primitive(boolean=value)))


SLEEP = GateNodeSpec(kind="sleep", sleep=SleepCondition(duration=Duration(seconds=5)))
APPROVE = GateNodeSpec(kind="approve", approve=ApproveCondition(signal_id="ok"))
SIGNAL = GateNodeSpec(kind="signal", signal=SignalCondition(signal_id="how", type=INTEGER, output_variable_name="x"))


class TestGate:
    def test_sleep_takes_its_time_and_gives_nothing(self) -> None:
        graph = with_gate(SLEEP)
        assert graph.spec is not None
        graph = workflow(chain(graph.spec.nodes["g"]))
        assert walked(graph).lines[2:5] == ["node g QUEUED", "node g RUNNING", "node g SUCCEEDED"]

    def test_approval_passes_the_inputs_on(self) -> None:
        hands = walked(with_gate(APPROVE), answer=signals(None, None, boolean(True)))
        assert hands.lines[2:5] == ["node g QUEUED", "node g RUNNING", "node g SUCCEEDED"]
        assert hands.blobs.literals(hands.last.output_uri).literals["o0"] == integer(7)
        [first, *_] = [request for _, request in hands.calls]
        assert isinstance(first, SignalGetOrCreateRequest)
        assert first.type.simple == SimpleType.BOOLEAN

    def test_a_no_fails_the_node(self) -> None:
        hands = walked(with_gate(APPROVE), answer=signals(boolean(False)))
        assert hands.last.error.code == "ReceivedRejectSignal"

    def test_a_signal_gives_its_value(self) -> None:
        hands = walked(with_gate(SIGNAL), answer=signals(integer(4)))
        assert hands.lines[2:4] == ["node g QUEUED", "node g SUCCEEDED"]
        assert hands.blobs.literals(hands.last.output_uri).literals["o0"] == integer(4)

    def test_a_gate_without_a_condition_is_no_gate(self) -> None:
        assert walked(with_gate(GateNodeSpec(kind=""))).last.error.code == "BadSpecificationError"


def makes(*nodes: Node, task: str = "double") -> Program:
    """Leave a futures.pb with these nodes, and the first one's output as the result."""

    async def program(hands: MemoryHands, command: Command) -> Exit:
        futures = DynamicJobSpec(
            min_successes=len(nodes), nodes=nodes, tasks=[template(task)], outputs=[promise("o0", nodes[0].id)]
        )
        hands.blobs.write(futures.SerializeToString(), f"{command.arguments[2]}/futures.pb")
        return Exit(0)

    return program


def calls(node_id: str, value: int, task: str = "double") -> Node:
    binding = promise("x")
    binding.binding.Clear()
    binding.binding.scalar.CopyFrom(integer(value).scalar)
    return Node(id=node_id, task_node=TaskNode(reference_id=template(task).id), inputs=[binding])


class TestDynamic:
    def dynamic(self, programs: Mapping[str, Program] | None = None) -> MemoryHands:
        node = task_node("n0", "make", promise("x", output="x"))
        resource = workflow(chain(node, outputs=[promise("o0", "n0")]), template("make"))
        return walked(resource, {"make": makes(calls("dn0", 3), calls("dn1", 4)), **(programs or {})})

    def test_what_the_task_made_runs_inside_its_node(self) -> None:
        hands = self.dynamic()
        told = [one for one in hands.lines if not one.startswith("workflow")]
        assert told[:8] == [
            "node start-node SUCCEEDED",
            "node n0 QUEUED",
            "task n0#0 QUEUED",
            "node n0 RUNNING",
            "task n0#0 RUNNING",
            "task n0#0 SUCCEEDED",
            "node n0 DYNAMIC_RUNNING",
            "node n0-0-start-node SUCCEEDED",
        ]
        assert "node n0-0-dn0 SUCCEEDED" in told
        assert "node n0-0-dn1 SUCCEEDED" in told
        assert hands.lines[-1] == "workflow SUCCEEDED"
        assert hands.blobs.literals(hands.last.output_uri).literals["o0"] == integer(3)

    def test_its_event_brings_the_compiled_workflow(self) -> None:
        hands = self.dynamic()
        *_, running, succeeded = hands.nodes("n0")
        made = running.task_node_metadata.dynamic_workflow
        assert (running.is_dynamic, running.is_parent, succeeded.is_dynamic) == (True, True, True)
        assert made.dynamic_job_spec_uri == f"{BASE}/n0/data/0/futures.pb"
        assert {node.id for node in made.compiled_workflow.primary.template.nodes} == {
            "start-node",
            "end-node",
            "dn0",
            "dn1",
        }
        assert succeeded.output_uri == f"{BASE}/n0/data/0/outputs.pb"
        child = hands.nodes("n0-0-dn0")[0]
        assert (child.is_in_dynamic_chain, child.parent_node_metadata.node_id) == (True, "n0")
        assert child.input_uri == f"{BASE}/n0/data/0/dn0/inputs.pb"

    def test_a_failing_child_fails_the_node(self) -> None:
        hands = self.dynamic({"double": raises("no prices")})
        assert hands.lines[-3:] == ["node n0 FAILED", "workflow FAILING", "workflow FAILED"]
        assert hands.last.error.message == "no prices"

    def test_what_does_not_compile_fails_the_node(self) -> None:
        hands = self.dynamic({"make": makes(calls("dn0", 3, "unknown"))})
        assert hands.lines[-3:] == ["node n0 FAILED", "workflow FAILING", "workflow FAILED"]
        assert hands.last.error.code == "DynamicWorkflowBuildFailed"
        assert "TaskReferenceNotFound" in hands.last.error.message


def mapped(
    values: Sequence[int],
    *,
    bound: Sequence[str] = (),
    attempts: int = 0,
    parallelism: int | None = None,
    min_success_ratio: float | None = None,
) -> FlyteWorkflow:
    """n0 runs `double` for each of these values."""
    sub_node = NodeSpec(id="n0", kind="task", task="double")
    if attempts:
        sub_node = sub_node.model_copy(update={"retry": RetryStrategy(min_attempts=attempts)})
    array = ArrayNodeSpec(
        sub_node_spec=sub_node,
        parallelism=parallelism,
        min_success_ratio=min_success_ratio,
        bound_inputs=list(bound) or None,
    )
    node = NodeSpec(id="n0", name="map", kind="array", array=array, input_bindings=[promise("x", output="x")])
    inputs = LiteralMap(literals={"x": listed(*map(integer, values))})
    return workflow(chain(node, outputs=[promise("o0", "n0")]), template("double"), inputs=inputs)


def listed(*literals: Literal) -> Literal:
    return Literal(collection=LiteralCollection(literals=literals))


async def picks(hands: MemoryHands, command: Command) -> Exit:
    """Pick an element of the list by the index in the environment, as flytekit's map command does."""
    index = int(command.environment[command.environment["BATCH_JOB_ARRAY_INDEX_VAR_NAME"]])
    values = hands.blobs.literals(command.arguments[1]).literals["x"].collection.literals
    outputs = LiteralMap(literals={"o0": values[index]})
    hands.blobs.write(outputs.SerializeToString(), f"{command.arguments[2]}/outputs.pb")
    return Exit(0)


def failing_at(*indexes: int) -> Program:
    async def program(hands: MemoryHands, command: Command) -> Exit:
        if int(command.environment["FLYTE_K8S_ARRAY_INDEX"]) in indexes:
            return await raises("no prices")(hands, command)
        return await picks(hands, command)

    return program


def phases(event: TaskExecutionEvent) -> list[str]:
    """Each element that an event tells of: "0#0 RUNNING"."""
    return [
        f"{each.index}#{each.retry_attempt} {TaskExecution.Phase.Name(each.phase)}"
        for each in event.metadata.external_resources
    ]


class TestArray:
    def test_each_element_runs_and_their_outputs_are_collected(self) -> None:
        hands = walked(mapped([3, 4, 5]), {"double": picks})
        assert hands.blobs.literals(hands.last.output_uri).literals["o0"] == listed(*map(integer, (3, 4, 5)))
        assert sorted(command.arguments[2] for command in hands.commands) == [
            f"{BASE}/n0/data/0/{index}/0" for index in range(3)
        ]
        assert {command.arguments[1] for command in hands.commands} == {f"{BASE}/n0/data/inputs.pb"}

    def test_it_is_told_as_one_task_with_its_elements(self) -> None:
        hands = walked(mapped([3, 4]), {"double": picks})
        assert [one for one in hands.lines if one.startswith("node n0")] == [
            "node n0 QUEUED",
            "node n0 RUNNING",
            "node n0 SUCCEEDED",
        ]
        assert all(event.is_array for event in hands.nodes("n0"))
        first, *between, last = hands.tasks
        assert (TaskExecution.QUEUED, first.phase_version) == (first.phase, 0)
        assert phases(first) == ["0#0 UNDEFINED", "1#0 UNDEFINED"]
        assert {event.phase for event in between} == {TaskExecution.RUNNING}
        assert [event.phase_version for event in between] == list(range(1, len(between) + 1))
        assert sorted(one for event in between for one in phases(event)) == sorted(
            f"{index}#0 {phase}" for index in range(2) for phase in ("QUEUED", "RUNNING", "SUCCEEDED")
        )
        assert (last.phase, last.output_uri) == (TaskExecution.SUCCEEDED, f"{BASE}/n0/data/0/outputs.pb")
        assert phases(last) == ["0#0 SUCCEEDED", "1#0 SUCCEEDED"]
        resource = last.metadata.external_resources[1]
        assert (resource.external_id, resource.logs[0].name) == ("run-n0-0-n1-0", "Log-1")
        assert last.metadata.plugin_identifier == "k8s-array"

    def test_a_failed_element_fails_it_and_the_others_are_aborted(self) -> None:
        async def one_hangs(hands: MemoryHands, command: Command) -> Exit:
            slow = command.environment["FLYTE_K8S_ARRAY_INDEX"] == "1"
            return await (hangs if slow else failing_at(0))(hands, command)

        hands = walked(mapped([3, 4]), {"double": one_hangs})
        assert hands.lines[-4:] == ["task n0#0 FAILED", "node n0 FAILED", "workflow FAILING", "workflow FAILED"]
        assert phases(hands.tasks[-1]) == ["0#0 FAILED", "1#0 ABORTED"]
        assert hands.last.error.message == "[0]: no prices\n"

    def test_some_may_fail_where_it_says_so(self) -> None:
        hands = walked(mapped([3, 4, 5], min_success_ratio=0.5), {"double": failing_at(1)})
        given = hands.blobs.literals(hands.last.output_uri).literals["o0"].collection.literals
        assert [each.scalar.WhichOneof("value") for each in given] == ["primitive", "none_type", "primitive"]

    def test_an_element_is_tried_again_by_itself(self) -> None:
        hands = walked(mapped([3], attempts=2), {"double": in_turn(raises("busy", recoverable=True), picks)})
        assert phases(hands.tasks[-1]) == ["0#1 SUCCEEDED"]
        assert hands.commands[1].arguments[2] == f"{BASE}/n0/data/0/0/1"

    def test_no_more_at_once_than_it_may(self) -> None:
        running = most = 0

        async def counts(hands: MemoryHands, command: Command) -> Exit:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001)
            running -= 1
            return await picks(hands, command)

        walked(mapped(range(6), parallelism=2), {"double": counts})
        assert most == 2

    def test_a_bound_list_goes_whole_to_each(self) -> None:
        hands = walked(mapped([3, 4], bound=["x"]), {"double": passes})
        assert len(hands.commands) == 1
        assert hands.blobs.literals(hands.last.output_uri).literals["o0"] == listed(listed(integer(3), integer(4)))

    def test_inputs_without_a_list_are_no_array(self) -> None:
        resource = mapped([]).model_copy(update={"inputs": LiteralMap(literals={"x": integer(1)})})
        assert walked(resource).last.error.code == "InvalidArrayLength"

    def test_an_empty_list_gives_an_empty_list(self) -> None:
        hands = walked(mapped([]))
        assert hands.blobs.literals(hands.last.output_uri).literals["o0"] == listed()

    def test_it_is_aborted_with_its_elements(self) -> None:
        hands = aborted_at("node n0 RUNNING", mapped([3, 4]), {"double": hangs})
        assert [one for one in hands.lines if "ABORTED" in one] == [
            "task n0#0 ABORTED",
            "node n0 ABORTED",
            "workflow ABORTED",
        ]

    def test_an_error_of_many_is_told_once(self) -> None:
        messages = {0: "a", 1: "a", 2: "a", 4: "a", 3: "b"}
        assert summary(messages) == "[0-2][4]: a\n[3]: b\n"
