"""Workflows in DynamoDB, their compiled closures in S3: stored once per version, listed by registration time."""

from hashlib import sha256

from flyteidl.admin.workflow_pb2 import Workflow, WorkflowClosure
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import WORKFLOW, Identifier
from flyteidl.core.interface_pb2 import TypedInterface

from flyteadmin.clients import storage
from flyteadmin.clients.dynamodb.keys import Key, RawItem
from flyteadmin.clients.dynamodb.reads import get
from flyteadmin.clients.dynamodb.writes import Put
from flyteadmin.identifiers import entity_key
from flyteadmin.named_entities.repository import listing_key, version_key
from flyteadmin.timestamps import to_timestamp
from flyteadmin.workflows.models import WorkflowRow

_INLINE_BYTES = 64 * 1024


def key(identifier: Identifier) -> Key[WorkflowRow]:
    """The address of a version."""
    return Key(WorkflowRow, *entity_key(identifier))


def read(identifier: Identifier) -> WorkflowRow | None:
    """A version; one consistent request."""
    return get(key(identifier))


def new_version(
    identifier: Identifier, closure: CompiledWorkflowClosure, now: int, short_description: str = ""
) -> WorkflowRow:
    """A version's row; its closure is written to S3 here, under upstream's prefix, once per content (REG-10)."""
    body = closure.SerializeToString(deterministic=True)
    name, version = entity_key(identifier)
    scope = (identifier.project, identifier.domain, identifier.name, identifier.version)
    return WorkflowRow(
        name=name,
        version=version,
        created_at=now,
        digest=sha256(body).digest(),
        short_description=short_description,
        interface=inline_interface(closure.primary.template.interface),
        closure_uri=storage.write_once(body, "metadata", "admin", *scope),
    )


def first(row: WorkflowRow) -> Put:
    """What stores a version unless there is one."""
    row.listing = listing_key(row.name)
    row.by_version = version_key(row.listing, row.version)
    return Put(row, WorkflowRow.name.does_not_exist())


def from_raw(raw: RawItem) -> WorkflowRow:
    """The row that came with a failed condition."""
    return WorkflowRow.from_raw_data(raw)


def closure(row: WorkflowRow) -> CompiledWorkflowClosure:
    """The compiled closure of a row."""
    return CompiledWorkflowClosure.FromString(storage.read_immutable(row.closure_uri))


def inline_interface(interface: TypedInterface) -> bytes | None:
    """An interface as the row holds it; a large one is only in the closure."""
    stored = interface.SerializeToString(deterministic=True)
    return stored if 0 < len(stored) <= _INLINE_BYTES else None


def blob(row: WorkflowRow) -> bytes | None:
    """The closure of a row whose interface is too large for it."""
    return storage.read_immutable(row.closure_uri) if not row.interface else None


def interface(row: WorkflowRow) -> TypedInterface:
    """What the workflow takes and gives."""
    if not row.interface:
        return closure(row).primary.template.interface
    return TypedInterface.FromString(row.interface)


def message(row: WorkflowRow) -> Workflow:
    """The workflow as clients read it, with its closure in full (REG-10)."""
    workflow = _workflow(row)
    workflow.closure.compiled_workflow.CopyFrom(closure(row))
    return workflow


def listed(row: WorkflowRow) -> Workflow:
    """The workflow as a list shows it: of the closure its interface only (LST-28)."""
    workflow = _workflow(row)
    workflow.closure.compiled_workflow.primary.template.interface.CopyFrom(interface(row))
    return workflow


def _workflow(row: WorkflowRow) -> Workflow:
    project, domain, name = row.name.split(":", 2)
    return Workflow(
        id=Identifier(resource_type=WORKFLOW, project=project, domain=domain, name=name, version=row.version),
        closure=WorkflowClosure(created_at=to_timestamp(row.created_at)),
        short_description=row.short_description,
    )
