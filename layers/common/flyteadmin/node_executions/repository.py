"""Node executions in DynamoDB: written as facts, on conditions; read by key."""

from contextlib import suppress

from flyteadmin.clients.dynamodb.keys import Key, RawItem
from flyteadmin.clients.dynamodb.reads import get, query
from flyteadmin.clients.dynamodb.writes import ConditionFailed, Update, fact_actions, write
from flyteadmin.facts import Facts
from flyteadmin.node_executions.models import NodeExecutionRow

_NOT_TOLD = frozenset({"execution", "node_id", "version", "has_children"})
"""The key, and what no event of the node itself says."""


def key(execution: str, node_id: str) -> Key[NodeExecutionRow]:
    """Return the address of a node execution."""
    return Key(NodeExecutionRow, execution, node_id)


def read(execution: str, node_id: str) -> NodeExecutionRow | None:
    """Read a node execution; a consistent read."""
    row = get(key(execution, node_id))
    return row if row is not None and row.phase is not None else None  # else a mark of its children alone


def has_children(parent: str) -> bool:
    """Return whether there is a node below `parent`; the index may lag behind the table."""
    return bool(query(NodeExecutionRow, parent, index="children", limit=1).items)


def apply(execution: str, node_id: str, facts: Facts, first_sequence: str, refused: frozenset[str]) -> None:
    """Write facts on the fast path: if their first event is accepted and no later event was applied; without reading.

    Raises:
        ConditionFailed: with the row as it stands.
    """
    condition = NodeExecutionRow.sequence.does_not_exist()
    condition |= (NodeExecutionRow.sequence < first_sequence) & ~NodeExecutionRow.phase.is_in(*sorted(refused))
    write(Update(key(execution, node_id), fact_actions(NodeExecutionRow, facts), condition))


def mark_parent(execution: str, node_id: str) -> None:
    """Mark a node as one that has children, once.

    No event of the node's own need say it, so the mark is no fact, stays through a rebuild and moves no version. Where
    no event of the node was applied yet, the mark waits in an item that is no row until its first one.
    """
    unmarked = NodeExecutionRow.has_children.does_not_exist()
    with suppress(ConditionFailed):
        write(Update(key(execution, node_id), [NodeExecutionRow.has_children.set(True)], unmarked))


def rebuild(old: NodeExecutionRow, facts: Facts, *, is_whole: bool = True) -> None:
    """Write the facts of the whole log over a row, or add others to it, if it still has the version that was read.

    Raises:
        ConditionFailed: with the row as it is now.
    """
    actions = fact_actions(NodeExecutionRow, facts, rebuilt=is_whole)
    write(Update(key(old.execution, old.node_id), actions, NodeExecutionRow.version == old.version))


def told_by_events(row: NodeExecutionRow) -> dict[str, object]:
    """Return the values of a row, each of which an event of its log tells."""
    values = row.attribute_values.items()
    return {name: value for name, value in values if name not in _NOT_TOLD and value is not None}


def from_raw(raw: RawItem) -> NodeExecutionRow:
    """Return the row that came with a failed condition."""
    return NodeExecutionRow.from_raw_data(raw)
