"""Projects, entities and their names: registered, read, listed by each index that there is."""

from flyteidl.admin.common_pb2 import (
    NamedEntity,
    NamedEntityGetRequest,
    NamedEntityIdentifier,
    NamedEntityIdentifierList,
    NamedEntityIdentifierListRequest,
    NamedEntityList,
    NamedEntityListRequest,
    NamedEntityUpdateRequest,
    NamedEntityUpdateResponse,
    ObjectGetRequest,
    ResourceListRequest,
    Sort,
)
from flyteidl.admin.description_entity_pb2 import (
    Description,
    DescriptionEntity,
    DescriptionEntityList,
    DescriptionEntityListRequest,
)
from flyteidl.admin.launch_plan_pb2 import (
    ACTIVE,
    ActiveLaunchPlanListRequest,
    ActiveLaunchPlanRequest,
    LaunchPlan,
    LaunchPlanList,
    LaunchPlanUpdateRequest,
    LaunchPlanUpdateResponse,
)
from flyteidl.admin.project_pb2 import (
    Project,
    ProjectGetRequest,
    ProjectListRequest,
    ProjectRegisterRequest,
    ProjectRegisterResponse,
    Projects,
    ProjectUpdateResponse,
)
from flyteidl.admin.task_pb2 import Task, TaskCreateRequest, TaskCreateResponse, TaskList, TaskSpec
from flyteidl.admin.version_pb2 import GetVersionRequest, GetVersionResponse
from flyteidl.admin.workflow_pb2 import (
    Workflow,
    WorkflowCreateRequest,
    WorkflowCreateResponse,
    WorkflowList,
    WorkflowSpec,
)
from flyteidl.core.identifier_pb2 import (
    TASK,
    WORKFLOW,
    Identifier,
)
from flyteidl.core.tasks_pb2 import Container, RuntimeMetadata, TaskMetadata, TaskTemplate
from flyteidl.core.workflow_pb2 import Node, TaskNode, WorkflowTemplate
from google.protobuf.message import Message

from local.admin import Admin
from local.stack import DOMAIN, PROJECT
from tests.e2e.journeys.traveller import Traveller, followed
from tests.flytekit_registration import register
from tests.workflows import BROKEN_REPORT, ECHOED_REPORT, WAITING_REPORT


def projects(traveller: Traveller, name: str) -> None:
    admin = traveller.admin
    admin.call("RegisterProject", ProjectRegisterRequest(project=Project(id=name, name=name)), ProjectRegisterResponse)
    admin.call("UpdateProject", Project(id=name, description="for the tests"), ProjectUpdateResponse)
    assert admin.call("GetProject", ProjectGetRequest(id=name), Project).description == "for the tests"
    listed = admin.call("ListProjects", ProjectListRequest(limit=100), Projects)
    assert {PROJECT, name} <= {project.id for project in listed.projects}


def large_task(version: str, number: int) -> TaskTemplate:
    """Return a task whose arguments alone are 1.5 MB."""
    return TaskTemplate(
        id=Identifier(resource_type=TASK, project=PROJECT, domain=DOMAIN, name=f"large-{number}", version=version),
        type="container",
        metadata=TaskMetadata(runtime=RuntimeMetadata(type=RuntimeMetadata.FLYTE_SDK, version="1", flavor="python")),
        interface={},
        container=Container(image="python:3.12", args=["x" * 1_500_000]),
    )


