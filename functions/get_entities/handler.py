"""Tasks, workflows, launch plans, their names and descriptions are read: read only."""

from flyteidl.admin.common_pb2 import (
    NamedEntity,
    NamedEntityGetRequest,
    NamedEntityIdentifierList,
    NamedEntityIdentifierListRequest,
    NamedEntityList,
    NamedEntityListRequest,
    ObjectGetRequest,
    ResourceListRequest,
)
from flyteidl.admin.description_entity_pb2 import DescriptionEntity, DescriptionEntityList, DescriptionEntityListRequest
from flyteidl.admin.launch_plan_pb2 import (
    ActiveLaunchPlanListRequest,
    ActiveLaunchPlanRequest,
    LaunchPlan,
    LaunchPlanList,
)
from flyteidl.admin.task_pb2 import Task, TaskList
from flyteidl.admin.workflow_pb2 import Workflow, WorkflowList
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, WORKFLOW

from flyteadmin.api.handler import api_handler
from flyteadmin.api.identity import Identity
from flyteadmin.clients.storage import offload_answer
from flyteadmin.description_entities import listing as description_lists
from flyteadmin.description_entities import reading as description_entities
from flyteadmin.launch_plans import listing as launch_plan_lists
from flyteadmin.launch_plans import reading as launch_plans
from flyteadmin.named_entities import listing as name_lists
from flyteadmin.named_entities import reading as named_entities
from flyteadmin.tasks import listing as task_lists
from flyteadmin.tasks import reading as tasks
from flyteadmin.workflows import listing as workflow_lists
from flyteadmin.workflows import reading as workflows


def get_task(request: ObjectGetRequest, _caller: Identity) -> Task:
    """GET /api/v1/tasks/{project}/{domain}/{name}/{version}."""
    return tasks.get(request)


def list_tasks(request: ResourceListRequest, _caller: Identity) -> TaskList:
    """GET /api/v1/tasks/{project}/{domain} and …/{name}."""
    return task_lists.list_tasks(request)


def list_task_ids(request: NamedEntityIdentifierListRequest, _caller: Identity) -> NamedEntityIdentifierList:
    """GET /api/v1/task_ids/{project}/{domain}."""
    return name_lists.list_names(request, TASK, "ListTaskIds")


def get_workflow(request: ObjectGetRequest, _caller: Identity) -> Workflow:
    """GET /api/v1/workflows/{project}/{domain}/{name}/{version}."""
    return workflows.get(request)


def list_workflows(request: ResourceListRequest, _caller: Identity) -> WorkflowList:
    """GET /api/v1/workflows/{project}/{domain} and …/{name}."""
    return workflow_lists.list_workflows(request)


def list_workflow_ids(request: NamedEntityIdentifierListRequest, _caller: Identity) -> NamedEntityIdentifierList:
    """GET /api/v1/workflow_ids/{project}/{domain}."""
    return name_lists.list_names(request, WORKFLOW, "ListWorkflowIds")


def get_launch_plan(request: ObjectGetRequest, _caller: Identity) -> LaunchPlan:
    """GET /api/v1/launch_plans/{project}/{domain}/{name}/{version}."""
    return launch_plans.get(request)


def get_active_launch_plan(request: ActiveLaunchPlanRequest, _caller: Identity) -> LaunchPlan:
    """GET /api/v1/active_launch_plans/{project}/{domain}/{name}."""
    return launch_plans.get_active(request)


def list_launch_plans(request: ResourceListRequest, _caller: Identity) -> LaunchPlanList:
    """GET /api/v1/launch_plans/{project}/{domain} and …/{name}."""
    return launch_plan_lists.list_launch_plans(request)


def list_active_launch_plans(request: ActiveLaunchPlanListRequest, _caller: Identity) -> LaunchPlanList:
    """GET /api/v1/active_launch_plans/{project}/{domain}."""
    return launch_plan_lists.list_active(request)


def list_launch_plan_ids(request: NamedEntityIdentifierListRequest, _caller: Identity) -> NamedEntityIdentifierList:
    """GET /api/v1/launch_plan_ids/{project}/{domain}."""
    return name_lists.list_names(request, LAUNCH_PLAN, "ListLaunchPlanIds")


def get_named_entity(request: NamedEntityGetRequest, _caller: Identity) -> NamedEntity:
    """GET /api/v1/named_entities/{resource_type}/{project}/{domain}/{name}."""
    return named_entities.get(request)


def list_named_entities(request: NamedEntityListRequest, _caller: Identity) -> NamedEntityList:
    """GET /api/v1/named_entities/{resource_type}/{project}/{domain}."""
    return name_lists.list_named_entities(request)


def get_description_entity(request: ObjectGetRequest, _caller: Identity) -> DescriptionEntity:
    """GET /api/v1/description_entities/{resource_type}/{project}/{domain}/{name}/{version}."""
    return description_entities.get(request)


def list_description_entities(request: DescriptionEntityListRequest, _caller: Identity) -> DescriptionEntityList:
    """GET /api/v1/description_entities/{resource_type}/{project}/{domain}/{name}."""
    return description_lists.list_description_entities(request)


lambda_handler = api_handler(
    {
        "GetTask": get_task,
        "ListTasks": list_tasks,
        "ListTaskIds": list_task_ids,
        "GetWorkflow": get_workflow,
        "ListWorkflows": list_workflows,
        "ListWorkflowIds": list_workflow_ids,
        "GetLaunchPlan": get_launch_plan,
        "GetActiveLaunchPlan": get_active_launch_plan,
        "ListLaunchPlans": list_launch_plans,
        "ListActiveLaunchPlans": list_active_launch_plans,
        "ListLaunchPlanIds": list_launch_plan_ids,
        "GetNamedEntity": get_named_entity,
        "ListNamedEntities": list_named_entities,
        "GetDescriptionEntity": get_description_entity,
        "ListDescriptionEntities": list_description_entities,
    },
    offload=offload_answer,
)
