"""Projects in DynamoDB: one item each, written under its version, listed by identifier."""

from collections.abc import Iterator, Mapping

from flyteidl.admin.common_pb2 import Labels

from flyteadmin.clients.dynamodb import ConditionFailed, Key, Put, get, query, write
from flyteadmin.errors import too_long
from flyteadmin.projects.models import ALL_PROJECTS, ProjectRow

_MAX_KEY_BYTES = 255


def key(project: str) -> Key:
    """The address of a project.

    Raises:
        InvalidArgument: longer than any project can be.
    """
    if len(project.encode()) > _MAX_KEY_BYTES:
        raise too_long("project", _MAX_KEY_BYTES)
    return Key(ProjectRow, project)


def read(project: str) -> ProjectRow | None:
    """A project's row; one consistent request."""
    return get(ProjectRow, key(project))


def create(row: ProjectRow) -> bool:
    """Store a project unless its identifier is taken; whether it was stored."""
    try:
        write(Put(row, ProjectRow.project.does_not_exist()))
    except ConditionFailed:
        return False
    return True


def replace(row: ProjectRow) -> bool:
    """Store a project over the version that was read, and move the version; whether it still was that version."""
    condition = ProjectRow.version == row.version
    row.version += 1
    try:
        write(Put(row, condition))
    except ConditionFailed:
        return False
    return True


def from_identifier(after: str, page_size: int | None) -> Iterator[ProjectRow]:
    """Projects in the order of their identifiers, those behind `after` only; pages are read as needed."""
    beyond = ProjectRow.project > after if after else None
    start = None
    while True:
        page = query(ProjectRow, ALL_PROJECTS, index="listing", sort=beyond, limit=page_size, start=start)
        yield from page.items
        start = page.next_key
        if start is None:
            return


def labels(row: ProjectRow | None) -> Mapping[str, str]:
    """The labels that a project gives to its executions (PRJ-10); none for one without a row."""
    if row is None or row.labels is None:
        return {}
    return dict(Labels.FromString(row.labels).values)
