"""Checks a node's bindings: each fits its parameter, each parameter is bound (`validators/bindings.go`)."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from flyteidl.core.interface_pb2 import Variable
from flyteidl.core.literals_pb2 import Binding, BindingData
from flyteidl.core.types_pb2 import NONE, LiteralType, OutputReference
from google.protobuf.message import Message

from flyteadmin.compiler import errors as e
from flyteadmin.compiler.builders import EdgeDirection, NodeBuilder, Variables, WorkflowBuilder
from flyteadmin.compiler.index import START_NODE_ID
from flyteadmin.compiler.validators.typing import are_types_castable
from flyteadmin.compiler.validators.utils import literal_type_for_scalar
from flyteadmin.compiler.validators.vars import validate_output_var
from flyteadmin.pretty_print import literal_type_to_str, to_text

_VARIABLE = re.compile(r"(\[(\d+)\]\.)?(\w+)", re.ASCII)
_UNTYPED = Variable(type=LiteralType(simple=NONE))
_MAX_INDEX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Resolved:
    """The type of a bound value and the nodes that it comes from.

    `attribute` is the type of the attribute that a promise names, where it names one.
    """

    type: LiteralType
    upstream: Sequence[str] = ()
    attribute: LiteralType | None = None


@dataclass(frozen=True, slots=True)
class _Sink:
    """The parameter that is being bound, and where its errors go."""

    workflow: WorkflowBuilder
    node: NodeBuilder
    name: str
    check_types: bool
    errors: e.ErrorCollector


def validate_bindings(
    workflow: WorkflowBuilder,
    node: NodeBuilder,
    params: Variables,
    *,
    check_types: bool,
    direction: EdgeDirection,
    errors: e.ErrorCollector,
    by_attribute: Collection[str] = (),
) -> dict[str, Variable]:
    """Check a node's inputs against `params`, record the edges that they imply, and return the resolved inputs.

    Without `check_types` any name may be bound: this is how the inputs of branch and gate nodes are found. An input
    named in `by_attribute` gets the type of the attribute that it is bound to, any other the type of the whole output.
    """
    resolved: dict[str, Variable] = {}
    bound: set[str] = set()
    for binding in node.core.inputs:
        param = params.get(binding.var)
        if param is None and check_types:
            errors.collect(e.variable_name_not_found(node.id, node.id, binding.var))
        elif not binding.HasField("binding"):
            errors.collect(e.value_required(node.id, "Binding"))
        elif binding.var in bound:
            errors.collect(e.parameter_bound_more_than_once(node.id, binding.var))
        else:
            bound.add(binding.var)
            found = _bind(_Sink(workflow, node, binding.var, check_types, errors), binding, param or _UNTYPED)
            for upstream in found.upstream if found else ():
                workflow.add_edge(upstream, node.id, direction)
            if found:
                attribute = found.attribute if binding.var in by_attribute else None
                resolved[binding.var] = Variable(type=attribute or found.type)
    unbound = (name for name, param in params.items() if name not in bound and not is_optional_type(param.type))
    errors.collect(*(e.parameter_not_bound(node.id, name) for name in unbound))
    return resolved


def is_optional_type(kind: LiteralType) -> bool:
    """Return whether a parameter may stay unbound: a union with none.

    As upstream has it, any variant that is no simple type counts as none (`GetSimple` defaults to NONE).
    """
    return kind.WhichOneof("type") == "union_type" and any(v.simple == NONE for v in kind.union_type.variants)


def _bind(sink: _Sink, binding: Binding, param: Variable) -> Resolved | None:
    return _validate(sink, binding.binding, param.type)


def _validate(sink: _Sink, binding: BindingData, expected: LiteralType) -> Resolved | None:
    """Nothing after an error; the edges of what is right are kept even if its neighbour is wrong."""
    value = binding.WhichOneof("value")
    if value == "promise":
        return _validate_promise(sink, binding.promise, expected)
    if value == "scalar":
        return _validate_scalar(sink, binding, expected)
    if expected.WhichOneof("type") == "union_type":
        return _validate_union(sink, binding, expected)
    if value == "collection" and expected.WhichOneof("type") == "collection_type":
        found = _validate_all(sink, binding.collection.bindings, expected.collection_type)
        return found and Resolved(LiteralType(collection_type=found.type), found.upstream)
    if value == "map" and expected.WhichOneof("type") == "map_value_type":
        found = _validate_all(sink, binding.map.bindings.values(), expected.map_value_type)
        return found and Resolved(LiteralType(map_value_type=found.type), found.upstream)
    received = to_text(getattr(binding, value)) if value in ("collection", "map") else _go_type(binding)
    sink.errors.collect(e.mismatching_bindings(sink.node.id, sink.name, to_text(expected), received))
    return None


def _validate_all(sink: _Sink, bindings: Iterable[BindingData], expected: LiteralType) -> Resolved | None:
    mark = sink.errors.mark()
    upstream: list[str] = []
    kind = LiteralType()
    for binding in bindings:
        found = _validate(sink, binding, expected)
        if found:
            upstream.extend(found.upstream)
            kind = found.type
    return Resolved(kind, upstream) if sink.errors.clean_since(mark) else None


def _validate_union(sink: _Sink, binding: BindingData, expected: LiteralType) -> Resolved | None:
    """Check variants: a list or a map must fit exactly one; scalars and promises are cast to the union as a whole."""
    matches: list[tuple[LiteralType, Resolved]] = []
    for variant in expected.union_type.variants:
        errors = e.ErrorCollector()
        found = _validate(replace(sink, errors=errors), binding, variant)
        if found:
            matches.append((variant, found))
        if len(matches) > 1:
            sink.errors.collect(
                e.ambiguous_binding_union_value(
                    sink.node.id,
                    sink.name,
                    expected=to_text(expected),
                    binding=to_text(binding),
                    matches=(to_text(matches[0][0]), to_text(matches[1][0])),
                )
            )
            return None
    if matches:
        return matches[0][1]
    shown = to_text(expected), to_text(binding)
    sink.errors.collect(e.incompatible_binding_union_value(sink.node.id, sink.name, *shown))
    return None


def _validate_scalar(sink: _Sink, binding: BindingData, expected: LiteralType) -> Resolved | None:
    mark = sink.errors.mark()
    scalar = binding.scalar
    kind = literal_type_for_scalar(scalar)
    if kind is None:
        sink.errors.collect(e.unrecognized_value(sink.node.id, _go_type(scalar) or "<nil>"))
    elif sink.check_types and not are_types_castable(kind, expected):
        shown = literal_type_to_str(kind), literal_type_to_str(expected)
        sink.errors.collect(e.mismatching_types(sink.node.id, sink.name, *shown))
    if expected.WhichOneof("type") == "enum_type":
        value, allowed = scalar.primitive.string_value, expected.enum_type.values
        if value not in allowed:
            sink.errors.collect(e.illegal_enum_value(sink.node.id, sink.name, value, allowed))
    return Resolved(kind) if kind and sink.errors.clean_since(mark) else None


def _go_type(message: Message) -> str:
    """Return the Go type of what the one oneof of a message holds."""
    value = message.WhichOneof("value")
    name = "".join(part.capitalize() for part in value.split("_")) if value else ""
    return f"*core.{message.DESCRIPTOR.name}_{name}" if name else ""


def _validate_promise(sink: _Sink, promise: OutputReference, expected: LiteralType) -> Resolved | None:
    """Check that the output exists and casts; an empty node id is written out as the start node's."""
    node_id = sink.node.id
    upstream = sink.workflow.nodes.get(promise.node_id or START_NODE_ID)
    if upstream is None:
        sink.errors.collect(e.node_reference_not_found(promise.node_id, promise.node_id))
        sink.errors.collect(e.parameter_not_bound(node_id, sink.name))
        return None
    variable = _parse_variable(promise.var)
    if variable is None:
        sink.errors.collect(e.syntax_error(node_id, promise.var))
        return None
    name, indexed = variable
    param = validate_output_var(upstream, name, sink.errors)
    if param is None:
        sink.errors.collect(e.parameter_not_bound(node_id, sink.name))
        return None
    shown = upstream.display_name(promise.var), sink.node.display_name(sink.name)
    source = _indexed(sink, param.type, shown, expected) if indexed else param.type
    return _cast(sink, promise, upstream, Resolved(param.type, (upstream.id,)), _Cast(source, expected, *shown))


