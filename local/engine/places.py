"""The place of a node in its workflow and of an attempt, with the folders of their data."""

from dataclasses import dataclass, replace

from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.tasks_pb2 import TaskTemplate

from flyteadmin.flyteworkflow.crd import NodeSpec
from local.engine.identity import Lineage, unique_id


@dataclass(frozen=True)
class Place:
    """A node where it runs: its parent, the folder of its data, what it runs, and which attempt this is.

    An element of an array node reads that node's inputs, and is not told of by itself.
    """

    node: NodeSpec
    parent: Lineage | None
    data_directory: str
    target: Identifier | None = None
    attempt: int = 0
    element_of: "Place | None" = None

    @property
    def unique_id(self) -> str:
        return unique_id(self.parent, self.node.id)

    @property
    def inputs_uri(self) -> str:
        return f"{self.inputs_directory}/inputs.pb"

    @property
    def inputs_directory(self) -> str:
        return self.element_of.inputs_directory if self.element_of else self.data_directory

    @property
    def template_uri(self) -> str:
        return f"{self.data_directory}/task.pb"

    @property
    def output_directory(self) -> str:
        return f"{self.data_directory}/{self.attempt}"

    @property
    def outputs_uri(self) -> str:
        return f"{self.output_directory}/outputs.pb"

    def as_parent(self, *, is_dynamic: bool = False) -> Lineage:
        """Return the lineage for the nodes inside this one."""
        inherited = self.parent is not None and self.parent.is_dynamic
        return Lineage(self.unique_id, self.attempt, is_dynamic or inherited)

    def tried(self, attempt: int) -> "Place":
        """Return the same node at another attempt."""
        return replace(self, attempt=attempt)


@dataclass(frozen=True)
class Attempt:
    """One attempt of a node's task."""

    place: Place
    template: TaskTemplate

    @property
    def number(self) -> int:
        return self.place.attempt
