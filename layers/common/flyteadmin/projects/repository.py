"""Projects in DynamoDB: one item each, written under its version, listed by identifier."""

from collections.abc import Iterator, Mapping

from flyteidl.admin.common_pb2 import Labels

from flyteadmin.clients.dynamodb.keys import Key, RawItem
from flyteadmin.clients.dynamodb.reads import get, query
from flyteadmin.clients.dynamodb.writes import ConditionFailed, Put, write
from flyteadmin.errors import too_long
from flyteadmin.projects.models import ALL_PROJECTS, ProjectRow

_MAX_KEY_BYTES = 255
_AT_ONCE = 500


def key(project: str) -> Key[ProjectRow]:
    """Return the address of a project.

    Raises:
        InvalidArgument: longer than any project can be.
    """
    if len(project.encode()) > _MAX_KEY_BYTES:
        raise too_long("project", _MAX_KEY_BYTES)
    return Key(ProjectRow, project)


def read(project: str) -> ProjectRow | None:
    """Read a project's row; one consistent request."""
    return get(key(project))


def new_row(project: str, now: int) -> ProjectRow:
    """Return the row of a project that has none yet, named as its identifier; `now` is in ns."""
    return ProjectRow(project=project, name=project, created_at=now, updated_at=now)


def configured_row(project: str, now: int) -> ProjectRow:
    """Return the row of a project that the configuration names and nobody updated, described as upstream's seeds."""
    row = new_row(project, now)
    row.description = f"{project} description"
    return row


def create(row: ProjectRow) -> bool:
    """Store a project unless its identifier is taken; return True if it was stored."""
    try:
        write(Put(row, ProjectRow.project.does_not_exist()))
    except ConditionFailed:
        return False
    return True


def replace(row: ProjectRow) -> bool:
    """Store a project over the version that was read; return False if another version is there."""
    condition = ProjectRow.version == row.version
    row.version += 1
    try:
        write(Put(row, condition))
    except ConditionFailed:
        return False
    return True


def read_behind(project: str, *, ascending: bool) -> Iterator[ProjectRow]:
    """Yield the stored projects behind an identifier in their order, all for ""; pages are read on demand."""
    start: RawItem | None = {"listing": {"S": ALL_PROJECTS}, "project": {"S": project}} if project else None
    while True:
        page = query(ProjectRow, ALL_PROJECTS, index="listing", ascending=ascending, limit=_AT_ONCE, start=start)
        yield from page.items
        start = page.next_key
        if start is None:
            return


def labels(row: ProjectRow | None) -> Mapping[str, str]:
    """Return the labels that a project gives to its executions (PRJ-10); none for one without a row."""
    if row is None or row.labels is None:
        return {}
    return dict(Labels.FromString(row.labels).values)
