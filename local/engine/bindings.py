"""A node's inputs from its bindings and the outputs of the nodes before it (propeller's nodes/resolve.go)."""

from collections.abc import Iterable, Mapping

from flyteidl.core.literals_pb2 import Binding, BindingData, Literal, LiteralCollection, LiteralMap

from flyteadmin.flyteworkflow.crd import NodeSpec
from local.engine.attributes import resolve_path
from local.engine.faults import BindingFault


def resolve(
    bindings: Iterable[Binding], outputs: Mapping[str, LiteralMap], nodes: Mapping[str, NodeSpec]
) -> LiteralMap:
    """Return the literals that the bindings name; `outputs` holds what finished nodes gave, start-node the inputs.

    Raises:
        BindingFault: a promise names an output that is not there.
    """
    return LiteralMap(literals={binding.var: _literal(binding.binding, outputs, nodes) for binding in bindings})


def _literal(data: BindingData, outputs: Mapping[str, LiteralMap], nodes: Mapping[str, NodeSpec]) -> Literal:
    match data.WhichOneof("value"):
        case "scalar":
            return Literal(scalar=data.scalar)
        case "collection":
            literals = [_literal(one, outputs, nodes) for one in data.collection.bindings]
            return Literal(collection=LiteralCollection(literals=literals))
        case "map":
            named = {name: _literal(one, outputs, nodes) for name, one in data.map.bindings.items()}
            return Literal(map=LiteralMap(literals=named))
        case "promise":
            return _promised(data, outputs, nodes)
        case _:
            return Literal()


def _promised(data: BindingData, outputs: Mapping[str, LiteralMap], nodes: Mapping[str, NodeSpec]) -> Literal:
    promise = data.promise
    aliases = (
        {alias.alias: alias.var for alias in nodes[promise.node_id].output_alias} if promise.node_id in nodes else {}
    )
    variable = aliases.get(promise.var, promise.var)
    given = outputs.get(promise.node_id, LiteralMap()).literals
    if variable not in given:
        raise BindingFault(f"Failed to find [{promise.node_id}].[{variable}]")
    return resolve_path(given[variable], promise.attr_path)
