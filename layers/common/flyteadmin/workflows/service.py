"""What happens when a workflow is registered: one read of all that decides and is referred to, compiled, stored."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from flyteidl.admin.workflow_pb2 import (
    CreateWorkflowFailureReason,
    WorkflowCreateRequest,
    WorkflowCreateResponse,
    WorkflowErrorExistsDifferentStructure,
    WorkflowErrorExistsIdenticalStructure,
)
from flyteidl.core.compiler_pb2 import CompiledTask, CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import WORKFLOW, Identifier
from flyteidl.core.workflow_pb2 import WorkflowTemplate

from flyteadmin.clients import configuration
from flyteadmin.clients.dynamodb.keys import AnyKey
from flyteadmin.clients.dynamodb.reads import Found, batch_get
from flyteadmin.compiler.errors import CompileErrors
from flyteadmin.compiler.requirements import Requirements, get_requirements
from flyteadmin.compiler.workflow_compiler import LaunchPlanInterface, compile_workflow
from flyteadmin.description_entities.repository import description
from flyteadmin.errors import AlreadyExists, FlyteAdminError, InvalidArgument
from flyteadmin.named_entities import repository as named_entities
from flyteadmin.named_entities.differences import differences
from flyteadmin.named_entities.models import NamedEntityRow
from flyteadmin.named_entities.validation import validate_identifier
from flyteadmin.pretty_print import to_text
from flyteadmin.projects import repository as projects
from flyteadmin.projects.validation import validate_project_and_domain
from flyteadmin.tasks import repository as tasks
from flyteadmin.validation import missing_entity
from flyteadmin.workflows import repository
from flyteadmin.workflows.models import WorkflowRow
from flyteadmin.workflows.validation import validate_compiled, validate_workflow


@dataclass(frozen=True)
class LaunchPlans:
    """How the launch plans that a workflow starts are found: they stand above this room, which can't import them."""

    key: Callable[[Identifier], AnyKey]
    interface: Callable[[Found, Identifier], LaunchPlanInterface | None]


def create(request: WorkflowCreateRequest, launch_plans: LaunchPlans) -> WorkflowCreateResponse:
    """CreateWorkflow; the identifier in the request counts, not the one in the template.

    Raises:
        InvalidArgument: naming the field; all that does not compile (REG-08); or a workflow of another structure has
            this identifier (REG-02).
        AlreadyExists: this very workflow is registered (REG-01).
    """
    identifier = validate_identifier(request.id if request.HasField("id") else None, WORKFLOW)
    requirements = _requirements(request)
    project, name = projects.key(identifier.project), named_entities.key(identifier)
    found = batch_get([project, repository.key(identifier), name, *_required(requirements, launch_plans)])
    here = configuration.current()
    validate_project_and_domain(found.get(project), identifier.project, identifier.domain, here)
    validate_workflow(request)
    closure = _compiled(request, _library(requirements, found, launch_plans, identifier))
    validate_compiled(identifier, closure, here.registration)
    existing = found.get(repository.key(identifier))
    if existing is not None:
        raise _exists(existing, closure, identifier)
    _store(request, closure, found.get(name))
    return WorkflowCreateResponse()


@dataclass(frozen=True)
class _Library:
    tasks: list[CompiledTask]
    launch_plans: list[LaunchPlanInterface]


def _requirements(request: WorkflowCreateRequest) -> Requirements:
    try:
        return get_requirements(request.spec.template, request.spec.sub_workflows)
    except CompileErrors as error:
        raise _uncompilable(request.id, f"failed to get workflow requirements with err {error.message}") from error


def _required(requirements: Requirements, launch_plans: LaunchPlans) -> list[AnyKey]:
    return [
        *(tasks.key(each) for each in requirements.task_ids if _is_whole(each)),
        *(launch_plans.key(each) for each in requirements.launch_plan_ids if _is_whole(each)),
    ]


def _is_whole(identifier: Identifier) -> bool:
    """A reference with a blank part names nothing that is stored."""
    return all((identifier.project, identifier.domain, identifier.name, identifier.version))


def _library(requirements: Requirements, found: Found, launch_plans: LaunchPlans, workflow: Identifier) -> _Library:
    library = _Library([], [])
    for identifier in requirements.task_ids:
        row = found.get(tasks.key(identifier))
        if row is None:
            raise _uncompilable(workflow, missing_entity(identifier).message)
        library.tasks.append(tasks.compiled(row))
    for identifier in requirements.launch_plan_ids:
        interface = launch_plans.interface(found, identifier)
        if interface is None:
            raise _uncompilable(workflow, missing_entity(identifier).message)
        library.launch_plans.append(interface)
    return library


def _compiled(request: WorkflowCreateRequest, library: _Library) -> CompiledWorkflowClosure:
    template = WorkflowTemplate()
    template.CopyFrom(request.spec.template)
    template.id.CopyFrom(request.id)
    try:
        return compile_workflow(template, request.spec.sub_workflows, library.tasks, library.launch_plans)
    except CompileErrors as error:
        raise _uncompilable(request.id, error.message) from error


def _uncompilable(identifier: Identifier, why: str) -> InvalidArgument:
    return InvalidArgument(f"failed to compile workflow for [{to_text(identifier)}] with err: {why}")


def _store(request: WorkflowCreateRequest, closure: CompiledWorkflowClosure, known: NamedEntityRow | None) -> None:
    now = time.time_ns()
    row = repository.new_version(request.id, closure, now, request.spec.description.short_description)
    has_description = request.spec.HasField("description")
    also = [description(request.spec.description, request.id, now)] if has_description else []
    try:
        named_entities.store_version(repository.first(row), request.id, known, also, now)
    except named_entities.VersionExists as error:
        raise _exists(repository.from_raw(error.old), closure, request.id) from None


def _exists(row: WorkflowRow, closure: CompiledWorkflowClosure, identifier: Identifier) -> FlyteAdminError:
    """The error with the detail that clients read (REG-03)."""
    if row.digest == sha256(closure.SerializeToString(deterministic=True)).digest():
        same = WorkflowErrorExistsIdenticalStructure(id=identifier)
        return AlreadyExists(
            "workflow with identical structure already exists",
            CreateWorkflowFailureReason(exists_identical_structure=same),
        )
    different = WorkflowErrorExistsDifferentStructure(id=identifier)
    return InvalidArgument(
        f"{identifier.name} workflow with different structure already exists."
        " (Please register a new version of the workflow):\n" + differences(repository.closure(row), closure),
        CreateWorkflowFailureReason(exists_different_structure=different),
    )
