"""What filters may ask of node executions; pure.

The index that lists them has keys only, so that an event writes to it once: most needs the whole row.
"""

from flyteadmin.listing.columns import Entity
from flyteadmin.listing.conditions import Column, Columns, Kind
from flyteadmin.node_executions.models import NodeExecutionRow


def _time(nanoseconds: float | None) -> int | None:
    return int(nanoseconds) if nanoseconds is not None else None


def _duration(row: NodeExecutionRow) -> int:
    """From start to end; 0 while there are not both, as upstream stores it."""
    return int(row.ended_at - row.started_at) if row.started_at is not None and row.ended_at is not None else 0


_ON_INDEX: Columns[NodeExecutionRow] = {
    (Entity.NODE_EXECUTION, "execution_project"): Column(Kind.TEXT, lambda row: row.execution.split(":", 2)[0]),
    (Entity.NODE_EXECUTION, "execution_domain"): Column(Kind.TEXT, lambda row: row.execution.split(":", 2)[1]),
    (Entity.NODE_EXECUTION, "execution_name"): Column(Kind.TEXT, lambda row: row.execution.split(":", 2)[2]),
    (Entity.NODE_EXECUTION, "node_id"): Column(Kind.TEXT, lambda row: row.node_id),
    (Entity.NODE_EXECUTION, "created_at"): Column(Kind.TIME, lambda row: int(row.created_at)),
    (Entity.NODE_EXECUTION, "node_execution_created_at"): Column(Kind.TIME, lambda row: int(row.created_at)),
}

_ON_ROW: Columns[NodeExecutionRow] = {
    (Entity.NODE_EXECUTION, "phase"): Column(Kind.TEXT, lambda row: row.phase, is_projected=False),
    (Entity.NODE_EXECUTION, "started_at"): Column(Kind.TIME, lambda row: _time(row.started_at), is_projected=False),
    (Entity.NODE_EXECUTION, "updated_at"): Column(Kind.TIME, lambda row: int(row.updated_at), is_projected=False),
    (Entity.NODE_EXECUTION, "node_execution_updated_at"): Column(
        Kind.TIME, lambda row: int(row.updated_at), is_projected=False
    ),
    (Entity.NODE_EXECUTION, "duration"): Column(Kind.DURATION, _duration, is_projected=False),
    (Entity.NODE_EXECUTION, "input_uri"): Column(Kind.TEXT, lambda row: row.input_uri or "", is_projected=False),
    (Entity.NODE_EXECUTION, "error_kind"): Column(Kind.TEXT, lambda row: row.error_kind, is_projected=False),
    (Entity.NODE_EXECUTION, "error_code"): Column(Kind.TEXT, lambda row: row.error_code, is_projected=False),
    (Entity.NODE_EXECUTION, "cache_status"): Column(Kind.TEXT, lambda row: row.cache_status, is_projected=False),
}

COLUMNS: Columns[NodeExecutionRow] = {**_ON_INDEX, **_ON_ROW}
