"""Variables of nodes: whether they exist and are typed (`validators/vars.go`)."""

from flyteidl.core.interface_pb2 import Variable
from flyteidl.core.types_pb2 import LiteralType

from flyteadmin.compiler import errors as e
from flyteadmin.compiler.builders import EffectiveOutputs, NodeBuilder, Variables
from flyteadmin.pretty_print import literal_type_to_str


def validate_output_var(node: NodeBuilder, name: str, errors: e.ErrorCollector) -> Variable | None:
    """Return the output of that name or alias, or nothing after saying what is wrong."""
    mark = errors.mark()
    outputs = effective_outputs(node, errors)
    if not errors.clean_since(mark):
        return None
    if name not in outputs:
        errors.collect(e.variable_name_not_found(node.id, node.id, name))
        return None
    return outputs[name]


def validate_input_var(node: NodeBuilder, name: str, errors: e.ErrorCollector) -> Variable | None:
    """Return the input of that name, or None; a binding of that name is enough: a branch types its inputs by them."""
    if node.interface is None:
        return None
    if name in node.interface.inputs:
        return node.interface.inputs[name]
    if not any(binding.var == name for binding in node.core.inputs):
        errors.collect(e.variable_name_not_found(node.id, node.id, name))
    return None


def validate_var_type(
    node_id: str, name: str, variable: Variable, expected: LiteralType, errors: e.ErrorCollector
) -> None:
    """Two cases of a branch must give the same type under the same name."""
    if variable.type != expected:
        shown = literal_type_to_str(variable.type), literal_type_to_str(expected)
        errors.collect(e.mismatching_types(node_id, name, *shown))


def validate_variables(node_id: str, variables: Variables, errors: e.ErrorCollector) -> None:
    """Each variable has a name and a type."""
    for name, variable in variables.items():
        if not name:
            errors.collect(e.value_required(node_id, "paramName"))
        if not variable.HasField("type"):
            errors.collect(e.value_required(node_id, "param.Type"))


def effective_outputs(node: NodeBuilder, errors: e.ErrorCollector) -> Variables:
    """Return a node's outputs under their aliases; computed once, the errors are reported each time (`node.go`)."""
    if node.effective_outputs is not None:
        errors.collect(*node.effective_outputs.errors)
        return node.effective_outputs.variables
    mark = errors.mark()
    aliases: dict[str, str] = {}
    for alias in node.core.output_aliases:
        if alias.var in aliases:
            errors.collect(e.duplicate_alias(node.id, alias.alias))
        else:
            aliases[alias.var] = alias.alias
    if node.interface is None:
        return {}
    outputs = node.interface.outputs
    variables = {aliases.get(name, name): variable for name, variable in outputs.items()} if aliases else outputs
    errors.collect(*(e.parameter_not_bound(node.id, aliases[name]) for name in aliases if name not in outputs))
    node.effective_outputs = EffectiveOutputs(variables, errors.since(mark))
    return variables
