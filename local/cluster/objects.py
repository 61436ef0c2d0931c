"""One stored object: typed metadata around a body that the server keeps as it was sent."""

import re
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

from local.cluster.kinds import NAMESPACES, Kind
from local.cluster.status import Cause, Manifest, bad_request

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)
_LABEL_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)


class OwnerReference(BaseModel):
    """The owner of an object; stored only."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(BaseModel):
    """An object's metadata; unknown fields are pruned, as a real server does."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, strict=True)

    name: str = ""
    generate_name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    generation: int | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None
    finalizers: list[str] | None = None
    managed_fields: list[dict[str, JsonValue]] | None = None

    @property
    def version(self) -> int:
        """The resource version as a number; 0 when there is none."""
        return int(self.resource_version or 0)


class Object(BaseModel):
    """A stored object; whatever stands beside the metadata is kept untouched."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="allow")
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()

    @classmethod
    def parse(cls, manifest: JsonValue) -> Self:
        """Return an object from JSON.

        Raises:
            Refused: 400, a metadata field has the wrong type.
        """
        try:
            return cls.model_validate(manifest)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise bad_request(f"json: cannot unmarshal into field {field}: {first['msg']}") from error

    @property
    def body(self) -> Manifest:
        """Everything but type and metadata."""
        return self.__pydantic_extra__

    def manifest(self) -> Manifest:
        metadata = self.metadata.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata, **self.body}

    def with_metadata(self, **changes: object) -> Self:
        """Return the same object with some fields of its metadata changed."""
        return self.model_copy(update={"metadata": self.metadata.model_copy(update=changes)})


def validate(kind: Kind, item: Object) -> None:
    """Check what a real server checks of any object: its type, name, labels and finalizers.

    Raises:
        Refused: 400 for another API version, 422 that names the field otherwise.
    """
    if item.api_version != kind.api_version:
        raise bad_request(
            f"the API version in the data ({item.api_version}) does not match "
            f"the expected API version ({kind.api_version})"
        )
    if item.kind != kind.kind:
        raise kind.invalid(item.metadata.name, _invalid("kind", item.kind, f"must be {kind.kind}"))
    for cause in (_name_fault(kind, item.metadata), _labels_fault(item.metadata), _finalizers_fault(item.metadata)):
        if cause:
            raise kind.invalid(item.metadata.name, cause)


def _name_fault(kind: Kind, metadata: ObjectMeta) -> Cause | None:
    if not metadata.name:
        return Cause("FieldValueRequired", "metadata.name", "Required value: name or generateName is required")
    pattern, limit = (_DNS_LABEL, 63) if kind == NAMESPACES else (_SUBDOMAIN, 253)
    if len(metadata.name) > limit:
        return _invalid("metadata.name", metadata.name, f"must be no more than {limit} characters")
    if not pattern.fullmatch(metadata.name):
        return _invalid("metadata.name", metadata.name, _SUBDOMAIN_RULE)
    return None


def _labels_fault(metadata: ObjectMeta) -> Cause | None:
    for key, value in (metadata.labels or {}).items():
        if not _is_qualified_name(key):
            return _invalid(
                "metadata.labels", key, "name part must consist of alphanumeric characters, '-', '_' or '.'"
            )
        if len(value) > 63:
            return _invalid("metadata.labels", value, "must be no more than 63 characters")
        if value and not _LABEL_NAME.fullmatch(value):
            return _invalid("metadata.labels", value, _LABEL_RULE)
    return None


def _finalizers_fault(metadata: ObjectMeta) -> Cause | None:
    for finalizer in metadata.finalizers or []:
        if not (_is_qualified_name(finalizer) and "/" in finalizer):
            return _invalid("metadata.finalizers", finalizer, "name is neither a standard finalizer name nor qualified")
    return None


def _is_qualified_name(key: str) -> bool:
    prefix, separator, name = key.rpartition("/")
    if separator and not _SUBDOMAIN.fullmatch(prefix):
        return False
    return len(name) <= 63 and _LABEL_NAME.fullmatch(name) is not None


def _invalid(field: str, value: str, why: str) -> Cause:
    return Cause("FieldValueInvalid", field, f'Invalid value: "{value}": {why}')
