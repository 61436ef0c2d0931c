"""Registers and updates projects.

A project that the configuration names exists without a row; the row that an update writes overrides it.
"""

import time

from flyteidl.admin.project_pb2 import Project, ProjectRegisterRequest, ProjectRegisterResponse, ProjectUpdateResponse

from flyteadmin.clients import configuration
from flyteadmin.clients.dynamodb.optimistic import attempts
from flyteadmin.errors import AlreadyExists
from flyteadmin.projects import reading, repository
from flyteadmin.projects.models import ProjectRow
from flyteadmin.projects.validation import validate_project, validate_registration


def register(request: ProjectRegisterRequest) -> ProjectRegisterResponse:
    """RegisterProject.

    Raises:
        InvalidArgument: naming the field.
        AlreadyExists: the identifier is taken, by a row or by the configuration (PRJ-03).
    """
    validate_registration(request)
    row = _applied(repository.new_row(request.project.id, time.time_ns()), request.project)
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
    for _ in attempts(f"project [{request.id}]"):
        row = reading.existing(request.id)
        validate_project(request)
        if row is None:
            written = repository.create(_applied(repository.configured_row(request.id, time.time_ns()), request))
        else:
            written = repository.replace(_applied(row, request))
        if written:
            break
    return ProjectUpdateResponse()


def _applied(row: ProjectRow, project: Project) -> ProjectRow:
    row.name = project.name or row.name
    row.description = project.description or row.description
    if project.HasField("labels"):
        row.labels = project.labels.SerializeToString(deterministic=True)
    row.state = project.state
    row.updated_at = time.time_ns()
    return row
