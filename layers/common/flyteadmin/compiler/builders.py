"""The graph while it is being built: nodes with their interfaces, and the workflow with its edges (`builders.go`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from flyteidl.core.compiler_pb2 import CompiledWorkflow
from flyteidl.core.interface_pb2 import Variable
from flyteidl.core.tasks_pb2 import TaskTemplate
from flyteidl.core.workflow_pb2 import IfBlock, Node

from flyteadmin.compiler.admin import LaunchPlanInterface
from flyteadmin.compiler.errors import CompileError
from flyteadmin.compiler.index import START_NODE_ID

Variables = Mapping[str, Variable]
EdgeDirection = Literal["bidirectional", "upstream"]


@dataclass(frozen=True, slots=True)
class Interface:
    """The inputs and outputs of a node, by name."""

    inputs: Variables
    outputs: Variables


@dataclass(frozen=True, slots=True)
class EffectiveOutputs:
    """The outputs of a node under their aliases, and what is wrong with those."""

    variables: Variables
    errors: tuple[CompileError, ...]


@dataclass(slots=True, eq=False)
class NodeBuilder:
    """A node of the specification and what compiling found out about it."""

    core: Node
    interface: Interface | None = None
    effective_outputs: EffectiveOutputs | None = None
    cases: list[tuple[IfBlock, "NodeBuilder | None"]] = field(default_factory=list)
    else_node: "NodeBuilder | None" = None
    array_sub_node: "NodeBuilder | None" = None

    def __post_init__(self) -> None:
        """Wrap the nodes inside a branch or an array node."""
        target = self.core.WhichOneof("target")
        if target == "array_node":
            self.array_sub_node = NodeBuilder(self.core.array_node.node)
        elif target == "branch_node":
            if_else = self.core.branch_node.if_else
            blocks = [if_else.case] if if_else.HasField("case") else []
            for block in [*blocks, *if_else.other]:
                self.cases.append((block, NodeBuilder(block.then_node) if block.HasField("then_node") else None))
            if if_else.WhichOneof("default") == "else_node":
                self.else_node = NodeBuilder(if_else.else_node)

    @property
    def id(self) -> str:
        return self.core.id

    def display_name(self, variable: str) -> str:
        """Return a variable of this node as error messages show it: behind the node's name if it has metadata."""
        return f"{self.core.metadata.name}.{variable}" if self.core.HasField("metadata") else variable


@dataclass(frozen=True, slots=True)
class Library:
    """All that the workflows of one compilation may refer to, by `index.key`; None for a missing interface."""

    tasks: Mapping[bytes, TaskTemplate]
    launch_plans: Mapping[bytes, LaunchPlanInterface]
    sub_workflows: Mapping[bytes, Interface | None]
    broken_sub_workflows: set[bytes] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class WorkflowBuilder:
    """One workflow under compilation; edges are gathered as sets and written once at the end."""

    core: CompiledWorkflow
    library: Library
    nodes: dict[str, NodeBuilder] = field(default_factory=dict)
    upstream: dict[str, set[str]] = field(default_factory=dict)
    downstream: dict[str, set[str]] = field(default_factory=dict)

    def add_edge(self, provider: str, dependent: str, direction: EdgeDirection) -> None:
        """Let `dependent` run after `provider`; inside a branch only the upstream half is recorded."""
        provider = provider or START_NODE_ID
        self.upstream.setdefault(dependent, set()).add(provider)
        if direction == "bidirectional":
            self.downstream.setdefault(provider, set()).add(dependent)

    def write_connections(self) -> None:
        """Put the gathered edges into the compiled workflow, sorted."""
        self.core.connections.Clear()
        self.core.connections.SetInParent()
        for node_id in sorted(self.downstream):
            self.core.connections.downstream[node_id].ids.extend(sorted(self.downstream[node_id]))
        for node_id in sorted(self.upstream):
            self.core.connections.upstream[node_id].ids.extend(sorted(self.upstream[node_id]))
