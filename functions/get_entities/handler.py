"""Tasks, workflows, launch plans, their names and descriptions are read: read only."""

from flyteadmin.api.handler import api_handler
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

lambda_handler = api_handler(
    {
        "GetTask": tasks.get,
        "ListTasks": task_lists.list_tasks,
        "ListTaskIds": name_lists.list_task_ids,
        "GetWorkflow": workflows.get,
        "ListWorkflows": workflow_lists.list_workflows,
        "ListWorkflowIds": name_lists.list_workflow_ids,
        "GetLaunchPlan": launch_plans.get,
        "GetActiveLaunchPlan": launch_plans.get_active,
        "ListLaunchPlans": launch_plan_lists.list_launch_plans,
        "ListActiveLaunchPlans": launch_plan_lists.list_active,
        "ListLaunchPlanIds": name_lists.list_launch_plan_ids,
        "GetNamedEntity": named_entities.get,
        "ListNamedEntities": name_lists.list_named_entities,
        "GetDescriptionEntity": description_entities.get,
        "ListDescriptionEntities": description_lists.list_description_entities,
    },
    offload=offload_answer,
)