@dataclass(frozen=True, slots=True)
class _Cast:
    source: LiteralType
    expected: LiteralType
    output_name: str
    input_name: str


def _cast(
    sink: _Sink, promise: OutputReference, upstream: NodeBuilder, resolved: Resolved, cast: _Cast
) -> Resolved | None:
    source = _attribute(sink, promise, cast.source)
    if source is None:
        return None
    if not sink.check_types or are_types_castable(source, cast.expected):
        promise.node_id = upstream.id
        return replace(resolved, attribute=source)
    shown = literal_type_to_str(source), literal_type_to_str(cast.expected)
    sink.errors.collect(e.mismatching_variables(sink.node.id, cast.output_name, shown[0], cast.input_name, shown[1]))
    return None


def _indexed(sink: _Sink, kind: LiteralType, shown: tuple[str, str], expected: LiteralType) -> LiteralType:
    """Return the type of an element; an output that is no list is an error, and stays as it is."""
    if kind.WhichOneof("type") == "collection_type":
        return kind.collection_type
    types = literal_type_to_str(kind), literal_type_to_str(expected)
    sink.errors.collect(e.mismatching_variables(sink.node.id, shown[0], types[0], shown[1], types[1]))
    return kind


def _attribute(sink: _Sink, promise: OutputReference, source: LiteralType) -> LiteralType | None:
    """Follow the attribute path into lists, maps and dataclasses; what has no such parts stays as it is."""
    for attribute in promise.attr_path:
        if source.HasField("collection_type"):
            source = source.collection_type
        elif source.HasField("map_value_type"):
            source = source.map_value_type
        elif source.structure.dataclass_type:
            field = attribute.string_value
            if field not in source.structure.dataclass_type:
                shown = to_text(source)
                sink.errors.collect(e.field_not_found(sink.node.id, promise.var, shown, field))
                return None
            source = source.structure.dataclass_type[field]
    return source


def _parse_variable(text: str) -> tuple[str, bool] | None:
    """("o0", False) of "o0", ("o0", True) of "[3].o0"; anything else is nothing (`typing/variable.go`)."""
    found = _VARIABLE.findall(text)
    if len(found) != 1 or int(found[0][1] or 0) > _MAX_INDEX:
        return None
    return found[0][2], bool(found[0][1])
