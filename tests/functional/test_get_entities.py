"""Entities are read through the real handler, over the URLs that clients use."""

from collections.abc import Mapping

import pytest
from flyteidl.admin.common_pb2 import NamedEntityIdentifierList
from flyteidl.admin.launch_plan_pb2 import ACTIVE, LaunchPlan, LaunchPlanList, LaunchPlanUpdateRequest
from flyteidl.admin.project_pb2 import Project
from flyteidl.admin.task_pb2 import Task, TaskList
from flyteidl.admin.workflow_pb2 import Workflow, WorkflowList
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, WORKFLOW
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from flyteadmin.clients.dynamodb.writes import Put, write
from flyteadmin.errors import Code
from flyteadmin.launch_plans import messages as launch_plan_messages
from flyteadmin.launch_plans import repository as launch_plan_rows
from flyteadmin.launch_plans import service as launch_plans
from flyteadmin.projects.models import ProjectRow
from flyteadmin.tasks import service as tasks
from flyteadmin.workflows import service as workflows
from functions.get_entities.handler import lambda_handler
from tests.aws_events import OCTETS, Answer, Context, answer_of, http_event
from tests.builders import DOMAIN, PROJECT
from tests.entities import identifier, launch_plan_request, task_request, workflow_request

pytestmark = pytest.mark.usefixtures("aws")

SCOPE = f"{PROJECT}/{DOMAIN}"


def get(path: str, query: Mapping[str, str] | None = None) -> Answer:
    event = http_event("GET", f"/api/v1/{path}", query=query, headers={"accept": OCTETS})
    return answer_of(lambda_handler(event, Context()))


def read[M: Message](of: type[M], path: str, **query: str) -> M:
    answer = get(path, {name.replace("__", "."): value for name, value in query.items()})
    assert answer.status == 200, answer.message(Status)
    return answer.message(of)


def refusal(answer: Answer) -> tuple[Code, str]:
    status = answer.message(Status)
    return Code(status.code), status.message


def register_tasks(*names: str, versions: int = 1) -> None:
    for version in range(1, versions + 1):
        for name in names:
            tasks.create(task_request(name, f"v{version}"))


def register_workflow(version: str = "v1", nodes: int = 1) -> None:
    launch_plans_of = workflows.LaunchPlans(launch_plan_rows.key, launch_plan_messages.interface)
    workflows.create(workflow_request(version=version, nodes=nodes), launch_plans_of)


def activate(name: str, version: str = "v1") -> None:
    launch_plans.update(LaunchPlanUpdateRequest(id=identifier(LAUNCH_PLAN, name, version), state=ACTIVE))


@pytest.mark.conformance("GET-19")
def test_a_url_says_which_kind_it_is_about() -> None:
    register_tasks("double")
    register_workflow()
    launch_plans.create(launch_plan_request())
    assert read(Task, f"tasks/{SCOPE}/double/v1").id == identifier(TASK, "double")
    assert read(Workflow, f"workflows/{SCOPE}/doubling/v1").id == identifier(WORKFLOW, "doubling")
    assert read(LaunchPlan, f"launch_plans/{SCOPE}/doubling/v1").id == identifier(LAUNCH_PLAN, "doubling")


@pytest.mark.conformance("VAL-02")
def test_another_kind_is_refused() -> None:
    answer = get(f"tasks/{SCOPE}/double/v1", {"id.resource_type": "WORKFLOW"})
    assert refusal(answer)[0] == Code.INVALID_ARGUMENT
    assert refusal(answer)[1].startswith("unexpected resource type workflow for identifier")


@pytest.mark.parametrize("kind", ["task", "workflow", "launch_plan"])
def test_what_is_not_there_is_not_found(kind: str) -> None:
    code, message = refusal(get(f"{kind}s/{SCOPE}/nowhere/v1"))
    assert code == Code.NOT_FOUND
    assert message.startswith(f"missing entity of type {kind.upper()} with identifier project:")


def test_a_task_reads_as_it_was_registered() -> None:
    register_tasks("double")
    task = read(Task, f"tasks/{SCOPE}/double/v1")
    template = task_request().spec.template
    template.id.CopyFrom(identifier(TASK, "double"))
    assert task.closure.compiled_task.template == template
    assert task.closure.created_at.seconds > 1_600_000_000


