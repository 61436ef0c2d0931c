"""Descriptions in DynamoDB, written with the version that they describe."""

from flyteidl.admin.description_entity_pb2 import DescriptionEntity
from flyteidl.admin.task_pb2 import TaskCreateRequest
from flyteidl.admin.workflow_pb2 import WorkflowCreateRequest
from flyteidl.core.identifier_pb2 import Identifier, ResourceType

from flyteadmin.clients import storage
from flyteadmin.clients.dynamodb.keys import Key
from flyteadmin.clients.dynamodb.reads import get
from flyteadmin.clients.dynamodb.writes import Put
from flyteadmin.description_entities.models import DescriptionEntityRow
from flyteadmin.errors import too_long
from flyteadmin.identifiers import entity_blob_parts, entity_key


def key(identifier: Identifier) -> Key[DescriptionEntityRow]:
    """Return the address of a version's description."""
    name, version = entity_key(identifier)
    return Key(DescriptionEntityRow, f"{ResourceType.Name(identifier.resource_type)}:{name}", version)


def read(identifier: Identifier) -> DescriptionEntityRow | None:
    """Read the description of a version, None where it came without one; one consistent request."""
    return get(key(identifier))


def blob(row: DescriptionEntityRow) -> bytes | None:
    """Read the description of a row from S3 if it is too large for the row, else return None."""
    return storage.read_immutable(row.description_uri or "") if row.description is None else None


def descriptions(request: TaskCreateRequest | WorkflowCreateRequest, now: int) -> list[Put]:
    """Return the write of the description that comes with a version, if one does; errors as `description`."""
    if not request.spec.HasField("description"):
        return []
    return [description(request.spec.description, request.id, now)]


def description(entity: DescriptionEntity, identifier: Identifier, now: int) -> Put:
    """Return the write of a version's description (REG-25); a large one goes to S3 first. `now` is in ns.

    Raises:
        InvalidArgument: the short description, which lists show, is longer than a row can hold.
    """
    if len(entity.short_description.encode()) > storage.INLINE_BYTES:
        raise too_long("short_description", storage.INLINE_BYTES)
    described = DescriptionEntity()
    described.CopyFrom(entity)
    described.id.CopyFrom(identifier)
    body = described.SerializeToString(deterministic=True)
    name, version = entity_key(identifier)
    row = DescriptionEntityRow(name=key(identifier).partition, version=version, created_at=now)
    row.description, row.description_uri = storage.inline_or_uri(
        body, *entity_blob_parts(name, f"{version}-description")
    )
    return Put(row)
