"""Measures compiling and building by workflow size: time per node and peak memory, each size in a fresh process."""

import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier

from bench.report import Row, Section, show
from bench.shapes import SHAPES, Shape, grid
from flyteadmin.compiler.workflow_compiler import compile_workflow
from flyteadmin.flyteworkflow.builder import build_flyteworkflow

SIZES = (100, 1_000, 10_000)
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

    @property
    def all_us(self) -> float:
        """All three steps."""
        return self.compile_us + self.build_us + self.json_us


def report() -> Section:
    """Measure all sizes of a grid, then two of each other shape, and set them beside the budget of linear growth."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
        found = list(processes.map(measure, [grid] * len(SIZES), SIZES))
        shapes = {name: list(processes.map(measure, [shape] * 2, SIZES[1:])) for name, shape in SHAPES.items()}
    rows: list[Row] = []
    for one in found:
        what = f"{one.nodes:,} nodes"
        rows.append(Row(f"{what}: compile, per node", one.compile_us, unit="µs"))
        rows.append(Row(f"{what}: build, per node", one.build_us, unit="µs"))
        rows.append(Row(f"{what}: to JSON, per node", one.json_us, unit="µs"))
        rows.append(Row(f"{what}: peak memory", one.grown_mb, unit="MB"))
    rows.extend(_growth(name, *sizes[-2:]) for name, sizes in {"a grid": found, **shapes}.items())
    return Section("Compiler", tuple(rows), ("peak memory: what the process grew by beyond the given template",))


def _growth(shape: str, small: Measured, large: Measured) -> Row:
    what = f"{shape}: time per node, {large.nodes:,} nodes ÷ {small.nodes:,}"
    reason = "all three steps; 1 is linear, 10 quadratic"
    return Row(what, large.all_us / small.all_us, MOST_GROWTH, reason=reason)


def measure(shape: Callable[[int], Shape], nodes: int) -> Measured:
    """Compile and build a workflow of that shape and size, and write it as JSON."""
    given = shape(nodes)
    _steps(shape(10))
    before = _peak_mb()
    compile_us, build_us, json_us = (spent * 1e6 / nodes for spent in _steps(given))
    return Measured(nodes, compile_us, build_us, json_us, _peak_mb() - before)


def _steps(given: Shape) -> tuple[float, float, float]:
    """Return the seconds that each step takes; the first time they hold what is done once per process."""
    execution = WorkflowExecutionIdentifier(project="p", domain="d", name="run")
    started = time.process_time()
    closure = compile_workflow(given.template, given.sub_workflows, given.tasks, [])
    compiled = time.process_time()
    workflow = build_flyteworkflow(closure, given.inputs, execution, "p-d")
    built = time.process_time()
    workflow.to_json_object()
    return compiled - started, built - compiled, time.process_time() - built


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    show([report()])
