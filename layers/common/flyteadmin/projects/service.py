"""What happens to projects and domains: registered, updated, read, listed.

A project that the configuration names exists without a row; the row that an update writes overrides it.
"""

import time

from flyteidl.admin.common_pb2 import Labels
from flyteidl.admin.project_pb2 import (
    Domain,
    GetDomainsResponse,
    Project,
    ProjectGetRequest,
    ProjectListRequest,
    ProjectRegisterRequest,
    ProjectRegisterResponse,
    Projects,
    ProjectUpdateResponse,
)

from flyteadmin.clients import configuration
from flyteadmin.errors import AlreadyExists, NotFound, Unavailable, missing
from flyteadmin.listing.columns import UPSTREAM_COLUMNS, Entity
from flyteadmin.listing.conditions import Column, Columns, Kind, conditions_of
from flyteadmin.listing.filters import Filter, Function, parse_filters
from flyteadmin.listing.requests import MAX_PAGE, Order, order_of, page_of, requested_page
from flyteadmin.listing.tokens import token_of
from flyteadmin.projects import repository
from flyteadmin.projects.models import ProjectRow
from flyteadmin.projects.validation import validate_project, validate_registration
from flyteadmin.settings import Configuration

_ATTEMPTS = 5

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


def register(request: ProjectRegisterRequest) -> ProjectRegisterResponse:
    """RegisterProject.

    Raises:
        InvalidArgument: naming the field.
        AlreadyExists: the identifier is taken, by a row or by the configuration (PRJ-03).
    """
    validate_registration(request)
    row = _applied(_row(request.project.id, time.time_ns()), request.project)
    if request.project.id in configuration.current().projects or not repository.create(row):
        raise AlreadyExists(f"project [{request.project.id}] already exists")
    return ProjectRegisterResponse()


def update(request: Project) -> ProjectUpdateResponse:
    """UpdateProject: what is empty stays as it is, but the state is always written (PRJ-04, PRJ-05).

    Raises:
        InvalidArgument: naming the field.
        NotFound: there is no such project.
        Unavailable: others kept updating it.
    """
    for _ in range(_ATTEMPTS):
        row = _existing(request.id)
        validate_project(request)
        if row is None:
            written = repository.create(_applied(_row(request.id, time.time_ns()), request))
        else:
            written = repository.replace(_applied(row, request))
        if written:
            return ProjectUpdateResponse()
    raise Unavailable(f"project [{request.id}] is being updated by others, try again")


def get(request: ProjectGetRequest) -> Project:
    """GetProject (PRJ-08).

    Raises:
        InvalidArgument: the identifier is missing.
        NotFound: there is no such project.
    """
    row = _existing(request.id)
    return _message(row or _row(request.id, time.time_ns()), configuration.current())


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
    here = configuration.current()
    rows = [row for row in _all(here) if conditions.hold(row)]
    shown, next_start = page_of(rows, page_request, column, lambda row: row.project)
    return Projects(projects=[_message(row, here) for row in shown], token=token_of(next_start))


def get_domains() -> GetDomainsResponse:
    """GetDomains: those of the configuration (PRJ-09)."""
    return GetDomainsResponse(domains=_domains(configuration.current()))


def _all(here: Configuration) -> list[ProjectRow]:
    """Rows, and the configuration's projects that have none; there are few, so lists read them all."""
    rows = repository.read_all()
    stored = {row.project for row in rows}
    return rows + [_row(project, 0) for project in set(here.projects) - stored]


def _existing(project: str) -> ProjectRow | None:
    """A project's row; None for one that only the configuration names."""
    if not project:
        raise missing("project_id")
    row = repository.read(project)
    if row is None and project not in configuration.current().projects:
        raise NotFound(f"project [{project}] not found")
    return row


def _row(project: str, now: int) -> ProjectRow:
    return ProjectRow(project=project, name=project, created_at=now, updated_at=now)


def _applied(row: ProjectRow, project: Project) -> ProjectRow:
    row.name = project.name or row.name
    row.description = project.description or row.description
    if project.HasField("labels"):
        row.labels = project.labels.SerializeToString(deterministic=True)
    row.state = project.state
    row.updated_at = time.time_ns()
    return row


def _message(row: ProjectRow, here: Configuration) -> Project:
    project = Project(id=row.project, name=row.name, description=row.description, domains=_domains(here))
    project.state = int(row.state)  # type: ignore[assignment]  # an open enum: any number is one
    if row.labels is not None:
        project.labels.CopyFrom(Labels.FromString(row.labels))
    return project


def _domains(here: Configuration) -> list[Domain]:
    return [Domain(id=domain.id, name=domain.name) for domain in here.domains]
