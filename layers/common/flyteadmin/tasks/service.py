"""Registers tasks: one read of the rows that decide, one write."""

import time

from flyteidl.admin.matchable_resource_pb2 import MatchableResource
from flyteidl.admin.task_pb2 import TaskCreateRequest, TaskCreateResponse
from flyteidl.core.compiler_pb2 import CompiledTask
from flyteidl.core.identifier_pb2 import TASK, Identifier
from flyteidl.core.tasks_pb2 import TaskTemplate

from flyteadmin.attributes import repository as attributes
from flyteadmin.attributes.matching import MatchingAttributesRows
from flyteadmin.clients import configuration
from flyteadmin.clients.dynamodb.reads import batch_get
from flyteadmin.compiler.errors import CompileErrors
from flyteadmin.compiler.task_compiler import compile_task
from flyteadmin.description_entities.repository import descriptions
from flyteadmin.errors import FlyteAdminError, InvalidArgument
from flyteadmin.named_entities import conflicts
from flyteadmin.named_entities import repository as named_entities
from flyteadmin.named_entities.models import NamedEntityRow
from flyteadmin.named_entities.validation import validate_identifier
from flyteadmin.projects import repository as projects
from flyteadmin.projects.validation import validate_project_and_domain
from flyteadmin.settings import Configuration
from flyteadmin.tasks import repository
from flyteadmin.tasks.models import TaskRow
from flyteadmin.tasks.validation import platform_limits, validate_compiled, validate_task


def create(request: TaskCreateRequest) -> TaskCreateResponse:
    """CreateTask; the identifier in the request counts, not the one in the template.

    Raises:
        InvalidArgument: naming the field; or a task of another structure has this identifier (REG-02).
        AlreadyExists: this very task is registered (REG-01).
    """
    identifier = validate_identifier(request.id if request.HasField("id") else None, TASK)
    scopes = attributes.keys(identifier.project, identifier.domain)
    name = named_entities.key(identifier)
    found = batch_get([projects.key(identifier.project), repository.key(identifier), name, *scopes])
    current = configuration.current()
    project = found.get(projects.key(identifier.project))
    validate_project_and_domain(project, identifier.project, identifier.domain, current)
    _validate(request, attributes.rows_of(found, scopes), current)
    task = _compiled(request.spec.template, identifier)
    validate_compiled(task)
    existing = found.get(repository.key(identifier)) or _store(request, task, found.get(name))
    if existing is not None:
        raise _exists(existing, task)
    return TaskCreateResponse()


def _validate(request: TaskCreateRequest, rows: MatchingAttributesRows, current: Configuration) -> None:
    matched = rows.most_specific(MatchableResource.TASK_RESOURCE)
    is_set = matched is not None and matched.HasField("task_resource_attributes")
    row = matched.task_resource_attributes if matched is not None and is_set else None
    validate_task(request, platform_limits(row, current.task_resources), current.task_type_whitelist)


def _compiled(given: TaskTemplate, identifier: Identifier) -> CompiledTask:
    template = TaskTemplate()
    template.CopyFrom(given)
    template.id.CopyFrom(identifier)
    try:
        return compile_task(template)
    except CompileErrors as error:
        raise InvalidArgument(f"task failed compilation with {error.message}") from error


def _store(request: TaskCreateRequest, task: CompiledTask, known: NamedEntityRow | None) -> TaskRow | None:
    """Store the task; return the row that has its identifier already, None where it was stored."""
    now = time.time_ns()
    row = repository.new_version(request.id, task, now, request.spec.description.short_description)
    version = repository.first(row, task.SerializeToString(deterministic=True))
    return named_entities.store_version(TaskRow, version, request.id, known, now=now, also=descriptions(request, now))


def _exists(row: TaskRow, task: CompiledTask) -> FlyteAdminError:
    if row.digest == conflicts.digest(task):
        return conflicts.identical("task")
    return conflicts.different("task", task.template.id.name, repository.compiled(row), task)
