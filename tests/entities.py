"""The requests that register entities: a task that doubles a number, a workflow of it, a launch plan of that."""

from collections.abc import Mapping

from flyteidl.admin.launch_plan_pb2 import LaunchPlanCreateRequest, LaunchPlanSpec
from flyteidl.admin.task_pb2 import TaskCreateRequest, TaskSpec
from flyteidl.admin.workflow_pb2 import WorkflowCreateRequest, WorkflowSpec
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, WORKFLOW, Identifier, ResourceType
from flyteidl.core.interface_pb2 import TypedInterface, Variable, VariableMap
from flyteidl.core.literals_pb2 import Binding, BindingData, Literal, Primitive, Scalar
from flyteidl.core.tasks_pb2 import Container, Resources, RuntimeMetadata, TaskMetadata, TaskTemplate
from flyteidl.core.types_pb2 import INTEGER, LiteralType, OutputReference, SimpleType
from flyteidl.core.workflow_pb2 import Node, TaskNode, WorkflowTemplate

from tests.builders import DOMAIN, PROJECT


def identifier(kind: ResourceType, name: str, version: str = "v1", *, project: str = PROJECT) -> Identifier:
    return Identifier(resource_type=kind, project=project, domain=DOMAIN, name=name, version=version)


def variables(**kinds: SimpleType) -> VariableMap:
    return VariableMap(variables={name: Variable(type=LiteralType(simple=kind)) for name, kind in kinds.items()})


def integer(value: int) -> Literal:
    return Literal(scalar=Scalar(primitive=Primitive(integer=value)))


def text(value: str) -> Literal:
    return Literal(scalar=Scalar(primitive=Primitive(string_value=value)))


def resources(requests: Mapping[str, str] | None = None, limits: Mapping[str, str] | None = None) -> Resources:
    """Resources by the names of the enum, e.g. {"CPU": "500m"}."""
    return Resources(requests=_entries(requests or {}), limits=_entries(limits or {}))


def _entries(values: Mapping[str, str]) -> list[Resources.ResourceEntry]:
    return [Resources.ResourceEntry(name=name, value=value) for name, value in values.items()]


def task_request(
    name: str = "double", version: str = "v1", *, project: str = PROJECT, image: str = "registry.example/task:1"
) -> TaskCreateRequest:
    """Return a container task from `a` to `b`, both integers."""
    template = TaskTemplate(
        type="python-task",
        metadata=TaskMetadata(runtime=RuntimeMetadata(type=RuntimeMetadata.FLYTE_SDK, version="1.16.8")),
        interface=TypedInterface(inputs=variables(a=INTEGER), outputs=variables(b=INTEGER)),
        container=Container(image=image, args=["pyflyte-execute"]),
    )
    return TaskCreateRequest(id=identifier(TASK, name, version, project=project), spec=TaskSpec(template=template))


def workflow_request(
    name: str = "doubling",
    version: str = "v1",
    *,
    project: str = PROJECT,
    task: Identifier | None = None,
    nodes: int = 1,
) -> WorkflowCreateRequest:
    """Return a workflow from `x` to `y` through a chain of one task."""
    task = task or identifier(TASK, "double")
    chain = []
    for number in range(nodes):
        source = OutputReference(node_id=f"n{number - 1}", var="b") if number else OutputReference(var="x")
        binding = Binding(var="a", binding=BindingData(promise=source))
        chain.append(Node(id=f"n{number}", inputs=[binding], task_node=TaskNode(reference_id=task)))
    last = OutputReference(node_id=f"n{nodes - 1}", var="b")
    template = WorkflowTemplate(
        interface=TypedInterface(inputs=variables(x=INTEGER), outputs=variables(y=INTEGER)),
        nodes=chain,
        outputs=[Binding(var="y", binding=BindingData(promise=last))],
    )
    return WorkflowCreateRequest(
        id=identifier(WORKFLOW, name, version, project=project), spec=WorkflowSpec(template=template)
    )


def launch_plan_request(
    name: str = "doubling", version: str = "v1", *, project: str = PROJECT, workflow: Identifier | None = None
) -> LaunchPlanCreateRequest:
    """Return a launch plan that binds nothing: `x` is required."""
    spec = LaunchPlanSpec(workflow_id=workflow or identifier(WORKFLOW, "doubling"))
    return LaunchPlanCreateRequest(id=identifier(LAUNCH_PLAN, name, version, project=project), spec=spec)
