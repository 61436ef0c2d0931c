"""Lists projects: the columns that filters may name.

In the order of identifiers a page reads a bounded part of the index, from behind the page before. Every other order is
made here, of all projects, which have to be few for it.
"""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice

from flyteidl.admin.project_pb2 import Project, ProjectListRequest, Projects

from flyteadmin.clients import configuration
from flyteadmin.clients.dynamodb.reads import batch_get
from flyteadmin.errors import InvalidArgument
from flyteadmin.listing.columns import UPSTREAM_COLUMNS, Entity
from flyteadmin.listing.conditions import Column, Columns, Conditions, Kind, conditions_of
from flyteadmin.listing.filters import Filter, Function, parse_filters
from flyteadmin.listing.requests import MAX_PAGE, Order, PageRequest, order_of, page_of, requested_page
from flyteadmin.listing.tokens import Cursor, Start, invalid_token, token_of
from flyteadmin.projects import messages, repository
from flyteadmin.projects.models import ProjectRow
from flyteadmin.settings import Configuration

_COLUMNS: Columns[ProjectRow] = {
    (Entity.PROJECT, "identifier"): Column(Kind.TEXT, lambda row: row.project),
    (Entity.PROJECT, "name"): Column(Kind.TEXT, lambda row: row.name),
    (Entity.PROJECT, "description"): Column(Kind.TEXT, lambda row: row.description),
    (Entity.PROJECT, "state"): Column(Kind.INTEGER, lambda row: int(row.state)),
    (Entity.PROJECT, "created_at"): Column(Kind.TIME, lambda row: int(row.created_at)),
    (Entity.PROJECT, "updated_at"): Column(Kind.TIME, lambda row: int(row.updated_at)),
}
_SORTED_BY = {field: field for _, field in _COLUMNS} | {"id": "created_at"}
_MOST_EXAMINED = 5000
_UNARCHIVED = Filter(Entity.PROJECT, Function.NE, "state", (str(Project.ARCHIVED),))


def list_projects(request: ProjectListRequest) -> Projects:
    """ListProjects by identifier: all that are not archived unless there are filters (LST-30); a limit of 0 is none.

    Raises:
        InvalidArgument: a filter, the sort key or the token is not one.
    """
    filters = parse_filters(request.filters, Entity.PROJECT) or (_UNARCHIVED,)
    conditions = conditions_of(filters, _COLUMNS)
    sort = request.sort_by if request.HasField("sort_by") else None
    order = order_of(sort, UPSTREAM_COLUMNS[Entity.PROJECT], _SORTED_BY, Order("identifier", ascending=True))
    page_request = requested_page(request.limit or MAX_PAGE, request.token, order, "ListProjects")
    settings = configuration.current()
    if order.column == "identifier":
        shown, next_start = _page(settings, page_request, conditions)
    else:
        rows = [row for row in _few(settings, order) if conditions.hold(row)]
        shown, next_start = page_of(rows, page_request, _COLUMNS[Entity.PROJECT, order.column], _identifier)
    return Projects(projects=[messages.project(row, settings) for row in shown], token=token_of(next_start))


def _page(
    settings: Configuration, page_request: PageRequest, conditions: Conditions[ProjectRow]
) -> tuple[list[ProjectRow], Start | None]:
    """Read one page in the order of identifiers; one that skips or passes over many ends early, with a token."""
    order, after, skip = page_request.order, page_request.start.after, page_request.start.skip
    if after is not None and not isinstance(after.sort_value, str):
        raise invalid_token(page_request.rpc)
    rows = _in_order(settings, after.key[0] if after is not None else "", ascending=order.ascending)
    shown: list[ProjectRow] = []
    last = ""
    for examined, row in enumerate(rows):
        holds = conditions.hold(row)
        is_full = holds and not skip and len(shown) == page_request.limit
        if is_full or examined >= _MOST_EXAMINED + page_request.limit:
            return shown, Start(after=Cursor(sort_value=last, key=(last,)), skip=skip, order=str(order))
        if holds and skip:
            skip -= 1
        elif holds:
            shown.append(row)
        last = row.project
    return shown, None


def _few(settings: Configuration, order: Order) -> list[ProjectRow]:
    rows = list(islice(_in_order(settings, "", ascending=True), _MOST_EXAMINED + 1))
    if len(rows) > _MOST_EXAMINED:
        raise InvalidArgument(
            f"invalid sort key '{order.column}': more than {_MOST_EXAMINED} projects are sorted by identifier only"
        )
    return rows


def _in_order(settings: Configuration, after: str, *, ascending: bool) -> Iterator[ProjectRow]:
    """Yield the stored projects behind one, and those of the configuration that have no row, by identifier."""
    found = batch_get(repository.key(project) for project in settings.projects)
    missing = (project for project in settings.projects if found.get(repository.key(project)) is None)
    behind = (project for project in missing if not after or (project > after if ascending else project < after))
    configured: Iterable[ProjectRow] = (
        repository.configured_row(project, 0) for project in sorted(set(behind), reverse=not ascending)
    )
    return merge(configured, repository.read_behind(after, ascending=ascending), key=_identifier, reverse=not ascending)


def _identifier(row: ProjectRow) -> str:
    return row.project
