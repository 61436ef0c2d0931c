"""Node executions in DynamoDB: moved by facts under conditions, read by key."""

from flyteadmin.clients.dynamodb.keys import Key, RawItem
from flyteadmin.clients.dynamodb.reads import get, query
from flyteadmin.clients.dynamodb.writes import Update, fact_actions, write
from flyteadmin.facts import Facts
from flyteadmin.node_executions.models import NodeExecutionRow


def key(execution: str, node_id: str) -> Key[NodeExecutionRow]:
    """The address of a node execution."""
    return Key(NodeExecutionRow, execution, node_id)


def read(execution: str, node_id: str) -> NodeExecutionRow | None:
    """A node execution; a consistent read."""
    return get(key(execution, node_id))


def has_children(parent: str) -> bool:
    """Whether there is a node below `parent`, as far as the index knows."""
    return bool(query(NodeExecutionRow, parent, index="children", limit=1).items)


def apply(execution: str, node_id: str, facts: Facts, first_sequence: str, refused: frozenset[str]) -> None:
    """The fast path: write facts if their first event is accepted and nothing later was applied; no read.

    Raises:
        ConditionFailed: with the row as it stands.
    """
    condition = NodeExecutionRow.sequence.does_not_exist()
    condition |= (NodeExecutionRow.sequence < first_sequence) & ~NodeExecutionRow.phase.is_in(*sorted(refused))
    write(Update(key(execution, node_id), fact_actions(NodeExecutionRow, facts), condition))


def rebuild(old: NodeExecutionRow, facts: Facts) -> None:
    """Write what the whole log says over a row, if it still has the version read.

    Raises:
        ConditionFailed: with the row as it stands now.
    """
    actions = fact_actions(NodeExecutionRow, facts, rebuilt=True)
    write(Update(key(old.execution, old.node_id), actions, NodeExecutionRow.version == old.version))


def from_raw(raw: RawItem) -> NodeExecutionRow:
    """The row that came with a failed condition."""
    return NodeExecutionRow.from_raw_data(raw)
