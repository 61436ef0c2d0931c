"""Small FlyteWorkflows for the stand-in engine, and the memory that it writes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from flyteidl.core.condition_pb2 import BooleanExpression, ComparisonExpression, Operand
from flyteidl.core.execution_pb2 import NodeExecution, TaskExecution, WorkflowExecution
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.interface_pb2 import TypedInterface, Variable, VariableMap
from flyteidl.core.literals_pb2 import (
    Binding,
    BindingData,
    Literal,
    LiteralMap,
    Primitive,
    Scalar,
)
from flyteidl.core.tasks_pb2 import Container, TaskTemplate
from flyteidl.core.types_pb2 import LiteralType, OutputReference, SimpleType
from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, WorkflowExecutionEvent

from flyteadmin.clients.storage import BlobMissing
from flyteadmin.events.validation import Event
from flyteadmin.flyteworkflow.crd import Edges, FlyteWorkflow, NodeSpec, ObjectMeta, RetryStrategy, WorkflowSpec
from tests.builders import DOMAIN, PROJECT, task_id

INTEGER = LiteralType(simple=SimpleType.INTEGER)
EXECUTION = WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name="run")


def integer(value: int) -> Literal:
    return Literal(scalar=Scalar(primitive=Primitive(integer=value)))


def promise(variable: str, node: str = "start-node", output: str = "o0") -> Binding:
    return Binding(var=variable, binding=BindingData(promise=OutputReference(node_id=node, var=output)))


def variables(names: Mapping[str, LiteralType]) -> VariableMap:
    return VariableMap(variables={name: Variable(type=kind) for name, kind in names.items()})


def template(
    name: str, inputs: Mapping[str, LiteralType] | None = None, outputs: Mapping[str, LiteralType] | None = None
) -> TaskTemplate:
    """Return a task from one integer `x` to one integer `o0`, unless told otherwise."""
    interface = TypedInterface(
        inputs=variables({"x": INTEGER} if inputs is None else inputs),
        outputs=variables({"o0": INTEGER} if outputs is None else outputs),
    )
    container = Container(image="none", args=["run", "{{.input}}", "{{.outputPrefix}}"])
    return TaskTemplate(id=task_id(name), type="python-task", interface=interface, container=container)


def task_node(node_id: str, task: str, *bindings: Binding, attempts: int = 0) -> NodeSpec:
    retry = RetryStrategy(min_attempts=attempts) if attempts else None
    return NodeSpec(id=node_id, name=task, kind="task", task=task, input_bindings=list(bindings), retry=retry)


def compares_x_with(value: int) -> BooleanExpression:
    """Return the condition `x > value`."""
    return BooleanExpression(
        comparison=ComparisonExpression(
            operator=ComparisonExpression.GT,
            left_value=Operand(var="x"),
            right_value=Operand(primitive=Primitive(integer=value)),
        )
    )


def spec(
    nodes: Sequence[NodeSpec],
    upstream: Mapping[str, list[str]],
    outputs: Sequence[Binding] = (),
    *,
    on_failure: NodeSpec | None = None,
    on_failure_policy: str | None = None,
) -> WorkflowSpec:
    """Return a workflow of these nodes between start-node and end-node."""
    start = NodeSpec(id="start-node", kind="start")
    end = NodeSpec(id="end-node", kind="end", input_bindings=list(outputs))
    return WorkflowSpec(
        id="p:d:w",
        nodes={node.id: node for node in (start, *nodes, end)},
        connections={},
        edges=Edges(downstream={}, upstream=dict(upstream)),
        output_bindings=list(outputs),
        on_failure=on_failure,
        on_failure_policy=on_failure_policy,
    )


def chain(*nodes: NodeSpec, outputs: Sequence[Binding] = (), on_failure: NodeSpec | None = None) -> WorkflowSpec:
    """Return the nodes one after the other."""
    names = ["start-node", *(node.id for node in nodes), "end-node"]
    upstream = {after: [before] for before, after in pairwise(names)}
    return spec(nodes, upstream, outputs, on_failure=on_failure)


def workflow(
    graph: WorkflowSpec,
    *templates: TaskTemplate,
    inputs: LiteralMap | None = None,
    sub_workflows: Mapping[str, WorkflowSpec] | None = None,
) -> FlyteWorkflow:
    """Return the resource of the execution `run`; its tasks are known by their names, its input `x` is 7."""
    given = LiteralMap(literals={"x": integer(7)}) if inputs is None else inputs
    metadata = ObjectMeta(name="run", namespace=f"{PROJECT}-{DOMAIN}", finalizers=["flyte.org/finalizer"])
    return FlyteWorkflow(
        metadata=metadata,
        spec=graph,
        tasks={one.id.name: one for one in templates},
        inputs=given,
        execution_id=EXECUTION,
        sub_workflows=dict(sub_workflows or {}),
    )


def one_task(task: str = "double", *, attempts: int = 0) -> FlyteWorkflow:
    """start-node, one task as n0, end-node with its output."""
    node = task_node("n0", task, promise("x", output="x"), attempts=attempts)
    return workflow(chain(node, outputs=[promise("o0", "n0")]), template(task))


def echoing() -> FlyteWorkflow:
    """start-node, an echo task as n0, end-node with its output: it runs without a process."""
    resource = one_task("echo")
    assert resource.tasks is not None
    resource.tasks["echo"].type = "echo"
    return resource


def line(event: Event) -> str:
    """Return an event in one line: "node n0 RUNNING", "task n0#1 FAILED", "workflow SUCCEEDED"."""
    match event:
        case WorkflowExecutionEvent():
            return f"workflow {WorkflowExecution.Phase.Name(event.phase)}"
        case NodeExecutionEvent():
            return f"node {event.id.node_id} {NodeExecution.Phase.Name(event.phase)}"
        case TaskExecutionEvent():
            phase = TaskExecution.Phase.Name(event.phase)
            return f"task {event.parent_node_execution_id.node_id}#{event.retry_attempt} {phase}"


@dataclass
class MemoryBlobs:
    """Blobs by their URI."""

    blobs: dict[str, bytes] = field(default_factory=dict)

    def read(self, source: str) -> bytes:
        if source not in self.blobs:
            raise BlobMissing(source)
        return self.blobs[source]

    def write(self, blob: bytes, target: str) -> None:
        self.blobs[target] = blob

    def exists(self, source: str) -> bool:
        return source in self.blobs

    def literals(self, uri: str) -> LiteralMap:
        return LiteralMap.FromString(self.read(uri))
