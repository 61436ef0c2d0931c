"""Nodes and tasks as clients read them: who is whose parent, dynamic workflows, links and caches."""

import time
from collections.abc import Mapping

import pytest
from flyteidl.admin.node_execution_pb2 import (
    DynamicNodeWorkflowResponse,
    NodeExecution,
    NodeExecutionGetDataResponse,
    NodeExecutionList,
)
from flyteidl.admin.task_execution_pb2 import TaskExecution, TaskExecutionList
from flyteidl.core.catalog_pb2 import CACHE_HIT, CatalogMetadata
from flyteidl.core.compiler_pb2 import CompiledWorkflowClosure
from flyteidl.core.identifier_pb2 import WORKFLOW, Identifier, TaskExecutionIdentifier
from flyteidl.event.event_pb2 import (
    DynamicWorkflowNodeMetadata,
    NodeExecutionEvent,
    ParentNodeExecutionMetadata,
    ParentTaskExecutionMetadata,
    TaskNodeMetadata,
    WorkflowNodeMetadata,
)

from flyteadmin.events.validation import Event
from flyteadmin.node_executions import repository as node_executions
from functions.get_executions.handler import lambda_handler
from local.aws.data import DataAccount as Aws
from tests import event_delivery
from tests.aws_events import OCTETS, Answer, Context, answer_of, http_event
from tests.builders import (
    DOMAIN,
    PROJECT,
    at,
    execution_id,
    node_event,
    node_id,
    stored_execution,
    task_event,
    task_id,
)

EXECUTION = f"{PROJECT}/{DOMAIN}/run"
TASK = f"{EXECUTION}/n0/{PROJECT}/{DOMAIN}/task/v1/0"


def get(path: str, query: Mapping[str, str] | None = None) -> Answer:
    event = http_event("GET", f"/api/v1/{path}", query=query, headers={"accept": OCTETS})
    return answer_of(lambda_handler(event, Context()))


def apply(*events: Event) -> None:
    stored_execution()
    event_delivery.apply(*events)


def of_old_producers(event: NodeExecutionEvent) -> NodeExecutionEvent:
    event.event_version = 0
    return event


def dynamic_workflow() -> DynamicWorkflowNodeMetadata:
    identifier = Identifier(resource_type=WORKFLOW, project=PROJECT, domain=DOMAIN, name="dynamic_n0", version="v1")
    closure = CompiledWorkflowClosure()
    closure.primary.template.id.CopyFrom(identifier)
    return DynamicWorkflowNodeMetadata(id=identifier, compiled_workflow=closure, dynamic_job_spec_uri="s3://spec")


@pytest.mark.conformance("NEV-05", "NEV-16", "GET-15", "GET-16")
def test_a_dynamic_workflow(aws: Aws) -> None:
    metadata = TaskNodeMetadata(dynamic_workflow=dynamic_workflow())
    apply(
        node_event("RUNNING", 1),
        node_event("DYNAMIC_RUNNING", 2, is_dynamic=True, is_parent=True, task_node_metadata=metadata),
        node_event("SUCCEEDED", 3),
    )
    answer = get(f"node_executions/{EXECUTION}/n0/dynamic_workflow").message(DynamicNodeWorkflowResponse)
    assert answer.compiled_workflow == dynamic_workflow().compiled_workflow
    data = get(f"data/node_executions/{EXECUTION}/n0").message(NodeExecutionGetDataResponse).dynamic_workflow
    assert (data.id.name, data.dynamic_job_spec_uri) == ("dynamic_n0", "s3://spec")
    node = get(f"node_executions/{EXECUTION}/n0").message(NodeExecution)
    assert (node.metadata.is_dynamic, node.closure.dynamic_job_spec_uri) == (True, "s3://spec")
    keys = [each["Key"] for each in aws.client("s3").list_objects_v2(Bucket=aws.resources["Bucket"])["Contents"]]
    assert [key for key in keys if key.startswith(f"metadata/{EXECUTION}/n0/dynamic-")]
    assert not [key for key in keys if key.startswith("metadata/admin/")], "the registry's prefix is the registry's"


