"""Registers workflows: reads the rows that decide or that the workflow refers to, compiles it, stores it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

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

from flyteadmin.bounds import parsed_weight
from flyteadmin.clients import configuration
from flyteadmin.clients.dynamodb.keys import AnyKey
from flyteadmin.clients.dynamodb.reads import Found, batch_get
from flyteadmin.compiler.errors import CompileErrors
from flyteadmin.compiler.requirements import Requirements, get_requirements
from flyteadmin.compiler.workflow_compiler import LaunchPlanInterface, compile_workflow
from flyteadmin.description_entities.repository import descriptions
from flyteadmin.errors import FlyteAdminError, InvalidArgument
from flyteadmin.named_entities import conflicts
from flyteadmin.named_entities import repository as named_entities
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
    """Finds the launch plans that a workflow starts; their room is above this one, which can't import it."""

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
    current = configuration.current()
    validate_project_and_domain(found.get(project), identifier.project, identifier.domain, current)
    validate_workflow(request)
    closure = _compiled(request, _library(requirements, found, launch_plans, identifier))
    validate_compiled(identifier, closure, current.registration)
    existing = found.get(repository.key(identifier)) or _store(request, closure, found.get(name))
    if existing is not None:
        raise _exists(existing, closure, identifier)
    return WorkflowCreateResponse()


MAX_TASKS_WEIGHT = 32 * 1024 * 1024
"""The most that the tasks of a workflow take (`bounds.parsed_weight`): each may have four megabytes of its own."""


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
        *(tasks.key(task) for task in requirements.task_ids if _is_whole(task)),
        *(launch_plans.key(plan) for plan in requirements.launch_plan_ids if _is_whole(plan)),
    ]


def _is_whole(identifier: Identifier) -> bool:
    """Return whether no part is blank; a reference with a blank part names nothing that is stored."""
    return all((identifier.project, identifier.domain, identifier.name, identifier.version))


def _library(requirements: Requirements, found: Found, launch_plans: LaunchPlans, workflow: Identifier) -> _Library:
    library, weight = _Library([], []), 0
    for identifier in requirements.task_ids:
        row = found.get(tasks.key(identifier))
        if row is None:
            raise _uncompilable(workflow, missing_entity(identifier).message)
        closure = tasks.closure(row)
        weight += parsed_weight(closure)
        if weight > MAX_TASKS_WEIGHT:
            raise _uncompilable(workflow, f"its tasks together are larger than {MAX_TASKS_WEIGHT} bytes")
        library.tasks.append(CompiledTask.FromString(closure))
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


def _store(
    request: WorkflowCreateRequest, closure: CompiledWorkflowClosure, known: NamedEntityRow | None
) -> WorkflowRow | None:
    """Store the workflow; return the row that has its identifier already, None where it was stored."""
    now = time.time_ns()
    row = repository.new_version(request.id, closure, now, request.spec.description.short_description)
    version, also = repository.first(row), descriptions(request, now)
    return named_entities.store_version(WorkflowRow, version, request.id, known, now=now, also=also)


def _exists(row: WorkflowRow, closure: CompiledWorkflowClosure, identifier: Identifier) -> FlyteAdminError:
    """Return the error with the detail that clients read (REG-03)."""
    if row.digest == conflicts.digest(closure):
        same = WorkflowErrorExistsIdenticalStructure(id=identifier)
        return conflicts.identical("workflow", CreateWorkflowFailureReason(exists_identical_structure=same))
    other = WorkflowErrorExistsDifferentStructure(id=identifier)
    reason = CreateWorkflowFailureReason(exists_different_structure=other)
    return conflicts.different("workflow", identifier.name, repository.closure(row), closure, reason)
