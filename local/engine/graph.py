"""A workflow's nodes under way, and the order in which they may run."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.core.tasks_pb2 import TaskTemplate

from flyteadmin.flyteworkflow.crd import NodeSpec, WorkflowSpec
from local.engine.branches import children
from local.engine.identity import Lineage
from local.engine.places import Place

START_NODE = "start-node"
END_NODE = "end-node"


@dataclass(frozen=True)
class Library:
    """The tasks and sub-workflows to which a resource's nodes refer by text."""

    tasks: Mapping[str, TaskTemplate]
    sub_workflows: Mapping[str, WorkflowSpec]


@dataclass(frozen=True)
class Graph:
    """A workflow, a sub-workflow or a dynamic one under way: what its finished nodes gave."""

    spec: WorkflowSpec
    library: Library
    directory: str
    parent: Lineage | None = None
    outputs: dict[str, LiteralMap] = field(default_factory=dict)

    def place(self, node: NodeSpec) -> Place:
        """Return the place of a node's first attempt."""
        data = f"{self.directory}/{node.id}" if self.parent else f"{self.directory}/{node.id}/data"
        return Place(node, self.parent, data, self._target(node))

    def _target(self, node: NodeSpec) -> Identifier | None:
        if node.workflow:
            return node.workflow.launch_plan_ref_id
        template = self.library.tasks.get(node.task or "")
        return template.id if template else None


def top_level(spec: WorkflowSpec) -> dict[str, set[str]]:
    """Every node but start-node and those inside branches, with the nodes that must have ended before it."""
    inside = {child for node in spec.nodes.values() for child in _descendants(spec, node.id)}
    return {name: dependencies(spec, name) for name in spec.nodes if name not in {START_NODE, *inside}}


def check_order(spec: WorkflowSpec) -> None:
    """Make sure that every node can run at some time.

    Raises:
        ValueError: some never can.
    """
    waiting, ended = top_level(spec), {START_NODE}
    while waiting:
        ready = ready_nodes(waiting, ended)
        if not ready:
            raise ValueError(f"the nodes {sorted(waiting)} wait for one another")
        for name in ready:
            del waiting[name]
        ended.update(ready)


def check_nesting(spec: WorkflowSpec, library: Library) -> None:
    """Make sure that no branch and no sub-workflow has itself inside.

    Raises:
        ValueError: one has, as graphlib's CycleError, which names it.
    """
    for each in (spec, *library.sub_workflows.values()):
        TopologicalSorter({node.id: children(node.branch) for node in each.nodes.values() if node.branch}).prepare()
    TopologicalSorter({name: _inside(each) for name, each in library.sub_workflows.items()}).prepare()


def _inside(spec: WorkflowSpec) -> set[str]:
    """Return the sub-workflows that a workflow's nodes refer to."""
    nodes = [*spec.nodes.values(), *([spec.on_failure] if spec.on_failure else [])]
    return {node.workflow.sub_workflow_ref for node in nodes if node.workflow and node.workflow.sub_workflow_ref}


def ready_nodes(waiting: Mapping[str, set[str]], ended: Collection[str]) -> list[str]:
    """Those of the waiting nodes that need wait no longer, in the workflow's order."""
    return [name for name, needed in waiting.items() if needed.issubset(ended)]


def dependencies(spec: WorkflowSpec, node_id: str) -> set[str]:
    """Return the nodes that must have ended: a branch also waits for what its cases need."""
    inside = _descendants(spec, node_id)
    needed = {upstream for name in (node_id, *inside) for upstream in spec.edges.upstream.get(name, [])}
    return needed - {node_id, *inside}


def _descendants(spec: WorkflowSpec, node_id: str) -> list[str]:
    branch = spec.nodes[node_id].branch
    direct = children(branch) if branch else []
    return [name for child in direct for name in (child, *_descendants(spec, child))]