@pytest.mark.conformance("GET-16")
def test_no_dynamic_workflow(aws: Aws) -> None:
    apply(node_event("RUNNING", 1))
    assert get(f"node_executions/{EXECUTION}/n0/dynamic_workflow").status == 404
    assert get(f"node_executions/{EXECUTION}/nobody/dynamic_workflow").status == 404


def below_task(node: str, seconds: float) -> NodeExecutionEvent:
    parent = TaskExecutionIdentifier(task_id=task_id(), node_execution_id=node_id(), retry_attempt=0)
    return node_event("QUEUED", seconds, node=node, parent_task_metadata=ParentTaskExecutionMetadata(id=parent))


@pytest.mark.conformance("NEV-10", "LST-20", "LST-23", "GET-17")
def test_nodes_below_a_task_execution(aws: Aws) -> None:
    apply(
        below_task("child-2", 3),  # a child may be there before its parent
        node_event("RUNNING", 1),
        task_event("RUNNING", 1),
        task_event("RUNNING", 1, attempt=1),
        below_task("child-1", 2),
    )
    children = get(f"children/task_executions/{TASK}", {"limit": "10"}).message(NodeExecutionList)
    assert [node.id.node_id for node in children.node_executions] == ["child-1", "child-2"]
    first = get(f"children/task_executions/{TASK}", {"limit": "1"}).message(NodeExecutionList)
    rest = get(f"children/task_executions/{TASK}", {"limit": "5", "token": first.token}).message(NodeExecutionList)
    assert [node.id.node_id for node in [*first.node_executions, *rest.node_executions]] == ["child-1", "child-2"]
    top = get(f"node_executions/{EXECUTION}", {"limit": "10"}).message(NodeExecutionList).node_executions
    assert [node.id.node_id for node in top] == ["n0"]
    assert get(f"task_executions/{TASK}").message(TaskExecution).is_parent
    attempts = get(f"task_executions/{EXECUTION}/n0", {"limit": "5"}).message(TaskExecutionList).task_executions
    assert [attempt.is_parent for attempt in attempts] == [True, False]


def below_dynamic(node: str, seconds: float, attempt: int, parent: str = "n0") -> NodeExecutionEvent:
    """Make an event of a node that a dynamic task created, as propeller names its parent since event version 1."""
    metadata = ParentNodeExecutionMetadata(node_id=parent)
    return node_event("QUEUED", seconds, node=node, parent_node_metadata=metadata, retry_group=str(attempt))


@pytest.mark.conformance("LST-23")
def test_nodes_that_a_dynamic_task_created_name_its_node(aws: Aws) -> None:
    apply(
        node_event("RUNNING", 1),
        task_event("RUNNING", 1),
        task_event("RUNNING", 1, attempt=1),
        below_dynamic("n0-0-dn0", 2, 0),
        below_task("old-0", 3),
        below_dynamic("n0-1-dn0", 4, 1),
        below_dynamic("n0-0-dn1", 5, 0),
        below_dynamic("elsewhere", 6, 0, parent="n1"),
        node_event("QUEUED", 7, node="n1"),
    )

    def below(attempt: int, limit: int, **query: str) -> list[str]:
        names, token = list[str](), ""
        while True:
            asked = {"limit": str(limit), "token": token, **query}
            page = get(f"children/task_executions/{TASK[:-1]}{attempt}", asked).message(NodeExecutionList)
            names += [node.id.node_id for node in page.node_executions]
            token = page.token
            if not token:
                return names

    for limit in (1, 2, 10):
        assert below(0, limit) == ["n0-0-dn0", "old-0", "n0-0-dn1"]
        assert below(1, limit) == ["n0-1-dn0"]
    assert below(0, 1, **{"sort_by.key": "created_at"}) == ["n0-0-dn1", "old-0", "n0-0-dn0"]
    assert below(0, 10, filters="eq(phase,RUNNING)") == []


