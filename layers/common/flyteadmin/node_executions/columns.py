"""Columns that filters of node executions may name; pure.

The index that lists nodes projects keys only, so that an event writes to it once; most columns need the whole row.
"""

from flyteadmin.listing.columns import Entity
from flyteadmin.listing.common_columns import EXECUTION_NAME, duration, moment, name_columns
from flyteadmin.listing.conditions import Column, Columns, Kind
from flyteadmin.node_executions.models import NodeExecutionRow

_ON_INDEX: Columns[NodeExecutionRow] = {
    **name_columns(Entity.NODE_EXECUTION, lambda row: row.execution, EXECUTION_NAME),
    (Entity.NODE_EXECUTION, "node_id"): Column(Kind.TEXT, lambda row: row.node_id),
    (Entity.NODE_EXECUTION, "created_at"): Column(Kind.TIME, lambda row: int(row.created_at)),
    (Entity.NODE_EXECUTION, "node_execution_created_at"): Column(Kind.TIME, lambda row: int(row.created_at)),
}

_ON_ROW: Columns[NodeExecutionRow] = {
    (Entity.NODE_EXECUTION, "phase"): Column(Kind.TEXT, lambda row: row.phase, is_projected=False),
    (Entity.NODE_EXECUTION, "started_at"): Column(Kind.TIME, lambda row: moment(row.started_at), is_projected=False),
    (Entity.NODE_EXECUTION, "updated_at"): Column(Kind.TIME, lambda row: int(row.updated_at), is_projected=False),
    (Entity.NODE_EXECUTION, "node_execution_updated_at"): Column(
        Kind.TIME, lambda row: int(row.updated_at), is_projected=False
    ),
    (Entity.NODE_EXECUTION, "duration"): Column(
        Kind.DURATION, lambda row: duration(row.started_at, row.ended_at), is_projected=False
    ),
    (Entity.NODE_EXECUTION, "input_uri"): Column(Kind.TEXT, lambda row: row.input_uri or "", is_projected=False),
    (Entity.NODE_EXECUTION, "error_kind"): Column(Kind.TEXT, lambda row: row.error_kind, is_projected=False),
    (Entity.NODE_EXECUTION, "error_code"): Column(Kind.TEXT, lambda row: row.error_code, is_projected=False),
    (Entity.NODE_EXECUTION, "cache_status"): Column(Kind.TEXT, lambda row: row.cache_status, is_projected=False),
}

COLUMNS: Columns[NodeExecutionRow] = {**_ON_INDEX, **_ON_ROW}
