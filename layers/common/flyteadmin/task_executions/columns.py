"""What filters may ask of task executions, which lists read whole; pure."""

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
    "node_id": Column(Kind.TEXT, lambda each: each.identifier.node_execution_id.node_id),
    "version": Column(Kind.TEXT, lambda each: each.identifier.task_id.version),
    "retry_attempt": Column(Kind.INTEGER, lambda each: each.identifier.retry_attempt),
    "phase": Column(Kind.TEXT, lambda each: TaskExecution.Phase.Name(each.closure.phase)),
    "phase_version": Column(Kind.INTEGER, lambda each: int(each.row.phase_version)),
    "input_uri": Column(Kind.TEXT, lambda each: each.row.input_uri or ""),
    "started_at": Column(Kind.TIME, _started_at),
    "created_at": Column(Kind.TIME, lambda each: to_nanoseconds(each.closure.created_at)),
    "updated_at": Column(Kind.TIME, lambda each: to_nanoseconds(each.closure.updated_at)),
    "duration": Column(Kind.DURATION, _duration),
}

_TASK: dict[str, Column[Attempt]] = {
    "project": Column(Kind.TEXT, lambda each: each.identifier.task_id.project),
    "domain": Column(Kind.TEXT, lambda each: each.identifier.task_id.domain),
    "name": Column(Kind.TEXT, lambda each: each.identifier.task_id.name),
    "version": Column(Kind.TEXT, lambda each: each.identifier.task_id.version),
    "type": Column(Kind.TEXT, lambda each: each.closure.task_type),
}

COLUMNS: Columns[Attempt] = {
    **name_columns(Entity.TASK_EXECUTION, lambda each: each.row.execution, EXECUTION_NAME),
    **{(Entity.TASK_EXECUTION, field): column for field, column in _ITS_OWN.items()},
    (Entity.TASK_EXECUTION, "task_execution_created_at"): _ITS_OWN["created_at"],
    (Entity.TASK_EXECUTION, "task_execution_updated_at"): _ITS_OWN["updated_at"],
    **{(Entity.TASK, field): column for field, column in _TASK.items()},
}
"""Of a task, what its executions say themselves: those of a dynamic workflow need no registered one (LST-24)."""