def entities(traveller: Traveller, version: str) -> None:
    admin = traveller.admin
    for task in (large_task(version, number) for number in range(3)):
        admin.call("CreateTask", TaskCreateRequest(id=task.id, spec=TaskSpec(template=task)), TaskCreateResponse)
    identifier = Identifier(resource_type=WORKFLOW, project=PROJECT, domain=DOMAIN, name="large", version=version)
    nodes = [Node(id=f"n{n}", task_node=TaskNode(reference_id=large_task(version, n).id)) for n in range(3)]
    spec = WorkflowSpec(
        template=WorkflowTemplate(id=identifier, interface={}, nodes=nodes),
        description=DescriptionEntity(long_description=Description(value="a large one")),
    )
    admin.call("CreateWorkflow", WorkflowCreateRequest(id=identifier, spec=spec), WorkflowCreateResponse)
    large = Workflow.FromString(followed(traveller, "GetWorkflow", ObjectGetRequest(id=identifier)))
    assert len(large.closure.compiled_workflow.tasks) == 3
    launch_plan = register(admin, ECHOED_REPORT, PROJECT, DOMAIN, version).launch_plan
    register(admin, BROKEN_REPORT, PROJECT, DOMAIN, version)
    register(admin, WAITING_REPORT, PROJECT, DOMAIN, version)
    admin.call("UpdateLaunchPlan", LaunchPlanUpdateRequest(id=launch_plan, state=ACTIVE), LaunchPlanUpdateResponse)
    name = {"project": PROJECT, "domain": DOMAIN, "name": launch_plan.name}
    active = admin.call("GetActiveLaunchPlan", ActiveLaunchPlanRequest(id=name), LaunchPlan)
    assert active.id.version == version
    scope = ActiveLaunchPlanListRequest(project=PROJECT, domain=DOMAIN, limit=10)
    assert admin.call("ListActiveLaunchPlans", scope, LaunchPlanList).launch_plans
    assert admin.call("GetLaunchPlan", ObjectGetRequest(id=launch_plan), LaunchPlan).id == launch_plan
    assert admin.call("GetTask", ObjectGetRequest(id=large_task(version, 0).id), Task).id.version == version
    lists(admin, launch_plan.name, version)
    names(admin, identifier)


def names(admin: Admin, workflow: Identifier) -> None:
    name = NamedEntityIdentifier(project=workflow.project, domain=workflow.domain, name=workflow.name)
    update = NamedEntityUpdateRequest(resource_type=WORKFLOW, id=name, metadata={"description": "a large one"})
    admin.call("UpdateNamedEntity", update, NamedEntityUpdateResponse)
    found = admin.call("GetNamedEntity", NamedEntityGetRequest(resource_type=WORKFLOW, id=name), NamedEntity)
    assert found.metadata.description == "a large one"
    described = admin.call("GetDescriptionEntity", ObjectGetRequest(id=workflow), DescriptionEntity)
    assert described.long_description.value == "a large one"
    assert admin.call("GetVersion", GetVersionRequest(), GetVersionResponse).control_plane_version.Version
    list_names(admin, name)


def list_names(admin: Admin, name: NamedEntityIdentifier) -> None:
    descriptions = DescriptionEntityListRequest(resource_type=WORKFLOW, id=name, limit=1)
    for key in ("created_at", "version"):
        descriptions.sort_by.key = key
        listed = admin.call("ListDescriptionEntities", descriptions, DescriptionEntityList)
        assert listed.descriptionEntities
    entities = NamedEntityListRequest(resource_type=WORKFLOW, project=PROJECT, domain=DOMAIN, limit=1000)
    for entities.filters in ("", "eq(state,0)"):
        assert name in [each.id for each in admin.call("ListNamedEntities", entities, NamedEntityList).entities]


def lists(admin: Admin, name: str, version: str) -> None:
    """Lists by each index that there is."""
    for rpc, each, answer in (("ListTasks", "large-0", TaskList), ("ListWorkflows", name, WorkflowList)):
        for of, filters, sort in (
            (each, "", "created_at"),
            (each, "", "version"),
            ("", "", "created_at"),
            ("", "", "name"),
            ("", f"eq(version,{version})", "created_at"),
        ):
            assert listed(admin, rpc, answer, of, filters, sort).ByteSize()
    for of, filters, sort in (
        (name, "", "created_at"),
        (name, "", "version"),
        (name, "", "updated_at"),
        ("", "", "created_at"),
        ("", "", "updated_at"),
        ("", "", "name"),
        ("", f"eq(version,{version})", "created_at"),
        ("", "eq(state,1)", "created_at"),
        ("", f"eq(workflow.name,{name})", "created_at"),
        ("", f"eq(workflow.name,{name})+eq(workflow.version,{version})", "created_at"),
        ("", "ne(schedule_type,NONE)", "created_at"),
    ):
        found = listed(admin, "ListLaunchPlans", LaunchPlanList, of, filters, sort)
        assert found.ByteSize() or "schedule" in filters
    for rpc in ("ListTaskIds", "ListWorkflowIds", "ListLaunchPlanIds"):
        names = NamedEntityIdentifierListRequest(project=PROJECT, domain=DOMAIN, limit=5)
        assert admin.call(rpc, names, NamedEntityIdentifierList).entities


def listed[M: Message](admin: Admin, rpc: str, of: type[M], name: str, filters: str, sort: str) -> M:
    scope = {"project": PROJECT, "domain": DOMAIN, "name": name}
    request = ResourceListRequest(id=scope, limit=1, filters=filters, sort_by=Sort(key=sort))
    return admin.call(rpc, request, of)
