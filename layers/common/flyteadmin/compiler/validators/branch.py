"""The interface of a branch node: the outputs that all of its cases give (`validators/branch.go`)."""

from collections import Counter
from collections.abc import Callable

from flyteadmin.compiler import errors as e
from flyteadmin.compiler.builders import Interface, NodeBuilder, Variables, WorkflowBuilder
from flyteadmin.compiler.validators.bindings import validate_bindings
from flyteadmin.compiler.validators.condition import compared_variables
from flyteadmin.compiler.validators.vars import validate_var_type

FindInterface = Callable[[WorkflowBuilder, NodeBuilder, e.ErrorCollector], Interface | None]


def validate_branch_interface(
    workflow: WorkflowBuilder, node: NodeBuilder, find_interface: FindInterface, errors: e.ErrorCollector
) -> Interface | None:
    """Name the nodes of all cases `<branch>-<node>` and meet their outputs; the inputs are what the node binds.

    An input that one condition reads may be an attribute of an output, which upstream's compiler refuses although
    flytepropeller resolves it. `find_interface` is `validate_underlying_interface`, which calls this function in turn.
    """
    missing = _missing(node)
    if missing:
        errors.collect(e.value_required(node.id, missing))
        return None
    mark = errors.mark()
    outputs: Variables | None = None
    for child in _children(node, errors):
        child.core.id = f"{node.id}-{child.id}"
        interface = find_interface(workflow, child, errors)
        if interface is not None:
            outputs = interface.outputs if outputs is None else _common(child.id, outputs, interface.outputs, errors)
    inputs = validate_bindings(
        workflow,
        node,
        {},
        check_types=False,
        direction="upstream",
        errors=errors,
        by_attribute={name for name, count in _comparisons(node).items() if count == 1},
    )
    return Interface(inputs, dict(outputs)) if errors.clean_since(mark) and outputs is not None else None


def attributes_compared_twice(node: NodeBuilder) -> list[e.CompileError]:
    """Find inputs that are bound to an attribute and compared more than once.

    flytekit names an input by its node and output alone and binds only the first of several attributes, so that such an
    input may stand for two attributes.
    """
    compared = _comparisons(node)
    bound = [binding.var for binding in node.core.inputs if binding.binding.promise.attr_path]
    return [e.attribute_compared_twice(node.id, name) for name in bound if compared[name] > 1]


def _comparisons(node: NodeBuilder) -> Counter[str]:
    """Count how many operands of the conditions read each input."""
    return Counter(variable for block, _ in node.cases for variable in compared_variables(block.condition))


def _missing(node: NodeBuilder) -> str:
    branch = node.core.branch_node
    if not branch.HasField("if_else"):
        return "Branch.IfElse"
    if not branch.if_else.HasField("case"):
        return "Branch.IfElse.Case"
    return "" if branch.if_else.case.HasField("then_node") else "Branch.IfElse.Case.ThenNode"


def _children(node: NodeBuilder, errors: e.ErrorCollector) -> list[NodeBuilder]:
    children = [child for _, child in node.cases if child is not None]
    if len(children) < len(node.cases):
        errors.collect(e.value_required(node.id, "IfElse.Case.ThenNode"))
    return [*children, node.else_node] if node.else_node else children


def _common(node_id: str, outputs: Variables, others: Variables, errors: e.ErrorCollector) -> Variables:
    common = {name: variable for name, variable in outputs.items() if name in others}
    for name, variable in common.items():
        validate_var_type(node_id, name, variable, others[name].type, errors)
    return common
