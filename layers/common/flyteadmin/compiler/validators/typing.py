"""Decides whether a value of one type may be used where another is expected (`validators/typing.go`)."""

from typing import Literal

from flyteidl.core import types_pb2
from flyteidl.core.types_pb2 import LiteralType, SchemaType, SimpleType, StructuredDatasetType

from flyteadmin.compiler.validators.json_schema import is_super_type

_Column = SchemaType.SchemaColumn
_SCHEMA_COLUMNS: dict[int, SimpleType] = {
    _Column.INTEGER: types_pb2.INTEGER,
    _Column.FLOAT: types_pb2.FLOAT,
    _Column.STRING: types_pb2.STRING,
    _Column.BOOLEAN: types_pb2.BOOLEAN,
    _Column.DATETIME: types_pb2.DATETIME,
    _Column.DURATION: types_pb2.DURATION,
}


def are_types_castable(upstream: LiteralType, downstream: LiteralType) -> bool:
    """Return whether a value of type `upstream` may be bound where `downstream` is expected.

    A union of one variant is also tried as that variant.
    """
    return _Cast().is_possible(upstream, downstream)


class _Cast:
    """One cast with all those that it consists of.

    Which union fits which is found out once: a union of one is tried in two ways, and at each depth again.
    """

    def __init__(self) -> None:
        """Begin with no results; compared messages are kept alive, so that no `id()` comes up twice."""
        self._fits: dict[tuple[int, int], bool] = {}
        self._compared: list[tuple[LiteralType, LiteralType]] = []

    def is_possible(self, upstream: LiteralType, downstream: LiteralType) -> bool:
        if upstream.WhichOneof("type") == "union_type" and len(upstream.union_type.variants) == 1:
            return self._casts(upstream.union_type.variants[0], downstream) or self._casts(upstream, downstream)
        return self._casts(upstream, downstream)

    def _casts(self, upstream: LiteralType, downstream: LiteralType) -> bool:
        """Check as upstream's type checkers do: a union on the upstream side is compared as a whole."""
        match downstream.WhichOneof("type"):
            case "collection_type" | "map_value_type" as kind:
                return self._elements(upstream, downstream, kind)
            case "union_type":
                return self._union(upstream, downstream)
            case "structured_dataset_type":
                return self._structured_dataset(upstream, downstream.structured_dataset_type)
            case _:
                return _leaf(upstream, downstream)

    def _elements(
        self, upstream: LiteralType, downstream: LiteralType, kind: Literal["collection_type", "map_value_type"]
    ) -> bool:
        """Compare lists and maps by their elements; empty ones fit all."""
        if not upstream.HasField(kind):
            return False
        element: LiteralType = getattr(upstream, kind)
        return _is_none(element) or self._casts(element, getattr(downstream, kind))

    def _union(self, upstream: LiteralType, downstream: LiteralType) -> bool:
        """Each upstream variant must fit some variant; any other type must fit exactly one."""
        variants = downstream.union_type.variants
        if not upstream.HasField("union_type"):
            return sum(self.is_possible(upstream, variant) for variant in variants) == 1
        pair = id(upstream), id(downstream)
        if pair not in self._fits:
            self._compared.append((upstream, downstream))
            self._fits[pair] = all(any(self.is_possible(u, d) for d in variants) for u in upstream.union_type.variants)
        return self._fits[pair]

    def _structured_dataset(self, upstream: LiteralType, wanted: StructuredDatasetType) -> bool:
        """Compare structured datasets: one takes none, a schema if it may be parquet, or a dataset of its format."""
        if _is_none(upstream):
            return True
        if upstream.HasField("schema"):
            return _is_parquet(wanted) and _dataset_from_schema(upstream.schema, wanted)
        return upstream.HasField("structured_dataset_type") and self._dataset(upstream.structured_dataset_type, wanted)

    def _dataset(self, given: StructuredDatasetType, wanted: StructuredDatasetType) -> bool:
        if given.format and wanted.format and given.format.lower() != wanted.format.lower():
            return False
        kinds = {column.name: column.literal_type for column in given.columns}
        return not kinds or all(
            column.name in kinds and self._casts(kinds[column.name], column.literal_type) for column in wanted.columns
        )


def _leaf(upstream: LiteralType, downstream: LiteralType) -> bool:
    """Types that consist of no others."""
    if downstream.HasField("blob"):
        return _blob(upstream, downstream)
    if downstream.HasField("schema"):
        return _schema(upstream, downstream)
    return _is_none(upstream) if _is_none(downstream) else _trivial(upstream, downstream)


def _is_none(kind: LiteralType) -> bool:
    return kind.WhichOneof("type") == "simple" and kind.simple == types_pb2.NONE


def _trivial(upstream: LiteralType, downstream: LiteralType) -> bool:
    """Compare simple and enum types; an enum is a string both ways; a tag must be equal where upstream has one."""
    if upstream.HasField("enum_type") and downstream.simple == types_pb2.STRING:
        return True
    if downstream.HasField("enum_type") and upstream.simple == types_pb2.STRING:
        return True
    tag = upstream.structure.tag
    if tag and tag != downstream.structure.tag:
        return False
    if upstream.simple == types_pb2.STRUCT and downstream.simple == types_pb2.STRUCT:
        return _struct(upstream, downstream)
    kind = upstream.WhichOneof("type")
    if kind != downstream.WhichOneof("type"):
        return False
    return kind is None or bool(getattr(upstream, kind) == getattr(downstream, kind))


def _struct(upstream: LiteralType, downstream: LiteralType) -> bool:
    """By their JSON schemas, which stand in the metadata; without one on either side anything goes."""
    if not upstream.HasField("metadata") or not downstream.HasField("metadata"):
        return True
    return upstream.metadata == downstream.metadata or is_super_type(upstream.metadata, downstream.metadata)


def _blob(upstream: LiteralType, downstream: LiteralType) -> bool:
    """By format; no format on either side fits all. One file or many makes no difference here."""
    if not upstream.HasField("blob"):
        return False
    formats = upstream.blob.format, downstream.blob.format
    return not all(formats) or formats[0] == formats[1]


def _schema(upstream: LiteralType, downstream: LiteralType) -> bool:
    """Compare schemas: one takes a schema, or a structured dataset that is parquet, with at least its columns."""
    if upstream.HasField("schema"):
        columns = {column.name: column.type for column in upstream.schema.columns}
        return not columns or all(columns.get(column.name) == column.type for column in downstream.schema.columns)
    if not upstream.HasField("structured_dataset_type") or not _is_parquet(upstream.structured_dataset_type):
        return False
    kinds = {column.name: column.literal_type.simple for column in upstream.structured_dataset_type.columns}
    return not kinds or all(
        column.name in kinds and _SCHEMA_COLUMNS.get(column.type) == kinds[column.name]
        for column in downstream.schema.columns
    )


def _dataset_from_schema(given: SchemaType, wanted: StructuredDatasetType) -> bool:
    kinds = {column.name: column.type for column in given.columns}
    return not kinds or all(
        column.name in kinds and _SCHEMA_COLUMNS.get(kinds[column.name]) == column.literal_type.simple
        for column in wanted.columns
    )


def _is_parquet(dataset: StructuredDatasetType) -> bool:
    """Upstream's schemas can be stored as parquet only."""
    return dataset.format.lower() in {"", "parquet"}
