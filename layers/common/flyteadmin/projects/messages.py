"""Builds a project as clients read it from its row and the configuration's domains; pure."""

from flyteidl.admin.common_pb2 import Labels
from flyteidl.admin.project_pb2 import Domain, Project

from flyteadmin.projects.models import ProjectRow
from flyteadmin.settings import Configuration


def project(row: ProjectRow, configuration: Configuration) -> Project:
    """Return the project with all domains."""
    message = Project(id=row.project, name=row.name, description=row.description, domains=domains(configuration))
    message.state = int(row.state)  # type: ignore[assignment]  # an open enum: any number is one
    if row.labels is not None:
        message.labels.CopyFrom(Labels.FromString(row.labels))
    return message


def domains(configuration: Configuration) -> list[Domain]:
    """Return the domains of the configuration."""
    return [Domain(id=domain.id, name=domain.name) for domain in configuration.domains]
