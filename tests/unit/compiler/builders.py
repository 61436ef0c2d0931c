"""The templates that compiler tests begin with: two tasks, and workflows of a few nodes; a test states its fault."""

from collections.abc import Mapping

from flyteidl.core import types_pb2
from flyteidl.core.compiler_pb2 import CompiledTask
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, WORKFLOW, Identifier
from flyteidl.core.interface_pb2 import Parameter, ParameterMap, TypedInterface, Variable, VariableMap
from flyteidl.core.literals_pb2 import Binding, BindingData, BindingDataCollection, BindingDataMap, Primitive, Scalar
from flyteidl.core.tasks_pb2 import Container, TaskTemplate
from flyteidl.core.types_pb2 import EnumType, LiteralType, OutputReference, SimpleType, UnionType
from flyteidl.core.workflow_pb2 import (
    BranchNode,
    IfBlock,
    IfElseBlock,
    Node,
    TaskNode,
    WorkflowNode,
    WorkflowTemplate,
)

from flyteadmin.compiler.admin import LaunchPlanInterface


def simple(kind: SimpleType) -> LiteralType:
    return LiteralType(simple=kind)


INTEGER = simple(types_pb2.INTEGER)
FLOAT = simple(types_pb2.FLOAT)
STRING = simple(types_pb2.STRING)
BOOLEAN = simple(types_pb2.BOOLEAN)
NONE = simple(types_pb2.NONE)
STRUCT = simple(types_pb2.STRUCT)


def list_of(kind: LiteralType) -> LiteralType:
    return LiteralType(collection_type=kind)


def map_of(kind: LiteralType) -> LiteralType:
    return LiteralType(map_value_type=kind)


def union(*variants: LiteralType) -> LiteralType:
    return LiteralType(union_type=UnionType(variants=variants))


def enum(*values: str) -> LiteralType:
    return LiteralType(enum_type=EnumType(values=values))


def variables(types: Mapping[str, LiteralType]) -> VariableMap:
    return VariableMap(variables={name: Variable(type=kind) for name, kind in types.items()})


def interface(
    inputs: Mapping[str, LiteralType] | None = None, outputs: Mapping[str, LiteralType] | None = None
) -> TypedInterface:
    return TypedInterface(inputs=variables(inputs or {}), outputs=variables(outputs or {}))


def task_id(name: str = "task") -> Identifier:
    return Identifier(resource_type=TASK, project="p", domain="d", name=name, version="v")


def workflow_id(name: str = "wf") -> Identifier:
    return Identifier(resource_type=WORKFLOW, project="p", domain="d", name=name, version="v")


def launch_plan_id(name: str = "lp") -> Identifier:
    return Identifier(resource_type=LAUNCH_PLAN, project="p", domain="d", name=name, version="v")


def task(
    name: str = "task",
    inputs: Mapping[str, LiteralType] | None = None,
    outputs: Mapping[str, LiteralType] | None = None,
) -> CompiledTask:
    container = Container(image="image", args=["run"])
    given = {"x": INTEGER} if inputs is None else inputs
    taken = {"o0": INTEGER} if outputs is None else outputs
    return CompiledTask(template=TaskTemplate(id=task_id(name), interface=interface(given, taken), container=container))


def launch_plan(
    name: str = "lp", parameters: Mapping[str, Parameter] | None = None, outputs: VariableMap | None = None
) -> LaunchPlanInterface:
    given = ParameterMap(parameters=parameters or {})
    return LaunchPlanInterface(launch_plan_id(name), given, variables({"o0": INTEGER}) if outputs is None else outputs)


def promise(var: str, node: str = "", *path: str) -> BindingData:
    reference = OutputReference(node_id=node, var=var)
    for step in path:
        reference.attr_path.add(string_value=step)
    return BindingData(promise=reference)


def number(value: int) -> BindingData:
    return BindingData(scalar=Scalar(primitive=Primitive(integer=value)))


def text(value: str) -> BindingData:
    return BindingData(scalar=Scalar(primitive=Primitive(string_value=value)))


def a_list(*bindings: BindingData) -> BindingData:
    return BindingData(collection=BindingDataCollection(bindings=bindings))


def a_map(**bindings: BindingData) -> BindingData:
    return BindingData(map=BindingDataMap(bindings=bindings))


def bind(**bindings: BindingData) -> list[Binding]:
    return [Binding(var=name, binding=data) for name, data in bindings.items()]


def task_node(node_id: str = "n", name: str = "task", /, **bindings: BindingData) -> Node:
    return Node(id=node_id, task_node=TaskNode(reference_id=task_id(name)), inputs=bind(**bindings))


def workflow_node(node_id: str, reference: Identifier, /, **bindings: BindingData) -> Node:
    target = (
        WorkflowNode(launchplan_ref=reference)
        if reference.resource_type == LAUNCH_PLAN
        else WorkflowNode(sub_workflow_ref=reference)
    )
    return Node(id=node_id, workflow_node=target, inputs=bind(**bindings))


def branch_node(node_id: str, if_else: IfElseBlock, /, **bindings: BindingData) -> Node:
    return Node(id=node_id, branch_node=BranchNode(if_else=if_else), inputs=bind(**bindings))


def case(then: Node | None, left: str = "x", right: int = 1) -> IfBlock:
    block = IfBlock(then_node=then)
    block.condition.comparison.left_value.var = left
    block.condition.comparison.right_value.primitive.integer = right
    return block


def workflow(
    *nodes: Node,
    name: str = "wf",
    inputs: Mapping[str, LiteralType] | None = None,
    outputs: Mapping[str, LiteralType] | None = None,
    results: list[Binding] | None = None,
) -> WorkflowTemplate:
    return WorkflowTemplate(
        id=workflow_id(name),
        nodes=nodes,
        interface=interface({"x": INTEGER} if inputs is None else inputs, outputs),
        outputs=results or [],
    )
