"""Workflows in DynamoDB, their compiled closures in S3: stored once per version, listed by registration time."""

from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.interface_pb2 import TypedInterface

from flyteadmin.clients import storage
from flyteadmin.clients.dynamodb.keys import Key
from flyteadmin.clients.dynamodb.reads import get
from flyteadmin.clients.dynamodb.writes import Put
from flyteadmin.identifiers import entity_blob_parts, entity_key, scope_key, version_key
from flyteadmin.named_entities.conflicts import digest
from flyteadmin.workflows.models import WorkflowRow

_INLINE_BYTES = 64 * 1024


def key(identifier: Identifier) -> Key[WorkflowRow]:
    """Return the address of a version."""
    return Key(WorkflowRow, *entity_key(identifier))


def read(identifier: Identifier) -> WorkflowRow | None:
    """Read a version; one consistent request."""
    return get(key(identifier))


def new_version(
    identifier: Identifier, closure: CompiledWorkflowClosure, now: int, short_description: str = ""
) -> WorkflowRow:
    """Write a version's closure to S3, under upstream's prefix and once per content (REG-10); return its row."""
    body = closure.SerializeToString(deterministic=True)
    name, version = entity_key(identifier)
    return WorkflowRow(
        name=name,
        version=version,
        created_at=now,
        digest=digest(closure),
        short_description=short_description,
        interface=inline_interface(closure.primary.template.interface),
        closure_uri=storage.write_once(body, *entity_blob_parts(name, version)),
    )


def first(row: WorkflowRow) -> Put:
    """Return the write that stores a version unless there is one."""
    row.listing = scope_key(row.name)
    row.by_version = version_key(row.listing, row.version)
    return Put(row, WorkflowRow.name.does_not_exist())


def closure(row: WorkflowRow) -> CompiledWorkflowClosure:
    """Return the compiled closure of a row."""
    return CompiledWorkflowClosure.FromString(storage.read_immutable(row.closure_uri))


def inline_interface(interface: TypedInterface) -> bytes | None:
    """Return an interface as the row holds it; a large one is only in the closure."""
    stored = interface.SerializeToString(deterministic=True)
    return stored if 0 < len(stored) <= _INLINE_BYTES else None


def blob(row: WorkflowRow) -> bytes | None:
    """Read the closure of a row whose interface is too large for it."""
    return storage.read_immutable(row.closure_uri) if not row.interface else None


def interface(row: WorkflowRow) -> TypedInterface:
    """Return the inputs and outputs of the workflow."""
    if not row.interface:
        return closure(row).primary.template.interface
    return TypedInterface.FromString(row.interface)
