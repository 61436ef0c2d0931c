"""What an execution inherits from the one whose node launches it; pure.

Source: flyteadmin execution_manager.go getInheritedExecMetadata. The node's own row is not read: its event may
still be in the queue, and on NOT_FOUND propeller fails the node for good (flytepropeller launchplan/admin.go).
"""

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest
from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier

from flyteadmin.errors import missing
from flyteadmin.executions.models import ExecutionSpecification
from flyteadmin.validation import validate_set


def parent_of(request: ExecutionCreateRequest) -> NodeExecutionIdentifier | None:
    """The node that launches the execution, if one does.

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


def inherited(request: ExecutionCreateRequest, parent: ExecutionSpecification) -> ExecutionCreateRequest:
    """The request one level deeper than its parent, and on its cluster label if that has one (HIE-03, HIE-04)."""
    child = ExecutionCreateRequest()
    child.CopyFrom(request)
    child.spec.metadata.nesting = int(parent.nesting) + 1
    if parent.cluster_label:
        child.spec.execution_cluster_label.value = parent.cluster_label
    return child
