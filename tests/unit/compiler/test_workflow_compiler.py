"""Compiling a correct workflow: its start and end node, its edges, its sub-workflows."""

import pytest
from flyteidl.core.compiler_pb2 import CompiledWorkflow, CompiledWorkflowClosure
from flyteidl.core.interface_pb2 import Parameter, Variable
from flyteidl.core.types_pb2 import Error
from flyteidl.core.workflow_pb2 import Alias, ArrayNode, IfElseBlock, Node, WorkflowTemplate

from flyteadmin.compiler.requirements import get_requirements
from flyteadmin.compiler.workflow_compiler import compile_workflow
from tests.unit.compiler.builders import (
    INTEGER,
    NONE,
    STRING,
    bind,
    branch_node,
    case,
    launch_plan,
    launch_plan_id,
    list_of,
    promise,
    task,
    task_node,
    union,
    workflow,
    workflow_id,
    workflow_node,
)

X = promise("x")
NOTHING = task("nothing", inputs={}, outputs={})


def compiled(template: WorkflowTemplate, *sub_workflows: WorkflowTemplate) -> CompiledWorkflowClosure:
    return compile_workflow(template, sub_workflows, [task(), NOTHING], [launch_plan()])


def downstream(one: CompiledWorkflow) -> dict[str, list[str]]:
    return {node: list(following.ids) for node, following in one.connections.downstream.items()}


def upstream(one: CompiledWorkflow) -> dict[str, list[str]]:
    return {node: list(before.ids) for node, before in one.connections.upstream.items()}


def test_start_and_end_node_come_first() -> None:
    template = workflow(task_node("a", x=X), outputs={"o": INTEGER}, results=bind(o=promise("o0", "a")))

    nodes = compiled(template).primary.template.nodes

    assert [node.id for node in nodes] == ["start-node", "end-node", "a"]
    assert list(nodes[1].inputs) == list(template.outputs)


def test_a_promise_of_an_input_names_the_start_node() -> None:
    template = workflow(task_node("a", x=X), outputs={"o": INTEGER}, results=bind(o=X))

    primary = compiled(template).primary

    assert primary.template.nodes[2].inputs[0].binding.promise.node_id == "start-node"
    assert primary.template.outputs[0].binding.promise.node_id == "start-node"
    assert downstream(primary) == {"start-node": ["a", "end-node"], "a": ["end-node"]}


def test_nodes_without_edges_are_tied_between_start_and_end() -> None:
    template = workflow(task_node("b", "nothing"), task_node("a", "nothing"))
    template.nodes[0].upstream_node_ids.append("a")

    primary = compiled(template).primary

    assert downstream(primary) == {"start-node": ["a"], "a": ["b"], "b": ["end-node"]}
    assert upstream(primary) == {"a": ["start-node"], "b": ["a"], "end-node": ["b"]}


def test_explicit_upstream_nodes_are_sorted() -> None:
    template = workflow(*(task_node(name, "nothing") for name in "cab"), task_node("z", "nothing"))
    template.nodes[3].upstream_node_ids.extend("cab")

    assert list(compiled(template).primary.template.nodes[5].upstream_node_ids) == ["a", "b", "c"]


def test_the_second_node_of_an_id_is_dropped() -> None:
    template = workflow(task_node("a", x=X), task_node("a", "nothing"), task_node("start-node", "nothing"))

    nodes = compiled(template).primary.template.nodes

    assert [node.id for node in nodes] == ["start-node", "end-node", "a"]
    assert nodes[2].task_node.reference_id.name == "task"


def test_an_output_is_found_under_its_alias() -> None:
    node = task_node("a", x=X)
    node.output_aliases.append(Alias(var="o0", alias="result"))

    primary = compiled(workflow(node, task_node("b", x=promise("result", "a")))).primary

    assert downstream(primary)["a"] == ["b"]


def test_an_optional_input_may_stay_unbound() -> None:
    wants = task("wants", inputs={"maybe": union(STRING, NONE), "any": union(STRING, list_of(INTEGER))})

    closure = compile_workflow(workflow(task_node("a", "wants")), [], [wants], [])

    assert closure.tasks[0] == wants


def test_a_launch_plans_default_may_stay_unbound_or_be_bound() -> None:
    optional = Parameter(var=Variable(type=INTEGER), required=False)
    template = workflow(workflow_node("a", launch_plan_id()), workflow_node("b", launch_plan_id(), d=X))

    closure = compile_workflow(template, [], [], [launch_plan(parameters={"d": optional})])

    assert upstream(closure.primary)["b"] == ["start-node"]


def test_a_workflow_may_start_a_launch_plan_of_its_own_name() -> None:
    template = workflow(workflow_node("a", launch_plan_id("wf"), x=X))
    template.id.CopyFrom(launch_plan_id("wf"))

    closure = compile_workflow(template, [], [], [launch_plan("wf")])

    assert downstream(closure.primary) == {"start-node": ["a"], "a": ["end-node"]}


