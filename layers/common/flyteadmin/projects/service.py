"""What happens to projects and domains: registered, updated, read, listed.

A project that the configuration names exists without a row; the row that an update writes overrides it.
"""

import time
from collections.abc import Iterator
from heapq import merge
from itertools import groupby, islice

from flyteidl.admin.common_pb2 import Labels, Sort
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
from flyteadmin.errors import AlreadyExists, InvalidArgument, NotFound, Unavailable, missing
from flyteadmin.listing import Cursor, start_of, token_after
from flyteadmin.projects import repository
from flyteadmin.projects.models import ProjectRow
from flyteadmin.projects.validation import validate_project, validate_registration
from flyteadmin.settings import Configuration

_ATTEMPTS = 5


def register(request: ProjectRegisterRequest) -> ProjectRegisterResponse:
    """RegisterProject.

    Raises:
        InvalidArgument: naming the field.
        AlreadyExists: the identifier is taken, by a row or by the configuration (PRJ-03).
    """
    validate_registration(request)
    row = _applied(_row(request.project.id), request.project)
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
            written = repository.create(_applied(_row(request.id), request))
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
    return _message(row or _row(request.id), configuration.current())


def list_projects(request: ProjectListRequest) -> Projects:
    """ListProjects by identifier: all that are not archived (LST-30); a limit of 0 is none.

    Raises:
        InvalidArgument: the token is not ours, or a filter or sort key is asked for that is not supported yet.
    """
    _supported(request)
    start = start_of(request.token, "ListProjects")
    here = configuration.current()
    after = start.after.key if start.after is not None else ""
    end = start.offset + request.limit if request.limit else None
    rows = list(islice(_unarchived(here, after, end), start.offset, end))
    answer = Projects(projects=[_message(row, here) for row in rows])
    if request.limit and len(rows) == request.limit:
        answer.token = token_after(Cursor(created_at=0, key=rows[-1].project))
    return answer


def get_domains() -> GetDomainsResponse:
    """GetDomains: those of the configuration (PRJ-09)."""
    return GetDomainsResponse(domains=_domains(configuration.current()))


def _supported(request: ProjectListRequest) -> None:
    if request.filters:
        raise InvalidArgument("invalid value for filters: not supported yet by ListProjects")
    sort = request.sort_by
    if request.HasField("sort_by") and (sort.key != "identifier" or sort.direction != Sort.ASCENDING):
        raise InvalidArgument(f"invalid sort key '{sort.key[:100]}': ListProjects sorts by identifier ASCENDING only")


def _unarchived(here: Configuration, after: str, page_size: int | None) -> Iterator[ProjectRow]:
    """Rows and the configuration's projects in one order; of both, the row counts."""
    configured = (_row(project) for project in sorted(set(here.projects)) if project > after)
    everything = merge(repository.from_identifier(after, page_size), configured, key=lambda row: row.project)
    for _, same in groupby(everything, key=lambda row: row.project):
        row = next(same)
        if row.state != Project.ARCHIVED:
            yield row


def _existing(project: str) -> ProjectRow | None:
    """A project's row; None for one that only the configuration names."""
    if not project:
        raise missing("project_id")
    row = repository.read(project)
    if row is None and project not in configuration.current().projects:
        raise NotFound(f"project [{project}] not found")
    return row


def _row(project: str) -> ProjectRow:
    now = time.time_ns()
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
