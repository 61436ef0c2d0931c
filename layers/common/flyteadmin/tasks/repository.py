"""Tasks in DynamoDB: stored once per version, read by key, listed by registration time."""

from flyteidl.core.compiler_pb2 import CompiledTask
from flyteidl.core.identifier_pb2 import Identifier

from flyteadmin.clients import storage
from flyteadmin.clients.dynamodb.keys import Key
from flyteadmin.clients.dynamodb.reads import get
from flyteadmin.clients.dynamodb.writes import Put
from flyteadmin.identifiers import entity_blob_parts, entity_key, scope_key, version_key
from flyteadmin.named_entities.conflicts import digest
from flyteadmin.tasks.models import TaskRow


def key(identifier: Identifier) -> Key[TaskRow]:
    """Return the address of a version."""
    return Key(TaskRow, *entity_key(identifier))


def read(identifier: Identifier) -> TaskRow | None:
    """Read a version; one consistent request."""
    return get(key(identifier))


def new_version(identifier: Identifier, task: CompiledTask, now: int, short_description: str = "") -> TaskRow:
    """Return a version's row without its closure, which `first` adds; `now` is in ns."""
    name, version = entity_key(identifier)
    return TaskRow(
        name=name,
        version=version,
        created_at=now,
        digest=digest(task),
        task_type=task.template.type,
        short_description=short_description,
    )


def first(row: TaskRow, closure: bytes) -> Put:
    """Return the write that stores a version unless there is one; a large closure goes to S3 first."""
    row.listing = scope_key(row.name)
    row.by_version = version_key(row.listing, row.version)
    row.closure, row.closure_uri = storage.inline_or_uri(closure, *entity_blob_parts(row.name, row.version))
    return Put(row, TaskRow.name.does_not_exist())


def blob(row: TaskRow) -> bytes | None:
    """Read the closure of a row from S3 if it is too large for the row, else return None."""
    return storage.read_immutable(row.closure_uri or "") if row.closure is None else None


def compiled(row: TaskRow) -> CompiledTask:
    """Return the compiled task of a row, from S3 if it is large."""
    return CompiledTask.FromString(closure(row))


def closure(row: TaskRow) -> bytes:
    """Return the binary form of a row's compiled task, from S3 if it is large."""
    return row.closure or blob(row) or b""
