"""Looking entities and nodes up: identifiers as keys, and the nodes that a node holds (`common/index.go`)."""

from collections.abc import Iterable, Iterator

from flyteidl.core.compiler_pb2 import CompiledWorkflow
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.workflow_pb2 import IfElseBlock, Node, WorkflowTemplate

from flyteadmin.compiler import errors as e
from flyteadmin.pretty_print import to_text

START_NODE_ID = "start-node"
END_NODE_ID = "end-node"


def key(identifier: Identifier) -> bytes:
    """Return an identifier as a dictionary key."""
    return identifier.SerializeToString(deterministic=True)


def sorted_identifiers(identifiers: Iterable[Identifier]) -> tuple[Identifier, ...]:
    """By resource type, project, domain, name and version (`common/id_set.go`)."""
    return tuple(sorted(identifiers, key=lambda i: (i.resource_type, i.project, i.domain, i.name, i.version)))


def workflow_index(workflows: Iterable[CompiledWorkflow], errors: e.ErrorCollector) -> dict[bytes, CompiledWorkflow]:
    """Sub-workflows by key; one that is listed twice, or has no id, is an error."""
    index: dict[bytes, CompiledWorkflow] = {}
    for workflow in workflows:
        identifier = workflow.template.id
        if not workflow.template.HasField("id"):
            errors.collect(e.value_required("root", "Template.Id"))
        elif key(identifier) in index:
            errors.collect(e.duplicate_id(to_text(identifier)))
        else:
            index[key(identifier)] = workflow
    return index


def all_nodes(template: WorkflowTemplate, *, inside_arrays: bool = True) -> Iterator[Node]:
    """Every node of a template with the failure node, those inside branches and, if asked for, inside array nodes."""
    pending = [*template.nodes]
    if template.HasField("failure_node"):
        pending.append(template.failure_node)
    while pending:
        node = pending.pop()
        yield node
        target = node.WhichOneof("target")
        if target == "array_node" and inside_arrays:
            pending.append(node.array_node.node)
        elif target == "branch_node":
            pending.extend(_cases(node.branch_node.if_else))


def _cases(if_else: IfElseBlock) -> Iterator[Node]:
    yield if_else.case.then_node
    yield from (block.then_node for block in if_else.other)
    if if_else.WhichOneof("default") == "else_node":
        yield if_else.else_node
