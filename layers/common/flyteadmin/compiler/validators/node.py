"""A node as a whole: its id, interface, aliases and, for a branch, its cases (`validators/node.go`)."""

from flyteadmin.compiler import errors as e
from flyteadmin.compiler.builders import EdgeDirection, NodeBuilder, WorkflowBuilder
from flyteadmin.compiler.index import END_NODE_ID, START_NODE_ID, key
from flyteadmin.compiler.validators.bindings import validate_bindings
from flyteadmin.compiler.validators.branch import attributes_compared_twice
from flyteadmin.compiler.validators.condition import validate_boolean_expression
from flyteadmin.compiler.validators.interface import validate_underlying_interface
from flyteadmin.compiler.validators.vars import effective_outputs


def validate_node(workflow: WorkflowBuilder, node: NodeBuilder, errors: e.ErrorCollector) -> bool:
    """Check a node and sort its explicit upstream nodes; whether it is in order.

    A sub-workflow must have been compiled before; a broken one breaks the nodes that run it.
    """
    mark = errors.mark()
    if not node.id:
        errors.collect(e.value_required("<node>", "Id"))
    if node.id in (START_NODE_ID, END_NODE_ID):
        return True
    if validate_underlying_interface(workflow, node, errors) is not None:
        effective_outputs(node, errors)
    if len(node.core.upstream_node_ids) > 1:
        node.core.upstream_node_ids.sort()
    if node.core.WhichOneof("target") == "branch_node":
        _validate_branch_node(workflow, node, errors)
    return errors.clean_since(mark) and not _runs_broken_workflow(workflow, node)


def add_edges(workflow: WorkflowBuilder, node: NodeBuilder, direction: EdgeDirection, errors: e.ErrorCollector) -> None:
    """Record the edges that a node declares or that its bindings imply, checking the bindings' types."""
    if node.interface is None:
        return
    if direction == "bidirectional":
        for upstream in node.core.upstream_node_ids:
            workflow.add_edge(upstream, node.id, direction)
    validate_bindings(workflow, node, node.interface.inputs, check_types=True, direction=direction, errors=errors)


def _runs_broken_workflow(workflow: WorkflowBuilder, node: NodeBuilder) -> bool:
    reference = node.core.workflow_node.sub_workflow_ref
    broken = workflow.library.broken_sub_workflows
    return bool(broken) and node.core.WhichOneof("target") == "workflow_node" and key(reference) in broken


def _validate_branch_node(workflow: WorkflowBuilder, node: NodeBuilder, errors: e.ErrorCollector) -> None:
    """Check all cases; only if every one is in order are their edges recorded."""
    mark = errors.mark()
    children = _validate_cases(node, errors)
    valid = [validate_node(workflow, child, errors) for child in children]
    if errors.clean_since(mark) and all(valid):
        for child in children:
            add_edges(workflow, child, "upstream", errors)


def _validate_cases(node: NodeBuilder, errors: e.ErrorCollector) -> list[NodeBuilder]:
    if_else = node.core.branch_node.if_else
    if not if_else.HasField("case"):
        errors.collect(e.branch_node_has_no_condition(node.id))
    errors.collect(*attributes_compared_twice(node))
    children: list[NodeBuilder] = []
    for block, child in node.cases:
        if block.HasField("condition"):
            validate_boolean_expression(node, block.condition, errors)
        else:
            errors.collect(e.branch_node_has_no_condition(node.id))
        if child is None:
            errors.collect(e.branch_node_not_specified(node.id))
        else:
            children.append(child)
    if node.else_node is not None:
        children.append(node.else_node)
    elif if_else.WhichOneof("default") is None:
        errors.collect(e.branch_node_has_no_default(node.id))
    return children