@pytest.mark.conformance("REG-10")
def test_a_workflow_is_given_in_full() -> None:
    register_tasks("double")
    register_workflow(nodes=2)
    closure = read(Workflow, f"workflows/{SCOPE}/doubling/v1").closure.compiled_workflow
    assert {node.id for node in closure.primary.template.nodes} == {"start-node", "n0", "n1", "end-node"}
    assert [task.template.id.name for task in closure.tasks] == ["double"]
    assert "n1" in closure.primary.connections.upstream


def test_an_answer_that_is_too_large_is_a_redirect_to_where_it_lies() -> None:
    request = task_request()
    request.spec.template.container.args.append("x" * 3_000_000)
    tasks.create(request)
    request.id.version = "v2"
    tasks.create(request)
    answer = get(f"tasks/{SCOPE}/double", {"limit": "10"})
    assert answer.status == 303
    assert "/answers/" in answer.headers["location"]


@pytest.mark.conformance("LST-28")
def test_versions_are_listed_newest_first_a_page_at_a_time() -> None:
    register_tasks("double", versions=5)
    first = read(TaskList, f"tasks/{SCOPE}/double", limit="2")
    assert [task.id.version for task in first.tasks] == ["v5", "v4"]
    second = read(TaskList, f"tasks/{SCOPE}/double", limit="2", token=first.token)
    tasks.create(task_request("double", "v6"))
    third = read(TaskList, f"tasks/{SCOPE}/double", limit="2", token=second.token)
    assert [task.id.version for task in (*second.tasks, *third.tasks)] == ["v3", "v2", "v1"]
    assert third.token == ""
    assert all(task.closure.compiled_task.template.container.image for task in first.tasks)


def test_a_list_may_begin_at_an_offset_or_go_from_the_oldest() -> None:
    register_tasks("double", versions=4)
    skipped = read(TaskList, f"tasks/{SCOPE}/double", limit="2", token="1")
    assert [task.id.version for task in skipped.tasks] == ["v3", "v2"]
    oldest = read(
        TaskList, f"tasks/{SCOPE}/double", limit="2", sort_by__key="created_at", sort_by__direction="ASCENDING"
    )
    assert [task.id.version for task in oldest.tasks] == ["v1", "v2"]


@pytest.mark.conformance("LST-28")
def test_a_list_without_a_name_is_of_the_project_and_domain() -> None:
    register_tasks("double", "triple", versions=2)
    found: list[str] = []
    token = ""
    while True:
        page = read(TaskList, f"tasks/{SCOPE}", limit="3", token=token)
        found.extend(f"{task.id.name} {task.id.version}" for task in page.tasks)
        token = page.token
        if not token:
            break
    assert found == ["triple v2", "double v2", "triple v1", "double v1"]


@pytest.mark.conformance("LST-28")
def test_a_list_of_workflows_shows_their_interfaces_only() -> None:
    register_tasks("double")
    register_workflow()
    (listed,) = read(WorkflowList, f"workflows/{SCOPE}", limit="5").workflows
    template = listed.closure.compiled_workflow.primary.template
    assert set(template.interface.outputs.variables) == {"y"}
    assert not template.nodes
    assert listed.closure.HasField("created_at")


@pytest.mark.conformance("LST-28")
def test_names_are_listed_once_in_order() -> None:
    register_tasks("c", "a", "b", versions=2)
    first = read(NamedEntityIdentifierList, f"task_ids/{SCOPE}", limit="2")
    rest = read(NamedEntityIdentifierList, f"task_ids/{SCOPE}", limit="2", token=first.token)
    assert [each.name for each in (*first.entities, *rest.entities)] == ["a", "b", "c"]
    assert (rest.token, first.entities[0].project, first.entities[0].domain) == ("", PROJECT, DOMAIN)
    offset = read(NamedEntityIdentifierList, f"task_ids/{SCOPE}", limit="2", token="1")
    assert [each.name for each in offset.entities] == ["b", "c"]
    assert not read(NamedEntityIdentifierList, f"workflow_ids/{SCOPE}", limit="2").entities


