"""Ids that hold what separates our keys: each entity keeps its own events, its own row and its own bounds."""

import pytest
from flyteidl.event.event_pb2 import TaskExecutionEvent

from flyteadmin.errors import InvalidArgument
from flyteadmin.events.admission import Stored
from flyteadmin.events.envelope import Envelope
from flyteadmin.events.service import admit
from flyteadmin.task_executions import repository as task_executions
from local.aws.data import DataAccount as Aws
from tests.builders import DOMAIN, PROJECT, stored_execution, task_event, workflow_event
from tests.event_delivery import apply

RUN = f"{PROJECT}:{DOMAIN}:run"


def test_a_launch_plan_named_with_what_no_message_may_hold(aws: Aws) -> None:
    """Its executions' events name it; a queue that refuses them would keep each from ending."""
    plan = "p:d:a\x00b\ufffe\u00e9"
    message = admit(workflow_event("SUCCEEDED", 1), lambda _: Stored("RUNNING", "east", plan))
    assert message.body.isascii()
    assert Envelope.model_validate_json(message.body).launch_plan == plan


def of_task(phase: str, name: str, version: str) -> TaskExecutionEvent:
    event = task_event(phase, 1)
    event.task_id.name, event.task_id.version = name, version
    return event


def test_tasks_whose_names_and_versions_read_alike_are_two(aws: Aws) -> None:
    stored_execution()
    apply(of_task("RUNNING", "a:b", "c"), of_task("SUCCEEDED", "a", "b:c"), of_task("FAILED", "a%3Ab", "c"))
    assert sorted(row.phase for row in task_executions.of_node(RUN, "n0")) == ["FAILED", "RUNNING", "SUCCEEDED"]


@pytest.mark.parametrize("field", ["task_id", "parent_node_execution_id.execution_id"])
def test_an_organisation_that_no_item_holds_is_refused(aws: Aws, field: str) -> None:
    """It is in no key, but in the row."""
    stored_execution()
    event = task_event("RUNNING", 1)
    identifier = event.task_id if field == "task_id" else event.parent_node_execution_id.execution_id
    identifier.org = "x" * 500_000
    with pytest.raises(InvalidArgument, match="task execution"):
        admit(event)
