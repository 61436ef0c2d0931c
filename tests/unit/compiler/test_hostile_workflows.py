"""Any specification ends in a closure and a resource, or in errors that say what is wrong."""

import json
from random import Random

import pytest
from flyteidl.admin.launch_plan_pb2 import LaunchPlan
from flyteidl.core.compiler_pb2 import CompiledTask
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import Binding, Literal, LiteralMap
from flyteidl.core.workflow_pb2 import IfElseBlock, Node, WorkflowTemplate
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from flyteadmin.compiler.admin import launch_plan_interface
from flyteadmin.compiler.errors import CompileErrors
from flyteadmin.compiler.requirements import get_requirements
from flyteadmin.compiler.task_compiler import compile_task
from flyteadmin.compiler.workflow_compiler import compile_workflow
from flyteadmin.errors import InvalidArgument
from flyteadmin.flyteworkflow.builder import build_flyteworkflow
from flyteadmin.flyteworkflow.crd import FlyteWorkflow
from tests.unit.compiler.builders import (
    branch_node,
    case,
    interface,
    launch_plan_id,
    promise,
    task,
    task_node,
    workflow,
    workflow_id,
    workflow_node,
)
from tests.unit.compiler.mutations import Corpus, mutate
from tests.unit.compiler.wrong_workflows import GENERAL, WRONG

EXECUTION = WorkflowExecutionIdentifier(project="p", domain="d", name="run")
PLAN = LaunchPlan(id=launch_plan_id())
PLAN.closure.expected_inputs.SetInParent()
PLAN.closure.expected_outputs.CopyFrom(interface(outputs={}).outputs)
SOURCES: list[tuple[WorkflowTemplate, tuple[WorkflowTemplate, ...]]] = [
    (wrong.template, tuple(wrong.sub_workflows)) for wrong in WRONG.values()
]
X = promise("x")


def _right() -> WorkflowTemplate:
    """Return a workflow of every kind of node that needs no sub-workflow."""
    block = IfElseBlock(case=case(task_node("then", x=X)), other=[case(task_node("elif", x=X))])
    block.else_node.CopyFrom(task_node("else", x=X))
    gate, array = Node(id="gate"), Node(id="array", inputs=[Binding(var="x", binding=X)])
    gate.gate_node.sleep.duration.seconds = 1
    array.array_node.node.CopyFrom(task_node("inner", x=X))
    template = workflow(task_node("n", x=X), branch_node("b", block, x=X), gate, array)
    template.failure_node.CopyFrom(task_node("failed", x=X))
    return template


SOURCES += [(_right(), ())] * len(SOURCES)
CORPUS = Corpus()
for known in (PLAN, *GENERAL, *(part for template, others in SOURCES for part in (template, *others))):
    CORPUS.add(known)


def copied[M: Message](message: M) -> M:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


@settings(max_examples=1_500)
@given(st.randoms(use_true_random=False), st.integers(1, 5))
def test_a_changed_workflow_becomes_a_resource_or_is_told_why_not(random: Random, changes: int) -> None:
    template, sub_workflows = random.choice(SOURCES)
    template, others = copied(template), [copied(each) for each in sub_workflows]
    tasks, plan = [copied(each) for each in GENERAL], copied(PLAN)
    for _ in range(changes):
        mutate(random, [*[template] * 6, *others, *tasks, plan], CORPUS)

    outcome = _outcome(template, others, tasks, plan)

    if isinstance(outcome, InvalidArgument):
        assert outcome.message
    else:
        assert FlyteWorkflow.model_validate(json.loads(json.dumps(outcome))).to_json_object() == outcome


def _outcome(
    template: WorkflowTemplate, others: list[WorkflowTemplate], tasks: list[CompiledTask], plan: LaunchPlan
) -> dict[str, JsonValue] | InvalidArgument:
    """Return the resource as JSON, or what the first step that failed said."""
    literal = Literal()
    literal.scalar.primitive.integer = 1
    try:
        get_requirements(template, others)
        compiled = [compile_task(each.template) for each in tasks]
        closure = compile_workflow(template, others, compiled, [launch_plan_interface(plan)])
        names = closure.primary.template.interface.inputs.variables
        inputs = LiteralMap(literals=dict.fromkeys(names, literal))
        return build_flyteworkflow(closure, inputs, EXECUTION, "p-d").to_json_object()
    except InvalidArgument as error:
        return error


@pytest.mark.parametrize("length", [5_000])
def test_a_ring_of_sub_workflows_is_a_cycle(length: int) -> None:
    ring = [workflow(workflow_node("n", workflow_id(f"w{(i + 1) % length}"), x=X), name=f"w{i}") for i in range(length)]
    template = workflow(workflow_node("n", workflow_id("w0"), x=X))

    with pytest.raises(CompileErrors, match="CycleDetected, Node Id: start-node"):
        compile_workflow(template, ring, [], [])


def test_a_workflow_that_is_given_as_its_own_sub_workflow_is_a_cycle() -> None:
    template = workflow(workflow_node("n", workflow_id("wf"), x=X))

    with pytest.raises(CompileErrors, match=r"CycleDetected.*\[wf>wf\]"):
        compile_workflow(template, [template], [], [])


@pytest.mark.parametrize("depth", [22])
def test_branches_as_deep_as_a_message_can_nest(depth: int) -> None:
    """Protobuf reads a hundred messages within each other, which is four for a branch."""
    node = task_node("n", x=X)
    for _ in range(depth):
        block = IfElseBlock(case=case(node))
        block.error.message = "no case"
        node = branch_node("b", block, x=X)

    closure = compile_workflow(workflow(node), [], [task()], [])

    literal = Literal()
    literal.scalar.primitive.integer = 1
    spec = build_flyteworkflow(closure, LiteralMap(literals={"x": literal}), EXECUTION, "p-d").spec
    assert spec is not None
    assert len(spec.nodes) == depth + 3
