"""What happens when a task is registered: one read of all that decides, one write."""

import time
from hashlib import sha256

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
from flyteadmin.description_entities.repository import description
from flyteadmin.errors import AlreadyExists, FlyteAdminError, InvalidArgument
from flyteadmin.identifiers import entity_key
from flyteadmin.named_entities import repository as named_entities
from flyteadmin.named_entities.differences import differences
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
    here = configuration.current()
    project = found.get(projects.key(identifier.project))
    validate_project_and_domain(project, identifier.project, identifier.domain, here)
    _validate(request, attributes.rows_of(found, scopes), here)
    task = _compiled(request.spec.template, identifier)
    validate_compiled(task)
    existing = found.get(repository.key(identifier))
    if existing is not None:
        raise _exists(existing, task)
    _store(request, task, found.get(name))
    return TaskCreateResponse()


def _validate(request: TaskCreateRequest, rows: MatchingAttributesRows, here: Configuration) -> None:
    matched = rows.most_specific(MatchableResource.TASK_RESOURCE)
    is_set = matched is not None and matched.HasField("task_resource_attributes")
    row = matched.task_resource_attributes if matched is not None and is_set else None
    validate_task(request, platform_limits(row, here.task_resources), here.task_type_whitelist)


def _compiled(given: TaskTemplate, identifier: Identifier) -> CompiledTask:
    template = TaskTemplate()
    template.CopyFrom(given)
    template.id.CopyFrom(identifier)
    try:
        return compile_task(template)
    except CompileErrors as error:
        raise InvalidArgument(f"task failed compilation with {error.message}") from error


def _store(request: TaskCreateRequest, task: CompiledTask, known: NamedEntityRow | None) -> None:
    now = time.time_ns()
    closure = task.SerializeToString(deterministic=True)
    name, version = entity_key(request.id)
    row = TaskRow(
        name=name,
        version=version,
        created_at=now,
        digest=sha256(closure).digest(),
        task_type=task.template.type,
        short_description=request.spec.description.short_description,
    )
    has_description = request.spec.HasField("description")
    also = [description(request.spec.description, request.id, now)] if has_description else []
    try:
        named_entities.store_version(repository.first(row, closure), request.id, known, also, now)
    except named_entities.VersionExists as error:
        raise _exists(repository.from_raw(error.old), task) from None


def _exists(row: TaskRow, task: CompiledTask) -> FlyteAdminError:
    if row.digest == sha256(task.SerializeToString(deterministic=True)).digest():
        return AlreadyExists("task with identical structure already exists")
    return InvalidArgument(
        f"{task.template.id.name} task with different structure already exists."
        " (Please register a new version of the task):\n" + differences(repository.compiled(row), task)
    )