@pytest.mark.conformance("VAL-08", "LST-29")
@pytest.mark.parametrize("path", ["tasks", "workflows", "launch_plans", "active_launch_plans", "launch_plan_ids"])
def test_a_list_needs_a_limit(path: str) -> None:
    code, message = refusal(get(f"{path}/{SCOPE}"))
    assert code == Code.INVALID_ARGUMENT
    assert "limit" in message


@pytest.mark.parametrize("path", ["tasks", "workflows", "launch_plans", "active_launch_plans", "launch_plan_ids"])
@pytest.mark.parametrize("token", ["-1", "later", "\u00e4"])
def test_a_token_that_is_none_of_ours_is_refused(path: str, token: str) -> None:
    code, message = refusal(get(f"{path}/{SCOPE}", {"limit": "1", "token": token}))
    assert code == Code.INVALID_ARGUMENT
    assert message.startswith("invalid pagination token")


@pytest.mark.conformance("LST-13")
@pytest.mark.parametrize("key", ["", "version", "nonsense", "digest"])
@pytest.mark.parametrize("path", ["tasks", "workflows", "launch_plans", "launch_plan_ids"])
def test_what_a_list_is_not_sorted_by_is_refused(path: str, key: str) -> None:
    code, message = refusal(get(f"{path}/{SCOPE}", {"limit": "1", "sort_by.key": key, "sort_by.direction": "1"}))
    assert code == Code.INVALID_ARGUMENT
    assert message.startswith(f"invalid sort key '{key}'")


@pytest.mark.parametrize("limit", ["1", "4294967295"])
def test_a_limit_may_be_as_large_as_its_type(limit: str) -> None:
    register_tasks("double")
    assert len(read(TaskList, f"tasks/{SCOPE}", limit=limit).tasks) == 1
    assert len(read(NamedEntityIdentifierList, f"task_ids/{SCOPE}", limit=limit).entities) == 1
    assert not read(LaunchPlanList, f"active_launch_plans/{SCOPE}", limit=limit).launch_plans


@pytest.mark.conformance("REG-18")
def test_without_an_active_version_there_is_none_to_get() -> None:
    register_tasks("double")
    register_workflow()
    launch_plans.create(launch_plan_request())
    assert refusal(get(f"active_launch_plans/{SCOPE}/doubling")) == (
        Code.NOT_FOUND,
        f"No active launch plan could be found: {PROJECT}:{DOMAIN}:doubling",
    )
    activate("doubling")
    active = read(LaunchPlan, f"active_launch_plans/{SCOPE}/doubling")
    assert (active.id.version, active.closure.state) == ("v1", ACTIVE)


@pytest.mark.conformance("LST-27")
def test_active_launch_plans_are_listed_by_name_one_version_each() -> None:
    register_tasks("double")
    register_workflow()
    for name in ("c", "a", "b", "d"):
        for version in ("v1", "v2"):
            launch_plans.create(launch_plan_request(name, version))
    for name in ("c", "a", "b"):
        activate(name, "v1")
        activate(name, "v2")
    first = read(LaunchPlanList, f"active_launch_plans/{SCOPE}", limit="2")
    rest = read(LaunchPlanList, f"active_launch_plans/{SCOPE}", limit="2", token=first.token)
    listed = [(plan.id.name, plan.id.version) for plan in (*first.launch_plans, *rest.launch_plans)]
    assert listed == [("a", "v2"), ("b", "v2"), ("c", "v2")]


def test_launch_plans_are_listed_newest_first_with_their_state() -> None:
    register_tasks("double")
    register_workflow()
    for version in ("v1", "v2"):
        launch_plans.create(launch_plan_request(version=version))
    activate("doubling", "v1")
    listed = read(LaunchPlanList, f"launch_plans/{SCOPE}/doubling", limit="5").launch_plans
    assert [(plan.id.version, plan.closure.state == ACTIVE) for plan in listed] == [("v2", False), ("v1", True)]


@pytest.mark.conformance("PRJ-06")
def test_an_archived_project_can_still_be_read() -> None:
    register_tasks("double")
    archived = ProjectRow(project=PROJECT, name=PROJECT, state=int(Project.ARCHIVED), created_at=1, updated_at=1)
    write(Put(archived))
    assert read(Task, f"tasks/{SCOPE}/double/v1").id.name == "double"
    assert len(read(TaskList, f"tasks/{SCOPE}", limit="5").tasks) == 1
