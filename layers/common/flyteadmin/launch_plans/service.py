"""Registers, activates and deactivates launch plans."""

import time

from flyteidl.admin.launch_plan_pb2 import (
    ACTIVE,
    INACTIVE,
    LaunchPlan,
    LaunchPlanClosure,
    LaunchPlanCreateRequest,
    LaunchPlanCreateResponse,
    LaunchPlanSpec,
    LaunchPlanUpdateRequest,
    LaunchPlanUpdateResponse,
)
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, WORKFLOW
from flyteidl.core.interface_pb2 import TypedInterface

from flyteadmin.clients import configuration
from flyteadmin.clients.dynamodb.reads import batch_get
from flyteadmin.errors import FlyteAdminError, InvalidArgument, Unimplemented
from flyteadmin.launch_plans import repository, schedules
from flyteadmin.launch_plans.models import LaunchPlanRow
from flyteadmin.launch_plans.validation import validate_launch_plan
from flyteadmin.named_entities import conflicts
from flyteadmin.named_entities import repository as named_entities
from flyteadmin.named_entities.models import NamedEntityRow
from flyteadmin.named_entities.validation import validate_identifier, with_type
from flyteadmin.pretty_print import to_text
from flyteadmin.projects import repository as projects
from flyteadmin.projects.validation import validate_project_and_domain
from flyteadmin.validation import missing_entity
from flyteadmin.workflows import repository as workflows
from flyteadmin.workflows.models import WorkflowRow


def create(request: LaunchPlanCreateRequest) -> LaunchPlanCreateResponse:
    """CreateLaunchPlan; it is inactive until it is activated (REG-15).

    Raises:
        InvalidArgument: naming the field; or a launch plan of another structure has this identifier (REG-02).
        NotFound: the workflow is not registered (REG-11).
        AlreadyExists: this very launch plan is registered (REG-01).
    """
    has_workflow = request.spec.HasField("workflow_id")
    workflow_id = validate_identifier(request.spec.workflow_id if has_workflow else None, WORKFLOW)
    identifier = validate_identifier(request.id if request.HasField("id") else None, LAUNCH_PLAN)
    project, name = projects.key(identifier.project), named_entities.key(identifier)
    found = batch_get([project, repository.key(identifier), name, workflows.key(workflow_id)])
    workflow = found.get(workflows.key(workflow_id))
    if workflow is None:
        raise missing_entity(workflow_id)
    validate_project_and_domain(found.get(project), identifier.project, identifier.domain, configuration.current())
    launch_plan = _completed(request, workflows.interface(workflow))
    existing = found.get(repository.key(identifier)) or _store(launch_plan, workflow, found.get(name))
    if existing is not None:
        raise _exists(existing, launch_plan)
    return LaunchPlanCreateResponse()


def update(request: LaunchPlanUpdateRequest) -> LaunchPlanUpdateResponse:
    """UpdateLaunchPlan: activate a version, and with it deactivate another of its name; or deactivate it.

    Raises:
        InvalidArgument: the identifier is not whole, or the state is neither.
        NotFound: there is no such version.
        Unimplemented: the launch plan has a schedule, which nothing would run yet.
    """
    given = with_type(request.id if request.HasField("id") else None, LAUNCH_PLAN)
    identifier = validate_identifier(given, LAUNCH_PLAN)
    now = time.time_ns()
    try:
        if request.state == ACTIVE:
            repository.activate(identifier, now, _refuse_schedule)
        elif request.state == INACTIVE:
            repository.deactivate(identifier, now)
        else:
            raise InvalidArgument(
                f"Unrecognized launch plan state {request.state} for update for launch plan [{to_text(identifier)}]"
            )
    except repository.LaunchPlanMissing:
        raise missing_entity(identifier) from None
    return LaunchPlanUpdateResponse()


def _refuse_schedule(row: LaunchPlanRow) -> None:
    if row.schedule_type != "NONE" and not schedules.is_empty(repository.specification(row)):
        raise Unimplemented(
            f"launch plan {row.name} version {row.version} has a schedule, and schedules are not run yet:"
            " it can't be activated"
        )


def _completed(request: LaunchPlanCreateRequest, workflow: TypedInterface) -> LaunchPlan:
    """Return the launch plan as it is stored: its default inputs are the expected inputs (REG-12)."""
    spec = LaunchPlanSpec()
    spec.CopyFrom(request.spec)
    spec.default_inputs.CopyFrom(validate_launch_plan(request.spec, workflow.inputs))
    closure = LaunchPlanClosure(expected_inputs=spec.default_inputs, expected_outputs=workflow.outputs)
    return LaunchPlan(id=request.id, spec=spec, closure=closure)


def _store(launch_plan: LaunchPlan, workflow: WorkflowRow, known: NamedEntityRow | None) -> LaunchPlanRow | None:
    """Store the launch plan; return the row that has its identifier already, None where it was stored."""
    now = time.time_ns()
    row = repository.new_version(launch_plan, launch_plan.spec.workflow_id, workflow.closure_uri, now)
    version = repository.first(row, launch_plan)
    return named_entities.store_version(LaunchPlanRow, version, launch_plan.id, known, now=now)


def _exists(row: LaunchPlanRow, launch_plan: LaunchPlan) -> FlyteAdminError:
    if row.digest == conflicts.digest(launch_plan):
        return conflicts.identical("launch plan")
    return conflicts.different("launch plan", launch_plan.id.name, repository.specification(row), launch_plan.spec)
