"""Tasks, workflows and launch plans are registered; launch plans are activated, names described."""

from flyteidl.admin.common_pb2 import NamedEntityUpdateRequest, NamedEntityUpdateResponse
from flyteidl.admin.launch_plan_pb2 import (
    LaunchPlanCreateRequest,
    LaunchPlanCreateResponse,
    LaunchPlanUpdateRequest,
    LaunchPlanUpdateResponse,
)
from flyteidl.admin.task_pb2 import TaskCreateRequest, TaskCreateResponse
from flyteidl.admin.workflow_pb2 import WorkflowCreateRequest, WorkflowCreateResponse

from flyteadmin.api.handler import api_handler
from flyteadmin.api.identity import Identity
from flyteadmin.launch_plans import messages, repository
from flyteadmin.launch_plans import service as launch_plans
from flyteadmin.named_entities import service as named_entities
from flyteadmin.tasks import service as tasks
from flyteadmin.workflows import service as workflows

_LAUNCH_PLANS = workflows.LaunchPlans(repository.key, messages.interface)


def create_task(request: TaskCreateRequest, _caller: Identity) -> TaskCreateResponse:
    """POST /api/v1/tasks."""
    return tasks.create(request)


def create_workflow(request: WorkflowCreateRequest, _caller: Identity) -> WorkflowCreateResponse:
    """POST /api/v1/workflows."""
    return workflows.create(request, _LAUNCH_PLANS)


def create_launch_plan(request: LaunchPlanCreateRequest, _caller: Identity) -> LaunchPlanCreateResponse:
    """POST /api/v1/launch_plans."""
    return launch_plans.create(request)


def update_launch_plan(request: LaunchPlanUpdateRequest, _caller: Identity) -> LaunchPlanUpdateResponse:
    """PUT /api/v1/launch_plans/{project}/{domain}/{name}/{version}."""
    return launch_plans.update(request)


def update_named_entity(request: NamedEntityUpdateRequest, _caller: Identity) -> NamedEntityUpdateResponse:
    """PUT /api/v1/named_entities/{resource_type}/{project}/{domain}/{name}."""
    return named_entities.update(request)


lambda_handler = api_handler(
    {
        "CreateTask": create_task,
        "CreateWorkflow": create_workflow,
        "CreateLaunchPlan": create_launch_plan,
        "UpdateLaunchPlan": update_launch_plan,
        "UpdateNamedEntity": update_named_entity,
    }
)
