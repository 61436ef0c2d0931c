"""Validates workflows at registration; pure. Source: flyteadmin validation/workflow_validator.go."""

from flyteidl.admin.workflow_pb2 import WorkflowClosure, WorkflowCreateRequest, WorkflowList
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.workflow_pb2 import WorkflowMetadata

from flyteadmin.compiler.index import END_NODE_ID, START_NODE_ID
from flyteadmin.compiler.quantity import parse_quantity
from flyteadmin.errors import InvalidArgument, invalid, missing
from flyteadmin.pretty_print import to_text
from flyteadmin.settings import Registration
from flyteadmin.validation import validate_depth


def validate_workflow(request: WorkflowCreateRequest) -> None:
    """Check that there is a workflow to compile, of failure policies that propeller knows: it reads no other resource.

    Raises:
        InvalidArgument: there is none, or a policy is unknown.
    """
    if not request.HasField("spec") or not request.spec.HasField("template"):
        raise missing("spec")
    for template in (request.spec.template, *request.spec.sub_workflows):
        if template.metadata.on_failure not in WorkflowMetadata.OnFailurePolicy.values():
            raise invalid("metadata.on_failure", "unknown policy number")


def validate_compiled(identifier: Identifier, closure: CompiledWorkflowClosure, limits: Registration) -> None:
    """Check the size and the number of nodes (REG-09; an empty limit is none), and that clients can parse a list of it.

    Raises:
        InvalidArgument: it is too large, there are too many nodes, or they are nested too deep.
    """
    size = limits.workflow_size_limit
    if size and WorkflowClosure(compiled_workflow=closure).ByteSize() > parse_quantity(size).amount:
        raise InvalidArgument(f"Workflow closure size exceeds max limit [{size}]")
    nodes = sum(node.id not in {START_NODE_ID, END_NODE_ID} for node in closure.primary.template.nodes)
    if limits.max_workflow_nodes and nodes > limits.max_workflow_nodes:
        raise InvalidArgument(
            f"number of nodes in workflow [{to_text(identifier)}] exceeds limit ({nodes} > {limits.max_workflow_nodes})"
        )
    listed = WorkflowList()
    listed.workflows.add().closure.compiled_workflow.CopyFrom(closure)
    validate_depth(listed)
