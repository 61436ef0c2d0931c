"""Strips from interfaces what propeller doesn't need, to keep the resource small (`transformers/k8s/utils.go`)."""

from flyteidl.core.interface_pb2 import TypedInterface
from flyteidl.core.types_pb2 import LiteralType

_CACHE_KEY_METADATA = "cache-key-metadata"


def strip_interface(interface: TypedInterface) -> None:
    """Drop descriptions, type metadata and annotations, in place."""
    for variables in (interface.inputs.variables, interface.outputs.variables):
        for variable in variables.values():
            strip_type(variable.type)
            variable.ClearField("description")


def strip_type(kind: LiteralType) -> None:
    """Drop metadata and annotations at every depth, in place; an annotation that shapes cache keys stays."""
    if not kind.ByteSize():
        return  # clearing a field of an absent message would make it present
    kind.ClearField("metadata")
    if _CACHE_KEY_METADATA not in kind.annotation.annotations.fields:
        kind.ClearField("annotation")
    for field in kind.structure.dataclass_type.values():
        strip_type(field)
    target = kind.WhichOneof("type")
    if target == "union_type":
        for variant in kind.union_type.variants:
            strip_type(variant)
    elif target == "map_value_type":
        strip_type(kind.map_value_type)
    elif target == "collection_type":
        strip_type(kind.collection_type)
    elif target == "structured_dataset_type":
        for column in kind.structured_dataset_type.columns:
            strip_type(column.literal_type)
