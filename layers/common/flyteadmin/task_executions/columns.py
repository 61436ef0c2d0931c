"""Columns that filters of task executions may name; lists read task executions whole; pure."""

from flyteidl.core.execution_pb2 import TaskExecution

from flyteadmin.listing.columns import Entity
from flyteadmin.listing.common_columns import EXECUTION_NAME, name_columns
from flyteadmin.listing.conditions import Column, Columns, Kind
from flyteadmin.task_executions.repository import Attempt
from flyteadmin.timestamps import NANOSECONDS, to_nanoseconds


def _started_at(attempt: Attempt) -> int | None:
    return to_nanoseconds(attempt.closure.started_at) if attempt.closure.HasField("started_at") else None


def _duration(attempt: Attempt) -> int:
    return attempt.closure.duration.seconds * NANOSECONDS + attempt.closure.duration.nanos


_ITS_OWN: dict[str, Column[Attempt]] = {
    "node_id": Column(Kind.TEXT, lambda attempt: attempt.identifier.node_execution_id.node_id),
    "version": Column(Kind.TEXT, lambda attempt: attempt.identifier.task_id.version),
    "retry_attempt": Column(Kind.INTEGER, lambda attempt: attempt.identifier.retry_attempt),
    "phase": Column(Kind.TEXT, lambda attempt: TaskExecution.Phase.Name(attempt.closure.phase)),
    "phase_version": Column(Kind.INTEGER, lambda attempt: int(attempt.row.phase_version)),
    "input_uri": Column(Kind.TEXT, lambda attempt: attempt.row.input_uri or ""),
    "started_at": Column(Kind.TIME, _started_at),
    "created_at": Column(Kind.TIME, lambda attempt: to_nanoseconds(attempt.closure.created_at)),
    "updated_at": Column(Kind.TIME, lambda attempt: to_nanoseconds(attempt.closure.updated_at)),
    "duration": Column(Kind.DURATION, _duration),
}

_TASK: dict[str, Column[Attempt]] = {
    "project": Column(Kind.TEXT, lambda attempt: attempt.identifier.task_id.project),
    "domain": Column(Kind.TEXT, lambda attempt: attempt.identifier.task_id.domain),
    "name": Column(Kind.TEXT, lambda attempt: attempt.identifier.task_id.name),
    "version": Column(Kind.TEXT, lambda attempt: attempt.identifier.task_id.version),
    "type": Column(Kind.TEXT, lambda attempt: attempt.closure.task_type),
}

COLUMNS: Columns[Attempt] = {
    **name_columns(Entity.TASK_EXECUTION, lambda attempt: attempt.row.execution, EXECUTION_NAME),
    **{(Entity.TASK_EXECUTION, field): column for field, column in _ITS_OWN.items()},
    (Entity.TASK_EXECUTION, "task_execution_created_at"): _ITS_OWN["created_at"],
    (Entity.TASK_EXECUTION, "task_execution_updated_at"): _ITS_OWN["updated_at"],
    **{(Entity.TASK, field): column for field, column in _TASK.items()},
}
"""Columns of a task are read from its execution: a task of a dynamic workflow may not be registered (LST-24)."""
