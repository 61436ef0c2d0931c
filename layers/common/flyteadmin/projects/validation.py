"""Validates projects, and the project and domain of a request; pure."""

from typing import Protocol

from flyteidl.admin.project_pb2 import InactiveProject, Project, ProjectRegisterRequest

from flyteadmin.errors import InvalidArgument, missing
from flyteadmin.kubernetes_names import dns_label_faults
from flyteadmin.settings import RESERVED_PROJECTS, Configuration
from flyteadmin.validation import validate_labels

_MAX_NAME = 64
_MAX_DESCRIPTION = 300


class StoredProject(Protocol):
    """A project's row; `state` is the number of `Project.ProjectState`."""

    state: float


def validate_project_and_domain(
    row: StoredProject | None, project: str, domain: str, configuration: Configuration
) -> None:
    """Check that entities and executions may be created in a project and domain (CRE-06…08, PRJ-06, PRJ-07).

    A project that the configuration names is active without a row; a row decides once there is one.

    Raises:
        InvalidArgument: not registered, not active (with the detail `InactiveProject`), or no such domain.
    """
    if row is None and project not in configuration.projects:
        raise InvalidArgument(
            f"failed to validate that project [{project}] and domain [{domain}] are registered,"
            f" err: [project [{project}] not found]"
        )
    if row is not None and row.state != Project.ACTIVE:
        raise InvalidArgument(f"project [{project}] is not active", InactiveProject(id=project))
    if all(known.id != domain for known in configuration.domains):
        raise InvalidArgument(f"domain [{domain}] is unrecognized by system")


def validate_active(row: StoredProject | None, project: str, configuration: Configuration) -> None:
    """Check that the attributes of a project itself may be changed (ATT-08).

    Raises:
        InvalidArgument: not registered, or not active; without a detail, as upstream's.
    """
    if row is None and project not in configuration.projects:
        raise InvalidArgument(
            f"failed to validate that project [{project}] is registered, err: [project [{project}] not found]"
        )
    if row is not None and row.state != Project.ACTIVE:
        raise InvalidArgument(f"project [{project}] is not active")


def validate_exists(row: StoredProject | None, project: str, configuration: Configuration) -> None:
    """Check that there is a project, active or not (ATT-08).

    Raises:
        InvalidArgument: there is none.
    """
    if row is None and project not in configuration.projects:
        raise InvalidArgument(
            f"failed to validate that project [{project}] exists, err: [project [{project}] not found]"
        )


def validate_registration(request: ProjectRegisterRequest) -> None:
    """Check a RegisterProject (PRJ-01, PRJ-02).

    Raises:
        InvalidArgument: naming the field.
    """
    if not request.HasField("project"):
        raise missing("project")
    if not request.project.name:
        raise missing("project_name")
    if request.project.id in RESERVED_PROJECTS:
        raise InvalidArgument(
            f"invalid project id [{request.project.id}]: blobs of others lie below metadata/{request.project.id}/;"
            " choose another id"
        )
    validate_project(request.project)


def validate_project(project: Project) -> None:
    """Check the fields of a project (PRJ-02).

    Raises:
        InvalidArgument: naming the field.
    """
    if not project.id:
        raise missing("project_id")
    validate_labels(project.labels.values)
    if faults := dns_label_faults(project.id):
        raise InvalidArgument(f"invalid project id [{project.id[:100]}]: [{' '.join(faults)}]")
    if len(project.name.encode()) > _MAX_NAME:
        raise InvalidArgument(f"project_name cannot exceed {_MAX_NAME} characters")
    if len(project.description.encode()) > _MAX_DESCRIPTION:
        raise InvalidArgument(f"project_description cannot exceed {_MAX_DESCRIPTION} characters")
    if project.domains:
        raise InvalidArgument(
            "Domains are currently only set system wide. Please retry without domains included in your request."
        )
