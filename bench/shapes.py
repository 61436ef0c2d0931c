"""Workflows of one shape and any size: a step that is quadratic shows in one of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flyteidl.core.compiler_pb2 import CompiledTask
from flyteidl.core.identifier_pb2 import TASK, WORKFLOW, Identifier
from flyteidl.core.interface_pb2 import TypedInterface, Variable, VariableMap
from flyteidl.core.literals_pb2 import Binding, BindingData, BindingDataCollection, Literal, LiteralMap
from flyteidl.core.tasks_pb2 import Container, TaskTemplate
from flyteidl.core.types_pb2 import LiteralType, OutputReference
from flyteidl.core.workflow_pb2 import BranchNode, IfBlock, IfElseBlock, Node, TaskNode, WorkflowNode, WorkflowTemplate

RANK = 10
_INTEGER = LiteralType(simple="INTEGER")
_ADD = Identifier(resource_type=TASK, project="p", domain="d", name="add", version="v1")
_SUM = Identifier(resource_type=TASK, project="p", domain="d", name="sum", version="v1")


@dataclass(frozen=True)
class Shape:
    """A workflow that takes one number `x`, its sub-workflows and its tasks."""

    template: WorkflowTemplate
    sub_workflows: Sequence[WorkflowTemplate] = ()

    @property
    def tasks(self) -> list[CompiledTask]:
        """Two tasks: one of two numbers, one of a list of them."""
        many = LiteralType(collection_type=_INTEGER)
        return [_task(_ADD, {"a": _INTEGER, "b": _INTEGER}), _task(_SUM, {"numbers": many})]

    @property
    def inputs(self) -> LiteralMap:
        """A number."""
        one = Literal()
        one.scalar.primitive.integer = 1
        return LiteralMap(literals={"x": one})


def grid(nodes: int) -> Shape:
    """Ten nodes in each rank, each on two of the rank before."""
    template = _workflow("grid")
    for index in range(nodes):
        rank, place = divmod(index, RANK)
        before = RANK * (rank - 1)
        sources = (f"n{before + place}", f"n{before + (place + 1) % RANK}") if rank else ("", "")
        _add(template, f"n{index}", *sources)
    return Shape(template)


def chain(nodes: int) -> Shape:
    """Each node on the one before."""
    template = _workflow("chain")
    for index in range(nodes):
        source = f"n{index - 1}" if index else ""
        _add(template, f"n{index}", source, source)
    return Shape(template)


def fan_out(nodes: int) -> Shape:
    """All nodes on the first."""
    template = _workflow("fan-out")
    for index in range(nodes):
        source = "n0" if index else ""
        _add(template, f"n{index}", source, source)
    return Shape(template)


def fan_in(nodes: int) -> Shape:
    """Return the last node on a list of all others."""
    template = _workflow("fan-in")
    for index in range(nodes - 1):
        _add(template, f"n{index}", "", "")
    outputs = [_output(f"n{index}") for index in range(nodes - 1)]
    numbers = Binding(var="numbers", binding=BindingData(collection=BindingDataCollection(bindings=outputs)))
    template.nodes.add(id="last", task_node=TaskNode(reference_id=_SUM), inputs=[numbers])
    return Shape(template)


def cases(nodes: int) -> Shape:
    """One branch node of that many cases."""
    block = IfElseBlock()
    block.error.message = "no case"
    for index in range(nodes):
        case = IfBlock(then_node=_node(f"n{index}", "", ""))
        case.condition.comparison.left_value.var = "x"
        case.condition.comparison.right_value.primitive.integer = index
        block.other.append(case)
    block.case.CopyFrom(block.other.pop(0))
    template = _workflow("cases")
    binding = Binding(var="x", binding=_output(""))
    template.nodes.add(id="branch", branch_node=BranchNode(if_else=block), inputs=[binding])
    return Shape(template)


def sub_workflows(nodes: int) -> Shape:
    """Sub-workflows of one node each, each within the one before."""
    last = _workflow(f"w{nodes}")
    _add(last, "n", "", "")
    return Shape(_running(0, "outermost"), [*(_running(index + 1, f"w{index}") for index in range(nodes)), last])


SHAPES: Mapping[str, Callable[[int], Shape]] = {
    "a chain": chain,
    "fan-out": fan_out,
    "fan-in": fan_in,
    "cases of one branch": cases,
    "sub-workflows within each other": sub_workflows,
}


def _workflow(name: str) -> WorkflowTemplate:
    identifier = Identifier(resource_type=WORKFLOW, project="p", domain="d", name=name, version="v1")
    inputs = VariableMap(variables={"x": Variable(type=_INTEGER)})
    return WorkflowTemplate(id=identifier, interface=TypedInterface(inputs=inputs))


def _running(index: int, name: str) -> WorkflowTemplate:
    template = _workflow(name)
    reference = WorkflowNode(sub_workflow_ref=_workflow(f"w{index}").id)
    template.nodes.add(id="n", workflow_node=reference, inputs=[Binding(var="x", binding=_output(""))])
    return template


def _task(identifier: Identifier, inputs: Mapping[str, LiteralType]) -> CompiledTask:
    given = VariableMap(variables={name: Variable(type=kind) for name, kind in inputs.items()})
    one = VariableMap(variables={"o0": Variable(type=_INTEGER)})
    container = Container(image="registry.example/app:v1", args=["run"])
    return CompiledTask(
        template=TaskTemplate(id=identifier, interface=TypedInterface(inputs=given, outputs=one), container=container)
    )


def _add(template: WorkflowTemplate, node_id: str, a: str, b: str) -> None:
    template.nodes.append(_node(node_id, a, b))


def _node(node_id: str, a: str, b: str) -> Node:
    """Return a node of two numbers: outputs of other nodes, or the input where there is none."""
    inputs = [Binding(var="a", binding=_output(a)), Binding(var="b", binding=_output(b))]
    node = Node(id=node_id, task_node=TaskNode(reference_id=_ADD), inputs=inputs)
    node.metadata.name = "add"
    return node


def _output(node_id: str) -> BindingData:
    return BindingData(promise=OutputReference(node_id=node_id, var="o0" if node_id else "x"))