@pytest.mark.conformance("NEV-10")
def test_a_node_below_a_node_and_a_task(aws: Aws) -> None:
    """Upstream lists it below both; propeller names one or the other."""
    both = below_task("child", 3)
    both.parent_node_metadata.node_id = "n0"
    apply(node_event("RUNNING", 1), task_event("RUNNING", 1), both)
    query = {"limit": "10", "unique_parent_id": "n0"}
    below_node = get(f"node_executions/{EXECUTION}", query).message(NodeExecutionList)
    assert [node.id.node_id for node in below_node.node_executions] == ["child"]
    below = get(f"children/task_executions/{TASK}", {"limit": "10"}).message(NodeExecutionList)
    assert list(below.node_executions) == []


@pytest.mark.conformance("LST-16", "LST-23")
def test_nodes_below_no_task_execution(aws: Aws) -> None:
    apply(task_event("RUNNING", 1))
    assert get(f"children/task_executions/{TASK[:-1]}7", {"limit": "10"}).status == 404
    assert get(f"children/task_executions/{TASK}").status == 400
    empty = get(f"children/task_executions/{TASK}", {"limit": "10"}).message(NodeExecutionList)
    assert (list(empty.node_executions), empty.token) == ([], "")


@pytest.mark.conformance("GET-13", "NEV-23")
def test_a_producer_that_does_not_say_who_is_a_parent(aws: Aws) -> None:
    dynamic = TaskNodeMetadata(dynamic_workflow=dynamic_workflow())

    def child(node: str, parent: str) -> NodeExecutionEvent:
        return node_event("QUEUED", 5, node=node, parent_node_metadata=ParentNodeExecutionMetadata(node_id=parent))

    apply(
        of_old_producers(node_event("RUNNING", 1, node="plain")),
        of_old_producers(node_event("RUNNING", 2, node="sub-workflow")),
        of_old_producers(node_event("RUNNING", 3, node="dynamic", task_node_metadata=dynamic)),
        node_event("RUNNING", 4, node="newer"),
        child("below-1", "sub-workflow"),
        child("below-2", "dynamic"),
        child("below-3", "newer"),
    )
    expected = {
        "plain": (False, False),
        "sub-workflow": (True, False),
        "dynamic": (True, True),
        "newer": (False, False),
    }
    assert listed_flags() == expected | {"newer": (True, False)}, "lists say so whatever the producer's version"
    for name, flags in expected.items():
        metadata = get(f"node_executions/{EXECUTION}/{name}").message(NodeExecution).metadata
        assert (metadata.is_parent_node, metadata.is_dynamic) == flags


def listed_flags() -> dict[str, tuple[bool, bool]]:
    nodes = get(f"node_executions/{EXECUTION}", {"limit": "10"}).message(NodeExecutionList).node_executions
    return {each.id.node_id: (each.metadata.is_parent_node, each.metadata.is_dynamic) for each in nodes}


@pytest.mark.conformance("GET-13")
def test_the_case_that_a_branch_took_is_shown_below_it(aws: Aws) -> None:
    """A branch node's events don't say that it is a parent; the console shows children of parents alone."""
    branch = ParentNodeExecutionMetadata(node_id="branch")

    def events() -> list[NodeExecutionEvent]:
        return [
            node_event("QUEUED", 1, node="branch"),
            node_event("RUNNING", 2, node="branch"),
            node_event("QUEUED", 3, node="taken", parent_node_metadata=branch),
            node_event("SUCCEEDED", 4, node="taken", parent_node_metadata=branch),
            node_event("SUCCEEDED", 5, node="branch"),
        ]

    apply(*events())
    assert listed_flags() == {"branch": (True, False)}
    got = get(f"node_executions/{EXECUTION}/branch").message(NodeExecution)
    assert not got.metadata.is_parent_node, "a get derives it for the oldest producers alone, as upstream"


