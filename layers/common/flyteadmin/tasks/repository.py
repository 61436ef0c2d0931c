"""Tasks in DynamoDB: stored once per version, read by key, listed by registration time."""

from flyteidl.admin.task_pb2 import Task, TaskClosure
from flyteidl.core.compiler_pb2 import CompiledTask
from flyteidl.core.identifier_pb2 import TASK, Identifier

from flyteadmin.clients import storage
from flyteadmin.clients.dynamodb.keys import Key, RawItem
from flyteadmin.clients.dynamodb.reads import get
from flyteadmin.clients.dynamodb.writes import Put
from flyteadmin.identifiers import entity_key
from flyteadmin.named_entities.repository import listing_key, version_key
from flyteadmin.tasks.models import TaskRow
from flyteadmin.timestamps import to_timestamp

_INLINE_BYTES = 32 * 1024


def key(identifier: Identifier) -> Key[TaskRow]:
    """The address of a version."""
    return Key(TaskRow, *entity_key(identifier))


def read(identifier: Identifier) -> TaskRow | None:
    """A version; one consistent request."""
    return get(key(identifier))


def first(row: TaskRow, closure: bytes) -> Put:
    """What stores a version unless there is one; a large closure is written to S3 first."""
    row.listing = listing_key(row.name)
    row.by_version = version_key(row.listing, row.version)
    if len(closure) > _INLINE_BYTES:
        row.closure_uri = storage.write_once(closure, "metadata", "admin", *row.name.split(":", 2), row.version)
    else:
        row.closure = closure
    return Put(row, TaskRow.name.does_not_exist())


def from_raw(raw: RawItem) -> TaskRow:
    """The row that came with a failed condition."""
    return TaskRow.from_raw_data(raw)


def blob(row: TaskRow) -> bytes | None:
    """The closure of a row that is too large for it."""
    return storage.read_immutable(row.closure_uri or "") if row.closure is None else None


def compiled(row: TaskRow) -> CompiledTask:
    """The compiled task of a row, from S3 if it is large."""
    return CompiledTask.FromString(row.closure or blob(row) or b"")


def message(row: TaskRow) -> Task:
    """The task as clients read it."""
    project, domain, name = row.name.split(":", 2)
    return Task(
        id=Identifier(resource_type=TASK, project=project, domain=domain, name=name, version=row.version),
        closure=TaskClosure(compiled_task=compiled(row), created_at=to_timestamp(row.created_at)),
        short_description=row.short_description,
    )
