"""How compiling and building grow with the workflow: time per node and peak memory, each size in a fresh process."""

import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context

from flyteidl.core.compiler_pb2 import CompiledTask
from flyteidl.core.identifier_pb2 import TASK, WORKFLOW, Identifier, WorkflowExecutionIdentifier
from flyteidl.core.interface_pb2 import TypedInterface, Variable, VariableMap
from flyteidl.core.literals_pb2 import Binding, BindingData, Literal, LiteralMap, Primitive, Scalar
from flyteidl.core.tasks_pb2 import Container, TaskTemplate
from flyteidl.core.types_pb2 import LiteralType, OutputReference
from flyteidl.core.workflow_pb2 import Node, TaskNode, WorkflowTemplate

from bench.report import Row, Section, show
from flyteadmin.compiler.workflow_compiler import compile_workflow
from flyteadmin.flyteworkflow.builder import build_flyteworkflow

SIZES = (100, 1_000, 10_000)
RANK = 10
MOST_GROWTH = 1.5
"""Time per node at 10,000 nodes over that at 1,000; a quadratic step would make it 10."""


@dataclass(frozen=True)
class Measured:
    """One workflow: microseconds per node, and the megabytes that the process grew by at its peak."""

    nodes: int
    compile_us: float
    build_us: float
    json_us: float
    grown_mb: float


def report() -> Section:
    """Measure all sizes and set them beside the budget of linear growth."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
        found = list(processes.map(measure, SIZES))
    rows: list[Row] = []
    for one in found:
        what = f"{one.nodes:,} nodes"
        rows.append(Row(f"{what}: compile, per node", one.compile_us, unit="µs"))
        rows.append(Row(f"{what}: build, per node", one.build_us, unit="µs"))
        rows.append(Row(f"{what}: to JSON, per node", one.json_us, unit="µs"))
        rows.append(Row(f"{what}: peak memory", one.grown_mb, unit="MB"))
    small, large = (one.compile_us + one.build_us + one.json_us for one in found[-2:])
    reason = "all three steps; 1 is linear, 10 quadratic"
    rows.append(Row("time per node, 10,000 nodes ÷ 1,000 nodes", large / small, MOST_GROWTH, reason=reason))
    return Section("Compiler", tuple(rows), ("peak memory: what the process grew by beyond the given template",))


def measure(nodes: int) -> Measured:
    """Compile and build a grid of tasks, ten in each rank, each on two of the rank before."""
    template, task, inputs = _given(nodes)
    compile_workflow(*_given(10)[:1], [], [task], [])
    execution = WorkflowExecutionIdentifier(project="p", domain="d", name="run")
    before = _peak_mb()
    started = time.process_time()
    closure = compile_workflow(template, [], [task], [])
    compiled = time.process_time()
    workflow = build_flyteworkflow(closure, inputs, execution, "p-d")
    built = time.process_time()
    workflow.to_json_object()
    written = time.process_time()
    spent = ((after - since) * 1e6 / nodes for since, after in pairwise((started, compiled, built, written)))
    compile_us, build_us, json_us = spent
    return Measured(nodes, compile_us, build_us, json_us, _peak_mb() - before)


def _given(nodes: int) -> tuple[WorkflowTemplate, CompiledTask, LiteralMap]:
    """A template, its only task and its inputs."""
    task_id = Identifier(resource_type=TASK, project="p", domain="d", name="add", version="v1")
    integer = LiteralType(simple="INTEGER")
    pair = VariableMap(variables={"a": Variable(type=integer), "b": Variable(type=integer)})
    one = VariableMap(variables={"o0": Variable(type=integer)})
    container = Container(image="registry.example/app:v1", args=["run"])
    task = CompiledTask(
        template=TaskTemplate(id=task_id, interface=TypedInterface(inputs=pair, outputs=one), container=container)
    )
    template = WorkflowTemplate(
        id=Identifier(resource_type=WORKFLOW, project="p", domain="d", name="grid", version="v1"),
        interface=TypedInterface(inputs=VariableMap(variables={"x": Variable(type=integer)})),
        nodes=[_node(index, task_id) for index in range(nodes)],
    )
    value = Literal(scalar=Scalar(primitive=Primitive(integer=1)))
    return template, task, LiteralMap(literals={"x": value})


def _node(index: int, task_id: Identifier) -> Node:
    rank, place = divmod(index, RANK)
    before = (RANK * (rank - 1) + place, RANK * (rank - 1) + (place + 1) % RANK)
    sources = [OutputReference(node_id=f"n{n}", var="o0") for n in before] if rank else [OutputReference(var="x")] * 2
    inputs = [
        Binding(var=name, binding=BindingData(promise=source)) for name, source in zip("ab", sources, strict=True)
    ]
    node = Node(id=f"n{index}", task_node=TaskNode(reference_id=task_id), inputs=inputs)
    node.metadata.name = "add"
    return node


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    show([report()])