@pytest.mark.conformance("GET-13")
def test_a_child_may_come_before_its_parent(aws: Aws) -> None:
    branch = ParentNodeExecutionMetadata(node_id="branch")
    apply(node_event("QUEUED", 3, node="taken", parent_node_metadata=branch))
    assert listed_flags() == {}
    assert get(f"node_executions/{EXECUTION}/branch").status == 404
    apply(node_event("RUNNING", 2, node="branch"))
    assert listed_flags() == {"branch": (True, False)}


def test_a_batch_of_children_marks_their_parent_once(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    marked: list[str] = []

    def mark(execution: str, node_id: str) -> None:
        marked.append(node_id)
        time.sleep(0.05)  # as a database elsewhere; the others of the batch are under way
        original(execution, node_id)

    original = node_executions.mark_parent
    monkeypatch.setattr(node_executions, "mark_parent", mark)
    branch = ParentNodeExecutionMetadata(node_id="branch")
    apply(*(node_event("QUEUED", 3, node=f"taken{n}", parent_node_metadata=branch) for n in range(10)))
    apply(node_event("QUEUED", 4, node="taken10", parent_node_metadata=branch))
    assert marked == ["branch"]


@pytest.mark.conformance("GET-13")
def test_a_rebuild_keeps_that_a_node_has_children(aws: Aws) -> None:
    branch = ParentNodeExecutionMetadata(node_id="branch")
    child = node_event("QUEUED", 3, node="taken", parent_node_metadata=branch)
    stored_execution()
    event_delivery.apply(node_event("SUCCEEDED", 4, node="branch"), child, first=5)
    event_delivery.apply(node_event("RUNNING", 2, node="branch"), first=2)
    assert listed_flags() == {"branch": (True, False)}
    closure = get(f"node_executions/{EXECUTION}/branch").message(NodeExecution).closure
    assert closure.created_at == at(2), "the mark is no sign that the log has lost something"


@pytest.mark.conformance("NEV-14", "GET-22")
def test_a_child_execution_is_linked(aws: Aws) -> None:
    child = WorkflowNodeMetadata(execution_id=execution_id("child"))
    apply(node_event("QUEUED", 1), node_event("RUNNING", 2, workflow_node_metadata=child))
    node = get(f"node_executions/{EXECUTION}/n0").message(NodeExecution)
    assert node.closure.workflow_node_metadata.executionId == execution_id("child")


@pytest.mark.conformance("NEV-15")
def test_a_cache_hit_and_a_checkpoint(aws: Aws) -> None:
    key = CatalogMetadata(dataset_id=task_id("cached"))
    metadata = TaskNodeMetadata(cache_status=CACHE_HIT, catalog_key=key, checkpoint_uri="s3://checkpoint")
    apply(node_event("SUCCEEDED", 1, task_node_metadata=metadata))
    shown = get(f"node_executions/{EXECUTION}/n0").message(NodeExecution).closure.task_node_metadata
    assert (shown.cache_status, shown.catalog_key, shown.checkpoint_uri) == (CACHE_HIT, key, "s3://checkpoint")


@pytest.mark.conformance("NEV-09", "TEV-04")
def test_a_child_and_a_task_that_come_before_their_node(aws: Aws) -> None:
    parent = ParentNodeExecutionMetadata(node_id="n0")
    apply(
        node_event("QUEUED", 2, node="n0-0-n1", parent_node_metadata=parent),
        task_event("RUNNING", 3),
        node_event("RUNNING", 1, is_parent=True),
    )
    below = get(f"node_executions/{EXECUTION}", {"limit": "10", "uniqueParentId": "n0"}).message(NodeExecutionList)
    assert [node.id.node_id for node in below.node_executions] == ["n0-0-n1"]
    assert len(get(f"task_executions/{EXECUTION}/n0", {"limit": "5"}).message(TaskExecutionList).task_executions) == 1
