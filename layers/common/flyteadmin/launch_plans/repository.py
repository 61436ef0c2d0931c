"""Launch plans in DynamoDB: stored once per version, at most one version of a name active, listed by time or name."""

from collections.abc import Callable, Sequence

from flyteidl.admin.launch_plan_pb2 import LaunchPlan, LaunchPlanSpec
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.interface_pb2 import VariableMap
from pynamodb.expressions.update import Action

from flyteadmin.clients import storage
from flyteadmin.clients.dynamodb.keys import Key
from flyteadmin.clients.dynamodb.optimistic import attempts
from flyteadmin.clients.dynamodb.reads import batch_get, get
from flyteadmin.clients.dynamodb.writes import Operation, Put, TransactionFailed, Update, transact
from flyteadmin.errors import Unavailable
from flyteadmin.identifiers import (
    entity_blob_parts,
    entity_key,
    escape,
    key_parts,
    name_key,
    scope_key,
    version_key,
)
from flyteadmin.launch_plans import schedules
from flyteadmin.launch_plans.models import ActiveVersion, LaunchPlanRow
from flyteadmin.named_entities.conflicts import digest

_READS = 5


class LaunchPlanMissing(Exception):
    """There is no such version."""


def key(identifier: Identifier) -> Key[LaunchPlanRow]:
    """Return the address of a version."""
    return Key(LaunchPlanRow, *entity_key(identifier))


def active_key(name: str) -> Key[ActiveVersion]:
    """Return the address of the item that says which version of "project:domain:name" is active."""
    return Key(ActiveVersion, f":{name}", "active")


def read(identifier: Identifier) -> LaunchPlanRow | None:
    """Read a version; one consistent request."""
    return get(key(identifier))


def new_version(launch_plan: LaunchPlan, workflow: Identifier, closure_uri: str, now: int) -> LaunchPlanRow:
    """Return the row of a version that starts `workflow`: inactive, and without its spec, which `first` adds."""
    identifier = launch_plan.id
    name, version = entity_key(identifier)
    return LaunchPlanRow(
        name=name,
        version=version,
        created_at=now,
        updated_at=now,
        digest=digest(launch_plan),
        schedule_type=schedules.kind(launch_plan.spec),
        workflow=entity_key(workflow)[0],
        workflow_version=workflow.version,
        closure_uri=closure_uri,
    )


def first(row: LaunchPlanRow, launch_plan: LaunchPlan) -> Put:
    """Return the write that stores a version unless there is one; a large spec goes to S3 first."""
    _index(row)
    spec = launch_plan.spec.SerializeToString(deterministic=True)
    outputs = launch_plan.closure.expected_outputs.SerializeToString(deterministic=True)
    row.expected_outputs = outputs if 0 < len(outputs) <= storage.INLINE_BYTES else None
    row.spec, row.spec_uri = storage.inline_or_uri(spec, *entity_blob_parts(row.name, f"{row.version}-launch-plan"))
    return Put(row, LaunchPlanRow.name.does_not_exist())


def _index(row: LaunchPlanRow) -> None:
    """Set the keys of the indexes."""
    workflow = key_parts(row.workflow)[2]
    row.listing = scope_key(row.name)
    row.scheduled = row.listing if row.schedule_type != "NONE" else None
    row.by_version = version_key(row.listing, row.version)
    row.by_workflow = workflow_key(row.listing, workflow)
    row.by_workflow_version = workflow_version_key(row.listing, workflow, row.workflow_version)


def workflow_key(listing: str, workflow: str) -> str:
    """Return the index key of the launch plans of a workflow; `listing` is theirs, not the workflow's."""
    return f"{listing}#{escape(workflow)}"


def workflow_version_key(listing: str, workflow: str, version: str) -> str:
    """Return the index key of the launch plans of a workflow's version."""
    return f"{workflow_key(listing, workflow)}#{escape(version)}"


def blob(row: LaunchPlanRow) -> bytes | None:
    """Read the spec of a row from S3 if it is too large for the row, else return None."""
    return storage.read_immutable(row.spec_uri or "") if row.spec is None else None


def specification(row: LaunchPlanRow) -> LaunchPlanSpec:
    """Return the spec as stored, its default inputs being the expected inputs; from S3 if it is large."""
    return LaunchPlanSpec.FromString(row.spec or blob(row) or b"")


def expected_outputs(row: LaunchPlanRow) -> VariableMap:
    """Return the outputs of the workflow; from its compiled closure if they are large."""
    if row.expected_outputs:
        return VariableMap.FromString(row.expected_outputs)
    closure = CompiledWorkflowClosure.FromString(storage.read_immutable(row.closure_uri))
    return closure.primary.template.interface.outputs


def read_active(project: str, domain: str, name: str) -> LaunchPlanRow | None:
    """Read the active version of a name; two consistent requests, more only while it is just being changed.

    Raises:
        Unavailable: it kept being changed.
    """
    full_name = name_key(project, domain, name)
    for _ in range(_READS):
        marker = get(active_key(full_name))
        if marker is None or not marker.active_version:
            return None
        row = get(Key(LaunchPlanRow, full_name, marker.active_version))
        if row is not None and row.active is not None:
            return row
    raise Unavailable("the active launch plan is being changed, try again")


def activate(identifier: Identifier, now: int, check: Callable[[LaunchPlanRow], None]) -> None:
    """Make a version the active one of its name, and the one that was active inactive: one transaction (REG-16).

    Every activation and deactivation passes the name's one `ActiveVersion`, on the value that was read. `check` may
    refuse the row by raising. `now` is in ns.

    Raises:
        LaunchPlanMissing: there is no such version.
        Unavailable: others kept changing which version is active.
    """
    _change(identifier, identifier.version, now, check)


def deactivate(identifier: Identifier, now: int) -> None:
    """Make a version inactive (REG-17); errors as `activate`."""
    _change(identifier, "", now, lambda _row: None)


def _change(identifier: Identifier, wanted: str, now: int, check: Callable[[LaunchPlanRow], None]) -> None:
    name, version = entity_key(identifier)
    for _ in attempts(f"the active version of {name}"):
        found = batch_get([key(identifier), active_key(name)])
        row = found.get(key(identifier))
        if row is None:
            raise LaunchPlanMissing
        check(row)
        marker = found.get(active_key(name))
        current = marker.active_version if marker is not None else ""
        if current == wanted or (not wanted and current != version):
            return
        try:
            transact(_operations(name, marker, wanted, now))
        except TransactionFailed:
            continue
        else:
            return


def _operations(name: str, marker: ActiveVersion | None, wanted: str, now: int) -> list[Operation]:
    current = marker.active_version if marker is not None else ""
    unchanged = ActiveVersion.active_version == current if marker is not None else ActiveVersion.name.does_not_exist()
    operations: list[Operation] = [
        Update(active_key(name), [ActiveVersion.active_version.set(wanted)], unchanged),
    ]
    if current:
        inactive = [LaunchPlanRow.state.set(0), LaunchPlanRow.active.remove()]
        operations.append(_stored(name, current, inactive, now))
    if wanted:
        active = [LaunchPlanRow.state.set(1), LaunchPlanRow.active.set(scope_key(name))]
        operations.append(_stored(name, wanted, active, now))
    return operations


def _stored(name: str, version: str, actions: Sequence[Action], now: int) -> Update:
    key = Key(LaunchPlanRow, name, version)
    return Update(key, [*actions, LaunchPlanRow.updated_at.set(now)], LaunchPlanRow.name.exists())
