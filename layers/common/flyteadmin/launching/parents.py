"""Resolves what an execution inherits from the one whose node launches it; pure.

Source: flyteadmin execution_manager.go getInheritedExecMetadata. The node's own row is not read: its event may
still be in the queue, and on NOT_FOUND propeller fails the node for good (flytepropeller launchplan/admin.go).
"""

from dataclasses import dataclass

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest
from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier

from flyteadmin.errors import invalid, missing
from flyteadmin.executions.models import ExecutionSpecification
from flyteadmin.validation import validate_set


@dataclass(frozen=True)
class Inherited:
    """The values that a parent decides; without one they are the caller's and the request's own, and `parent` is None.

    `parent` is the key of the parent's execution.
    """

    principal: str
    nesting: int
    cluster_label: str
    parent: str | None = None


def parent_of(request: ExecutionCreateRequest) -> NodeExecutionIdentifier | None:
    """Return the node that launches the execution, if one does.

    Raises:
        InvalidArgument: it is not named in full.
    """
    if not request.spec.metadata.HasField("parent_node_execution"):
        return None
    node = request.spec.metadata.parent_node_execution
    validate_set(node.execution_id, "project", "domain", "name", path="parent_node_execution.execution_id.")
    if not node.node_id:
        raise missing("parent_node_execution.node_id")
    return node


def validate_nesting(request: ExecutionCreateRequest, parent: ExecutionSpecification | None, most: int) -> None:
    """Check the depth at which an execution is nested, by its request or by its parent (KD-43).

    Propeller fails the node on this error, which ends a launch plan that launches itself.

    Raises:
        InvalidArgument: it is nested too deep.
    """
    nesting = int(parent.nesting) + 1 if parent is not None else request.spec.metadata.nesting
    if nesting > most:
        why = f"{nesting} is too deep: flyteadmin.maxNesting allows {most} executions below one another"
        raise invalid("spec.metadata.nesting", why)


def inherited(
    request: ExecutionCreateRequest, caller: str, parent: ExecutionSpecification | None, *, is_engine: bool
) -> Inherited:
    """Return the parent's principal, one level more than its nesting, and its cluster label if any (HIE-03, HIE-04).

    Anybody can name a parent, but its principal is lent to propeller alone.
    """
    metadata, label = request.spec.metadata, request.spec.execution_cluster_label.value
    if parent is None:
        return Inherited(caller, metadata.nesting, label)
    principal = parent.principal if is_engine else caller
    return Inherited(principal, int(parent.nesting) + 1, parent.cluster_label or label, parent.execution)
