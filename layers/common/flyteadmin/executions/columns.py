"""What filters may ask of executions, and of the execution that node and task executions belong to; pure."""

from collections.abc import Callable

from flyteadmin.executions.models import ExecutionState
from flyteadmin.executions.repository import StoredExecution
from flyteadmin.listing.columns import Entity
from flyteadmin.listing.conditions import Column, Columns, Kind, Value

type _Of = Callable[[ExecutionState], Value | None]


def _state(kind: Kind, of: _Of, *, is_projected: bool = False) -> Column[StoredExecution]:
    return Column(kind, lambda stored: of(stored.state), is_projected)


def _indexed(kind: Kind, of: _Of) -> Column[StoredExecution]:
    return _state(kind, of, is_projected=True)


def _time(nanoseconds: float | None) -> int | None:
    return int(nanoseconds) if nanoseconds is not None else None


def _duration(row: ExecutionState) -> int:
    """From start to end; 0 while there are not both, as upstream stores it."""
    return int(row.ended_at - row.started_at) if row.started_at is not None and row.ended_at is not None else 0


def _named(entity: Entity, name: Callable[[ExecutionState], str], version: _Of) -> Columns[StoredExecution]:
    """The columns of an entity that an execution names as "project:domain:name" and version."""
    return {
        (entity, "project"): _state(Kind.TEXT, lambda row: name(row).split(":", 2)[0]),
        (entity, "domain"): _state(Kind.TEXT, lambda row: name(row).split(":", 2)[1]),
        (entity, "name"): _state(Kind.TEXT, lambda row: name(row).split(":", 2)[2]),
        (entity, "version"): _state(Kind.TEXT, version),
    }


COLUMNS: Columns[StoredExecution] = {
    (Entity.EXECUTION, "execution_project"): _indexed(Kind.TEXT, lambda row: row.execution.split(":", 2)[0]),
    (Entity.EXECUTION, "execution_domain"): _indexed(Kind.TEXT, lambda row: row.execution.split(":", 2)[1]),
    (Entity.EXECUTION, "execution_name"): _indexed(Kind.TEXT, lambda row: row.execution.split(":", 2)[2]),
    (Entity.EXECUTION, "created_at"): _indexed(Kind.TIME, lambda row: int(row.created_at)),
    (Entity.EXECUTION, "execution_created_at"): _indexed(Kind.TIME, lambda row: int(row.created_at)),
    (Entity.EXECUTION, "phase"): _indexed(Kind.TEXT, lambda row: row.phase),
    (Entity.EXECUTION, "state"): _indexed(Kind.INTEGER, lambda row: int(row.archived)),
    (Entity.EXECUTION, "started_at"): _state(Kind.TIME, lambda row: _time(row.started_at)),
    (Entity.EXECUTION, "duration"): _state(Kind.DURATION, _duration),
    (Entity.EXECUTION, "updated_at"): _state(Kind.TIME, lambda row: int(row.updated_at)),
    (Entity.EXECUTION, "execution_updated_at"): _state(Kind.TIME, lambda row: int(row.updated_at)),
    (Entity.EXECUTION, "cluster"): _state(Kind.TEXT, lambda row: row.cluster),
    (Entity.EXECUTION, "error_kind"): _state(Kind.TEXT, lambda row: row.error_kind),
    (Entity.EXECUTION, "error_code"): _state(Kind.TEXT, lambda row: row.error_code),
    (Entity.EXECUTION, "user"): Column(Kind.TEXT, lambda stored: stored.specification.principal, is_projected=False),
    **_named(Entity.LAUNCH_PLAN, lambda row: row.launch_plan, lambda row: row.launch_plan_version),
    **_named(Entity.WORKFLOW, lambda row: row.workflow, lambda row: row.workflow_version),
}
