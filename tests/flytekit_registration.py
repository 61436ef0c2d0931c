"""A flytekit launch plan and all it needs, serialized by flytekit itself and registered over HTTPS."""

from collections import OrderedDict
from dataclasses import dataclass

from flyteidl.admin.launch_plan_pb2 import LaunchPlan, LaunchPlanCreateRequest, LaunchPlanCreateResponse
from flyteidl.admin.task_pb2 import TaskCreateRequest, TaskCreateResponse, TaskSpec
from flyteidl.admin.workflow_pb2 import WorkflowCreateRequest, WorkflowCreateResponse, WorkflowSpec
from flyteidl.core.identifier_pb2 import Identifier
from flytekit import LaunchPlan as FlytekitLaunchPlan
from flytekit.configuration import Image, ImageConfig, SerializationSettings
from flytekit.tools.translator import get_serializable

from local.admin import Admin

_IMAGE = Image(name="default", fqn="python", tag="3.12")


@dataclass(frozen=True)
class Registered:
    """A registered launch plan, and the number of tasks registered with it."""

    launch_plan: Identifier
    tasks: int


def register(admin: Admin, launch_plan: FlytekitLaunchPlan, project: str, domain: str, version: str) -> Registered:
    """Register a launch plan's tasks, its workflow and itself, in this order.

    Raises:
        CallFailed: the API refused one of them.
    """
    settings = SerializationSettings(
        project=project,
        domain=domain,
        version=version,
        image_config=ImageConfig(default_image=_IMAGE, images=[_IMAGE]),
    )
    entities: OrderedDict[object, object] = OrderedDict()
    get_serializable(entities, settings, launch_plan)
    messages = [entity.to_flyte_idl() for entity in entities.values()]  # type: ignore[attr-defined]  # flytekit models
    specs = [message for message in messages if isinstance(message, TaskSpec)]
    for spec in specs:
        task = TaskCreateRequest(id=spec.template.id, spec=spec)
        admin.call("CreateTask", task, TaskCreateResponse)
    for message in messages:
        if isinstance(message, WorkflowSpec):
            workflow = WorkflowCreateRequest(id=message.template.id, spec=message)
            admin.call("CreateWorkflow", workflow, WorkflowCreateResponse)
    [plan] = [message for message in messages if isinstance(message, LaunchPlan)]
    admin.call("CreateLaunchPlan", LaunchPlanCreateRequest(id=plan.id, spec=plan.spec), LaunchPlanCreateResponse)
    return Registered(plan.id, len(specs))
