"""Tasks, workflows and launch plans are registered; launch plans are activated, names described."""

from functools import partial

from flyteadmin.api.handler import api_handler
from flyteadmin.launch_plans import messages, repository
from flyteadmin.launch_plans import service as launch_plans
from flyteadmin.named_entities import service as named_entities
from flyteadmin.tasks import service as tasks
from flyteadmin.workflows import service as workflows

_LAUNCH_PLANS = workflows.LaunchPlans(repository.key, messages.interface)

lambda_handler = api_handler(
    {
        "CreateTask": tasks.create,
        "CreateWorkflow": partial(workflows.create, launch_plans=_LAUNCH_PLANS),
        "CreateLaunchPlan": launch_plans.create,
        "UpdateLaunchPlan": launch_plans.update,
        "UpdateNamedEntity": named_entities.update,
    }
)
