"""Rules of events hold from their way in to what clients read; the tests beside the rules have all their cases."""

from collections.abc import Callable

import pytest
from flyteidl.admin.node_execution_pb2 import NodeExecution
from flyteidl.admin.task_execution_pb2 import TaskExecution
from flyteidl.core.execution_pb2 import NodeExecution as NodePhase
from flyteidl.core.execution_pb2 import TaskExecution as TaskPhase
from flyteidl.core.execution_pb2 import TaskLog
from flyteidl.event.event_pb2 import ExternalResourceInfo, TaskExecutionMetadata

from flyteadmin.errors import Code
from flyteadmin.events.validation import Event
from flyteadmin.executions import repository
from functions.get_executions.handler import lambda_handler
from tests.aws_events import OCTETS, Answer, Context, answer_of, http_event
from tests.builders import DOMAIN, PROJECT, node_event, stored_execution, task_event, workflow_event
from tests.event_delivery import apply
from tests.sent_events import over_https

pytestmark = pytest.mark.usefixtures("aws")

EXECUTION = f"{PROJECT}/{DOMAIN}/run"
TASK = f"{EXECUTION}/n0/{PROJECT}/{DOMAIN}/task/v1/0"


def get(path: str) -> Answer:
    answer = answer_of(lambda_handler(http_event("GET", f"/api/v1/{path}", headers={"accept": OCTETS}), Context()))
    assert answer.status == 200
    return answer


def node(name: str = "n0") -> NodeExecution:
    return get(f"node_executions/{EXECUTION}/{name}").message(NodeExecution)


def task() -> TaskExecution:
    return get(f"task_executions/{TASK}").message(TaskExecution)


@pytest.mark.conformance("WFE-21")
@pytest.mark.parametrize("producer", ["", "propeller", "east"])
@pytest.mark.parametrize("kind", [workflow_event, node_event, task_event])
def test_later_events_keep_the_cluster(kind: Callable[..., Event], producer: str) -> None:
    state = stored_execution(cluster="east")
    apply(workflow_event("QUEUED", 1))
    event = kind("RUNNING", 2)
    event.producer_id = producer
    assert over_https(event).code is Code.OK
    apply(event, first=2)
    row = repository.read_state(state.execution)
    assert row is not None
    assert row.cluster == "east"


@pytest.mark.conformance("NEV-12", "TEV-08", "KD-07")
def test_the_first_end_of_a_node_and_of_a_task_is_kept() -> None:
    """A later event is queued, so that propeller has no refusal to repeat; it fills in what is missing."""
    stored_execution()
    apply(node_event("SUCCEEDED", 1), task_event("FAILED", 1))
    late: list[Event] = [
        node_event("FAILED", 2, deck_uri="s3://deck"),
        task_event("SUCCEEDED", 2),
        task_event("FAILED", 3),
    ]
    for event in late:
        answer = over_https(event)
        assert (answer.code, answer.reason) == (Code.OK, None)
    apply(*late, first=3)
    assert node().closure.phase == NodePhase.SUCCEEDED
    assert task().closure.phase == TaskPhase.FAILED


@pytest.mark.conformance("NEV-22")
@pytest.mark.parametrize("name", ["start-node", "end-node"])
def test_start_and_end_are_nodes_like_others(name: str) -> None:
    stored_execution()
    event = node_event("SUCCEEDED", 1, node=name, output_uri="s3://out")
    assert over_https(event).code is Code.OK
    apply(event)
    found = node(name)
    assert (found.id.node_id, found.closure.phase) == (name, NodePhase.SUCCEEDED)
    assert found.closure.output_uri == "s3://out"


@pytest.mark.conformance("KD-11")
def test_an_end_without_a_deck_takes_the_deck_away() -> None:
    stored_execution()
    apply(node_event("RUNNING", 1, deck_uri="s3://deck"))
    assert node().closure.deck_uri == "s3://deck"
    apply(node_event("SUCCEEDED", 2), first=2)
    assert node().closure.deck_uri == ""


@pytest.mark.conformance("TEV-16")
def test_logs_of_external_resources_are_filtered_when_the_phase_changes() -> None:
    logs = [TaskLog(name="while it runs", HideOnceFinished=True), TaskLog(name="plain")]
    resource = ExternalResourceInfo(external_id="e", index=0, retry_attempt=0, logs=logs)
    metadata = TaskExecutionMetadata(external_resources=[resource])

    def shown() -> list[str]:
        return [log.name for log in task().closure.metadata.external_resources[0].logs]

    stored_execution()
    apply(node_event("RUNNING", 1), task_event("RUNNING", 1, metadata=metadata))
    assert shown() == ["while it runs", "plain"]
    apply(task_event("RUNNING", 2, phase_version=1), first=3)
    assert shown() == ["while it runs", "plain"]
    apply(task_event("SUCCEEDED", 3), first=4)
    assert shown() == ["plain"]