def a_branch(node_id: str = "b") -> WorkflowTemplate:
    block = IfElseBlock(case=case(task_node("then", x=X)), other=[case(task_node("elif", x=X))])
    block.else_node.CopyFrom(branch_node("inner", _nested(), x=X))
    return workflow(branch_node(node_id, block, x=X), name="sub", outputs={"o": INTEGER}, results=bind(o=X))


def _nested() -> IfElseBlock:
    return IfElseBlock(case=case(task_node("then", x=X)), error=Error(message="no"))


def test_nodes_of_a_branch_are_named_after_it_and_hang_on_the_upstream_side_only() -> None:
    primary = compiled(a_branch()).primary

    assert upstream(primary) == {
        "b": ["start-node"],
        "b-then": ["start-node"],
        "b-elif": ["start-node"],
        "b-inner": ["start-node"],
        "b-inner-then": ["start-node"],
        "end-node": ["b", "start-node"],
    }
    assert downstream(primary) == {"start-node": ["b", "end-node"], "b": ["end-node"]}


def test_a_sub_workflow_is_compiled_once_however_often_it_is_used() -> None:
    left = workflow(workflow_node("n", workflow_id("sub"), x=X), name="left")
    right = workflow(workflow_node("n", workflow_id("sub"), x=X), name="right")
    template = workflow(workflow_node("l", workflow_id("left"), x=X), workflow_node("r", workflow_id("right"), x=X))

    closure = compiled(template, left, a_branch(), right)

    assert closure.sub_workflows[1] == compiled(a_branch()).primary
    assert [sub.template.id.name for sub in closure.sub_workflows] == ["left", "sub", "right"]


def test_a_sub_workflow_that_nobody_uses_stays_as_it_is() -> None:
    unused = workflow(task_node("a", x=X), name="unused")

    closure = compiled(workflow(task_node("a", x=X)), unused)

    assert closure.sub_workflows[0] == CompiledWorkflow(template=unused)


def test_a_sub_workflow_inside_an_array_node_is_not_compiled_as_upstream() -> None:
    node = Node(id="a", array_node=ArrayNode(node=workflow_node("inner", workflow_id("sub"), x=X)), inputs=bind(x=X))
    sub_workflow = workflow(task_node("a", x=X), name="sub")

    closure = compiled(workflow(node), sub_workflow)

    assert closure.sub_workflows[0] == CompiledWorkflow(template=sub_workflow)


def test_a_task_is_kept_once() -> None:
    closure = compile_workflow(workflow(task_node("a", x=X)), [], [task(), task(), NOTHING], [])

    assert [one.template.id.name for one in closure.tasks] == ["task", "nothing"]


def test_requirements_are_sorted_and_unique() -> None:
    sub_workflow = workflow(task_node("a", "m"), workflow_node("l", launch_plan_id("b")), name="sub")
    template = workflow(
        task_node("a", "z"),
        task_node("b", "a"),
        task_node("c", "z"),
        workflow_node("s", workflow_id("sub")),
        workflow_node("t", workflow_id("sub")),
        workflow_node("l", launch_plan_id("c")),
        branch_node("d", IfElseBlock(case=case(task_node("n", "k")), else_node=task_node("n", "b"))),
    )
    template.failure_node.CopyFrom(task_node("f", "e"))

    required = get_requirements(template, [sub_workflow])

    assert [identifier.name for identifier in required.task_ids] == ["a", "b", "e", "k", "m", "z"]
    assert [identifier.name for identifier in required.launch_plan_ids] == ["b", "c"]


def test_requirements_pass_over_an_unknown_sub_workflow() -> None:
    template = workflow(workflow_node("s", workflow_id("gone")), task_node("a"))

    assert [identifier.name for identifier in get_requirements(template, []).task_ids] == ["task"]


@pytest.mark.parametrize("length", [2_000])
def test_a_long_chain_needs_no_deep_recursion(length: int) -> None:
    first = task_node("n0", x=X)
    rest = [task_node(f"n{i}", x=promise("o0", f"n{i - 1}")) for i in range(1, length)]

    primary = compiled(workflow(first, *rest)).primary

    assert len(primary.connections.downstream) == length + 1


def test_a_deep_chain_of_sub_workflows_needs_no_deep_recursion() -> None:
    depth = 1_500
    chain = [workflow(workflow_node("n", workflow_id(f"w{i + 1}"), x=X), name=f"w{i}") for i in range(depth)]
    last = workflow(task_node("a", x=X), name=f"w{depth}")

    closure = compiled(workflow(workflow_node("n", workflow_id("w0"), x=X)), *chain, last)

    assert all(sub.template.nodes[0].id == "start-node" for sub in closure.sub_workflows)
