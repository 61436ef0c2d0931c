"""The pages that the section "lists" asks for: those of flytekit, flytectl and the console."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flyteidl.admin.common_pb2 import NamedEntityList
from flyteidl.admin.execution_pb2 import ExecutionList
from flyteidl.admin.launch_plan_pb2 import LaunchPlanList
from flyteidl.admin.task_pb2 import TaskList
from flyteidl.admin.workflow_pb2 import WorkflowList
from google.protobuf.message import Message

from bench.stored import NAME, USER, project
from flyteadmin.api.handler import ApiHandler
from functions.get_entities.handler import lambda_handler as get_entities
from functions.get_executions.handler import lambda_handler as get_executions
from tests.builders import DOMAIN
from tests.sql_oracle import Listing

PAGE = 10
"""So that the fiftieth page lies in the middle of a thousand rows."""

_ORDERS = {"newest first": ("created_at", "DESCENDING"), "oldest first": ("created_at", "ASCENDING")}
_ORDERS["by name"] = ("name", "ASCENDING")


@dataclass(frozen=True)
class Question:
    """A page of a list; {middle} in `filters` is the version in the middle, `passing` how many rows a page has."""

    what: str
    handler: ApiHandler
    path: str
    of: type[Message]
    filters: str = ""
    order: str = "newest first"
    page: int = 1
    passing: int = PAGE

    def __str__(self) -> str:
        """Return its name in the bench."""
        said = [self.what, f"page {self.page}" if self.page > 1 else "first page", self.order, self.filters]
        return ", ".join(part for part in said if part)

    def ask(self, size: int, token: str = "") -> tuple[Sequence[Any], str]:
        """Return the rows of a page among so many versions, and the token of the next one."""
        key, direction = _ORDERS[self.order]
        query = {"limit": str(PAGE), "token": token, "sort_by.key": key, "sort_by.direction": direction}
        query["filters"] = self.filters.format(middle=f"v{size // 2:06d}")
        answer = Listing(self.handler, self.path.format(project=project(size)), self.of).get(query)
        assert answer.status == 200, answer.body
        page: Any = answer.message(self.of)
        rows = [row for described, value in page.ListFields() if described.name != "token" for row in value]
        return rows, page.token


def questions() -> Iterator[Question]:
    """All of them."""
    for noun, of in (("tasks", TaskList), ("workflows", WorkflowList), ("launch_plans", LaunchPlanList)):
        whole, one = f"{noun}/{{project}}/{DOMAIN}", f"{noun}/{{project}}/{DOMAIN}/{NAME}"
        what = noun.replace("_", " ")
        yield Question(what, get_entities, whole, of)
        yield Question(what, get_entities, whole, of, page=50)
        yield Question(what, get_entities, whole, of, order="oldest first")
        yield Question(what, get_entities, whole, of, order="by name")
        yield Question(what, get_entities, whole, of, filters="eq(version,{middle})", passing=1)
        yield Question(f"{what} of one name", get_entities, one, of)
        yield Question(f"{what} of one name", get_entities, one, of, page=40)
    plans = f"launch_plans/{{project}}/{DOMAIN}"
    yield Question("launch plans", get_entities, plans, LaunchPlanList, filters="eq(state,1)")
    yield Question("launch plans", get_entities, plans, LaunchPlanList, filters=f"eq(workflow.name,{NAME})")
    names = f"named_entities/WORKFLOW/{{project}}/{DOMAIN}"
    yield Question("names of workflows", get_entities, names, NamedEntityList, "eq(state,0)", "by name")
    yield Question("names of workflows", get_entities, names, NamedEntityList, "eq(state,0)", "by name", page=40)
    runs = f"executions/{{project}}/{DOMAIN}"
    yield Question("executions", get_executions, runs, ExecutionList)
    yield Question("executions", get_executions, runs, ExecutionList, page=50)
    for filters in (
        f"eq(workflow.name,{NAME})",
        f"eq(launch_plan.name,{NAME})",
        "eq(phase,FAILED)",
        f"eq(user,{USER})",
    ):
        yield Question("executions", get_executions, runs, ExecutionList, filters=filters)
    both = f"eq(workflow.name,{NAME})+value_in(phase,FAILED;ABORTED)"
    yield Question("executions", get_executions, runs, ExecutionList, filters=both)
    yield Question(
        "executions", get_executions, runs, ExecutionList, filters="eq(execution_name,run-{middle})", passing=1
    )
    yield Question("executions", get_executions, runs, ExecutionList, filters="gt(duration,1h)", passing=0)
    yield Question("tasks", get_entities, f"tasks/{{project}}/{DOMAIN}", TaskList, "eq(type,none)", passing=0)
