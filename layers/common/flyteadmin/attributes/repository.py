"""Matchable attributes in DynamoDB: all scopes that may match in one request; written on the version that was read."""

from collections.abc import Iterator, Sequence
from itertools import batched

from flyteidl.admin.matchable_resource_pb2 import MatchableResource
from pynamodb.expressions.condition import Condition

from flyteadmin.attributes.matching import MatchingAttributesRows, ScopeAttributes
from flyteadmin.attributes.models import ALL_SCOPES, AttributesRow
from flyteadmin.clients.dynamodb.keys import Key
from flyteadmin.clients.dynamodb.reads import Found, batch_get, query_each
from flyteadmin.clients.dynamodb.writes import ConditionFailed, Delete, Operation, Put, write
from flyteadmin.errors import too_long

_MAX_KEY_BYTES = 1024
"""The most that the sort key of an index holds: the scope is one in `listing`."""

_READ_AT_ONCE = 800
"""Scopes of a list that are in memory with all their kinds, at most 256 KB each."""

_COLUMNS: dict[int, str] = {
    MatchableResource.TASK_RESOURCE: "task_resource",
    MatchableResource.CLUSTER_RESOURCE: "cluster_resource",
    MatchableResource.EXECUTION_QUEUE: "execution_queue",
    MatchableResource.EXECUTION_CLUSTER_LABEL: "execution_cluster_label",
    MatchableResource.QUALITY_OF_SERVICE_SPECIFICATION: "quality_of_service",
    MatchableResource.PLUGIN_OVERRIDE: "plugin_override",
    MatchableResource.WORKFLOW_EXECUTION_CONFIG: "workflow_execution_config",
    MatchableResource.CLUSTER_ASSIGNMENT: "cluster_assignment",
}


def matching(project: str, domain: str, workflow: str = "", launch_plan: str = "") -> MatchingAttributesRows:
    """Read what is set for a launch plan, its workflow, its project and domain, and its project, consistently."""
    scopes = keys(project, domain, workflow, launch_plan)
    return rows_of(batch_get(scopes), scopes)


def keys(project: str, domain: str, workflow: str = "", launch_plan: str = "") -> list[Key[AttributesRow]]:
    """Return the addresses that `rows_of` reads, the most specific first, to be part of a larger batch read."""
    scopes = [(project, "", "", ""), (project, domain, "", "")]
    if workflow:
        scopes.append((project, domain, workflow, ""))
    if workflow and launch_plan:
        scopes.append((project, domain, workflow, launch_plan))
    addresses = (scope_key(*scope) for scope in reversed(scopes))
    return [Key(AttributesRow, address) for address in addresses if len(address.encode()) <= _MAX_KEY_BYTES]


def rows_of(found: Found, scopes: Sequence[Key[AttributesRow]]) -> MatchingAttributesRows:
    """Return the rows of `keys` among those that a batch read found."""
    return MatchingAttributesRows(tuple(_attributes(row) for key in scopes if (row := found.get(key)) is not None))


def key(project: str, domain: str, workflow: str) -> Key[AttributesRow]:
    """Return the address of a scope that attributes are set for.

    Raises:
        InvalidArgument: the domain or the workflow's name is too long for it; a colon in a name counts as three bytes.
    """
    left = _MAX_KEY_BYTES - len(scope_key(project, domain, "", "").encode())
    if left < 0:
        raise too_long("domain", _MAX_KEY_BYTES)
    if len(_without_colon(workflow).encode()) > left:
        raise too_long("workflow", left)
    return Key(AttributesRow, scope_key(project, domain, workflow, ""))


def value_of(row: AttributesRow | None, kind: int) -> bytes | None:
    """Return what a row holds of a kind; None where it sets none, or the kind is not known."""
    return getattr(row, _COLUMNS[kind]) if row is not None and kind in _COLUMNS else None


def store(at: Key[AttributesRow], row: AttributesRow | None, kind: int, value: bytes, now: int) -> bool:
    """Set a kind in a row as it was read, None for a new one; return False if another version is there. `now` in ns."""
    condition = _unchanged(row)
    if row is None:
        row = AttributesRow(scope=at.partition, version=0)
    setattr(row, _COLUMNS[kind], value)
    return _written(_next_version(row, now, condition))


def remove(row: AttributesRow, kind: int, now: int) -> bool:
    """Remove a kind from a row as it was read, and the row with its last kind; result as `store`."""
    condition = _unchanged(row)
    setattr(row, _COLUMNS[kind], None)
    if all(getattr(row, column) is None for column in _COLUMNS.values()):
        return _written(Delete(Key(AttributesRow, row.scope), condition))
    return _written(_next_version(row, now, condition))


def read_all(kind: int) -> Iterator[ScopeAttributes]:
    """Yield every scope that sets a kind: a query of the index, then batches of a hundred rows."""
    scopes = (row.scope for row in query_each(AttributesRow, ALL_SCOPES, index="listing"))
    for group in batched(scopes, _READ_AT_ONCE):
        addresses = [Key(AttributesRow, scope) for scope in group]
        found = batch_get(addresses)
        for address in addresses:
            value = value_of(found.get(address), kind)
            if value is not None:
                yield ScopeAttributes(address.partition, {kind: value})


def _unchanged(row: AttributesRow | None) -> Condition:
    """Return the condition that a row is as it was read; a row made anew in its place has another time."""
    if row is None:
        return AttributesRow.scope.does_not_exist()
    is_same: Condition = (AttributesRow.version == row.version) & (AttributesRow.updated_at == row.updated_at)
    return is_same


def _next_version(row: AttributesRow, now: int, condition: Condition) -> Put:
    row.version += 1
    row.updated_at = now
    return Put(row, condition)


def _written(operation: Operation) -> bool:
    try:
        write(operation)
    except ConditionFailed:
        return False
    return True


def _attributes(row: AttributesRow) -> ScopeAttributes:
    columns = ((kind, getattr(row, column)) for kind, column in _COLUMNS.items())
    return ScopeAttributes(row.scope, {kind: value for kind, value in columns if value is not None})


def scope_key(project: str, domain: str, workflow: str, launch_plan: str) -> str:
    """Return "project:domain:workflow:launch_plan"; a part that the scope does not narrow is blank."""
    return f"{project}:{domain}:{_without_colon(workflow)}:{launch_plan}"


def scope_parts(key: str) -> tuple[str, str, str, str]:
    """Return the project, domain, workflow and launch plan that `scope_key` was made from."""
    project, domain, workflow, launch_plan = key.split(":", 3)
    return project, domain, workflow.replace("%3A", ":").replace("%25", "%"), launch_plan


def _without_colon(name: str) -> str:
    return name.replace("%", "%25").replace(":", "%3A")
