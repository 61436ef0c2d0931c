"""Columns that filters may name of executions, and of the execution that a node or task execution belongs to.

Columns that an index projects are tested on its rows; the others on whole rows, even where the spec is in S3.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from flyteidl.admin.execution_pb2 import AbortMetadata

from flyteadmin.executions import messages
from flyteadmin.executions.models import ExecutionState, StoredExecution
from flyteadmin.executions.repository import user_of
from flyteadmin.listing.columns import Entity
from flyteadmin.listing.common_columns import EXECUTION_NAME, duration, moment, name_columns
from flyteadmin.listing.conditions import Column, Columns, Kind, Value, conditions_of
from flyteadmin.listing.filters import Filter

type _Of = Callable[[ExecutionState], Value | None]
type _Tag = tuple[str, str]


def _state(kind: Kind, of: _Of, *, is_projected: bool = False) -> Column[StoredExecution]:
    return Column(kind, lambda stored: of(stored.state), is_projected)


def _indexed(kind: Kind, of: _Of) -> Column[StoredExecution]:
    return _state(kind, of, is_projected=True)


def _entity(entity: Entity, key: Callable[[ExecutionState], str | None], version: _Of) -> Columns[StoredExecution]:
    """Make the columns of an entity that an execution names by key and version; absent where the key is None."""
    versions = _indexed(Kind.TEXT, lambda row: version(row) if key(row) is not None else None)
    return {**name_columns(entity, lambda stored: key(stored.state)), (entity, "version"): versions}


def _abort_cause(row: ExecutionState) -> str:
    """Return why an execution was aborted; "" where it was not, as in upstream's column."""
    return AbortMetadata.FromString(row.abort).cause if row.abort else ""


def _launch_plan(row: ExecutionState) -> str | None:
    """Return the launch plan's key; None for a single task, whose launch plan is a generated one (LST-11)."""
    return row.launch_plan if row.task is None else None


COLUMNS: Columns[StoredExecution] = {
    **name_columns(Entity.EXECUTION, lambda stored: stored.state.execution, EXECUTION_NAME),
    (Entity.EXECUTION, "created_at"): _indexed(Kind.TIME, lambda row: int(row.created_at)),
    (Entity.EXECUTION, "execution_created_at"): _indexed(Kind.TIME, lambda row: int(row.created_at)),
    (Entity.EXECUTION, "phase"): _indexed(Kind.TEXT, lambda row: row.phase),
    (Entity.EXECUTION, "state"): _indexed(Kind.INTEGER, lambda row: int(row.archived)),
    (Entity.EXECUTION, "started_at"): _indexed(Kind.TIME, lambda row: moment(row.started_at)),
    (Entity.EXECUTION, "duration"): _indexed(Kind.DURATION, lambda row: duration(row.started_at, row.ended_at)),
    (Entity.EXECUTION, "user"): _indexed(Kind.TEXT, user_of),
    (Entity.EXECUTION, "launch_entity"): _indexed(Kind.TEXT, lambda row: "launch_plan" if row.task is None else "task"),
    (Entity.EXECUTION, "updated_at"): _state(Kind.TIME, lambda row: int(row.updated_at)),
    (Entity.EXECUTION, "execution_updated_at"): _state(Kind.TIME, lambda row: int(row.updated_at)),
    (Entity.EXECUTION, "cluster"): _state(Kind.TEXT, lambda row: row.cluster),
    (Entity.EXECUTION, "error_kind"): _state(Kind.TEXT, lambda row: row.error_kind),
    (Entity.EXECUTION, "error_code"): _state(Kind.TEXT, lambda row: row.error_code),
    (Entity.EXECUTION, "abort_cause"): _state(Kind.TEXT, _abort_cause),
    (Entity.EXECUTION, "mode"): Column(
        Kind.INTEGER, lambda stored: int(messages.spec(stored).metadata.mode), is_projected=False
    ),
    **_entity(Entity.LAUNCH_PLAN, _launch_plan, lambda row: row.launch_plan_version),
    **_entity(Entity.WORKFLOW, lambda row: row.workflow, lambda row: row.workflow_version),
    **_entity(Entity.TASK, lambda row: row.task, lambda row: row.task_version),
}

_TAG_COLUMNS: Mapping[tuple[Entity, str], Column[_Tag]] = {
    (Entity.EXECUTION_TAG, "key"): Column(Kind.TEXT, lambda tag: tag[0]),
    (Entity.EXECUTION_TAG, "value"): Column(Kind.TEXT, lambda tag: tag[1]),
}


def tag_conditions(filters: Iterable[Filter]) -> list[Callable[[StoredExecution], bool]]:
    """Make tests of filters on tags: some tag or label of the execution has the key and the values that follow it.

    Each filter on a key begins another tag; a tag that is not a label has the value "" (LST-12, KD-33).

    Raises:
        InvalidArgument: tags can't be filtered so.
    """
    groups: list[list[Filter]] = []
    for given in filters:
        is_another = given.field == "key" and any(other.field == "key" for other in groups[-1]) if groups else True
        if is_another:
            groups.append([])
        groups[-1].append(given)
    return [_some_tag(group) for group in groups]


def _some_tag(filters: Sequence[Filter]) -> Callable[[StoredExecution], bool]:
    conditions = conditions_of(filters, _TAG_COLUMNS)
    return lambda stored: any(conditions.hold(tag) for tag in _tags(stored))


def _tags(stored: StoredExecution) -> list[_Tag]:
    spec = messages.spec(stored)
    return [*spec.labels.values.items(), *((tag, "") for tag in spec.tags)]
