"""Lists projects: the columns that filters may name. There are few projects, so a list reads them all."""

from flyteidl.admin.project_pb2 import Project, ProjectListRequest, Projects

from flyteadmin.clients import configuration
from flyteadmin.listing.columns import UPSTREAM_COLUMNS, Entity
from flyteadmin.listing.conditions import Column, Columns, Kind, conditions_of
from flyteadmin.listing.filters import Filter, Function, parse_filters
from flyteadmin.listing.requests import MAX_PAGE, Order, order_of, page_of, requested_page
from flyteadmin.listing.tokens import token_of
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
    column = _COLUMNS[Entity.PROJECT, order.column]
    settings = configuration.current()
    rows = [row for row in _all(settings) if conditions.hold(row)]
    shown, next_start = page_of(rows, page_request, column, lambda row: row.project)
    return Projects(projects=[messages.project(row, settings) for row in shown], token=token_of(next_start))


def _all(settings: Configuration) -> list[ProjectRow]:
    """Return the stored projects, and those of the configuration that have no row."""
    rows = repository.read_all()
    stored = {row.project for row in rows}
    return rows + [repository.new_row(project, 0) for project in set(settings.projects) - stored]
