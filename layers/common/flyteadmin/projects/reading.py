"""Reads projects, and the domains, which the configuration alone decides."""

import time

from flyteidl.admin.project_pb2 import GetDomainRequest, GetDomainsResponse, Project, ProjectGetRequest

from flyteadmin.clients import configuration
from flyteadmin.errors import NotFound, missing
from flyteadmin.projects import messages, repository
from flyteadmin.projects.models import ProjectRow


def get(request: ProjectGetRequest) -> Project:
    """GetProject (PRJ-08).

    Raises:
        InvalidArgument: the identifier is missing.
        NotFound: there is no such project.
    """
    row = existing(request.id)
    return messages.project(row or repository.configured_row(request.id, time.time_ns()), configuration.current())


def get_domains(_request: GetDomainRequest) -> GetDomainsResponse:
    """GetDomains: those of the configuration (PRJ-09)."""
    return GetDomainsResponse(domains=messages.domains(configuration.current()))


def existing(project: str) -> ProjectRow | None:
    """Return a project's row; None for one that only the configuration names; errors as `get`."""
    if not project:
        raise missing("project_id")
    row = repository.read(project)
    if row is None and project not in configuration.current().projects:
        raise NotFound(f"project [{project}] not found")
    return row
