"""Descriptions in DynamoDB, written with the version that they describe."""

from flyteidl.admin.description_entity_pb2 import DescriptionEntity
from flyteidl.core.identifier_pb2 import Identifier, ResourceType

from flyteadmin.clients import storage
from flyteadmin.clients.dynamodb.keys import Key
from flyteadmin.clients.dynamodb.reads import get
from flyteadmin.clients.dynamodb.writes import Put
from flyteadmin.description_entities.models import DescriptionEntityRow
from flyteadmin.errors import too_long
from flyteadmin.identifiers import entity_key

_INLINE_BYTES = 32 * 1024


def read(identifier: Identifier) -> DescriptionEntity | None:
    """The description of a version, None where it came without one; one consistent request."""
    name, version = entity_key(identifier)
    key = Key(DescriptionEntityRow, f"{ResourceType.Name(identifier.resource_type)}:{name}", version)
    row = get(key)
    return message(row) if row is not None else None


def blob(row: DescriptionEntityRow) -> bytes | None:
    """The description of a row that is too large for it."""
    return storage.read_immutable(row.description_uri or "") if row.description is None else None


def message(row: DescriptionEntityRow) -> DescriptionEntity:
    """A description as clients read it, its parts never absent."""
    described = DescriptionEntity.FromString(row.description or blob(row) or b"")
    described.long_description.SetInParent()
    described.source_code.SetInParent()
    return described


def description(entity: DescriptionEntity, identifier: Identifier, now: int) -> Put:
    """What stores a version's description beside it (REG-25); a large one is written to S3 first. `now` is in ns.

    Raises:
        InvalidArgument: the short description, which lists show, is longer than a row can hold.
    """
    if len(entity.short_description.encode()) > _INLINE_BYTES:
        raise too_long("short_description", _INLINE_BYTES)
    name, version = entity_key(identifier)
    described = DescriptionEntity()
    described.CopyFrom(entity)
    described.id.CopyFrom(identifier)
    body = described.SerializeToString(deterministic=True)
    row = DescriptionEntityRow(
        name=f"{ResourceType.Name(identifier.resource_type)}:{name}", version=version, created_at=now
    )
    if len(body) > _INLINE_BYTES:
        parts = ("metadata", "admin", identifier.project, identifier.domain, identifier.name, version)
        row.description_uri = storage.write_once(body, *parts[:-1], f"{version}-description")
    else:
        row.description = body
    return Put(row)
