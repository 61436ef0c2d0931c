"""Executions, nodes and tasks through the real reading handler, after events went through the real processing one."""

import json
import urllib.request
from collections.abc import Callable, Mapping

import pytest
from flyteidl.admin.common_pb2 import UrlBlob
from flyteidl.admin.execution_pb2 import Execution, ExecutionList, WorkflowExecutionGetDataResponse
from flyteidl.admin.node_execution_pb2 import NodeExecution, NodeExecutionGetDataResponse, NodeExecutionList
from flyteidl.admin.task_execution_pb2 import TaskExecution, TaskExecutionGetDataResponse, TaskExecutionList
from flyteidl.core.execution_pb2 import ExecutionError, WorkflowExecution
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.event.event_pb2 import ParentNodeExecutionMetadata
from google.rpc.status_pb2 import Status

from flyteadmin import remote_data, settings
from flyteadmin.clients import configuration, storage
from flyteadmin.errors import Code
from functions.get_executions.handler import lambda_handler
from functions.process_event.handler import lambda_handler as process_event
from local.aws.data import DataAccount as Aws
from tests.aws_events import OCTETS, Answer, Context, answer_of, batch, http_event, queue_record
from tests.builders import DOMAIN, PROJECT, message_body, node_event, stored_execution, task_event, workflow_event
from tests.event_delivery import apply

EXECUTION = f"{PROJECT}/{DOMAIN}/run"
TASK = f"{EXECUTION}/n0/{PROJECT}/{DOMAIN}/task/v1/0"


def get(path: str, query: Mapping[str, str] | None = None, accept: str = OCTETS) -> Answer:
    event = http_event("GET", f"/api/v1/{path}", query=query, headers={"accept": accept})
    return answer_of(lambda_handler(event, Context()))


def literals(value: int) -> LiteralMap:
    made = LiteralMap()
    made.literals["x"].scalar.primitive.integer = value
    return made


@pytest.mark.conformance("GET-01", "GET-02", "ERR-07")
def test_an_execution_in_all_forms(aws: Aws) -> None:
    stored_execution()
    apply(workflow_event("RUNNING", 1), workflow_event("SUCCEEDED", 3, output_uri="s3://bucket/outputs.pb"))
    execution = get(f"executions/{EXECUTION}").message(Execution)
    assert execution.closure.phase == WorkflowExecution.SUCCEEDED
    assert (execution.closure.outputs.uri, execution.closure.duration.seconds) == ("s3://bucket/outputs.pb", 2)
    assert execution.closure.workflow_id.name == "workflow"
    snake = get(f"executions/{EXECUTION}", accept="application/json").json()["closure"]
    camel = get(f"executions/{EXECUTION}", accept="*/*").json()["closure"]
    assert isinstance(snake, dict)
    assert isinstance(camel, dict)
    assert (snake["started_at"], snake["duration"], camel["startedAt"]) == (
        "2023-11-14T22:13:21Z",
        "2s",
        "2023-11-14T22:13:21Z",
    )


@pytest.mark.conformance("GET-01", "GET-12", "GET-17", "VAL-03", "VAL-04", "VAL-05")
@pytest.mark.parametrize(
    "path", [f"executions/{EXECUTION}", f"node_executions/{EXECUTION}/n0", f"task_executions/{TASK}"]
)
def test_what_is_not_there(aws: Aws, path: str) -> None:
    for each in (path, f"data/{path}"):
        answer = get(each, accept="application/json")
        assert (answer.status, answer.json()["code"]) == (404, 5)
        assert "missing entity" in str(answer.json()["message"])


@pytest.mark.conformance("WFE-19", "LST-19", "LST-22")
def test_a_long_error_is_whole_in_a_get_and_short_in_a_list(aws: Aws) -> None:
    stored_execution()
    error = ExecutionError(code="USER:Long", message="é" * 50_000, kind=ExecutionError.USER)
    apply(node_event("FAILED", 1, error=error), workflow_event("FAILED", 2, error=error))
    assert get(f"executions/{EXECUTION}").message(Execution).closure.error == error
    assert get(f"node_executions/{EXECUTION}/n0").message(NodeExecution).closure.error == error
    [listed] = get(f"executions/{PROJECT}/{DOMAIN}", {"limit": "10"}).message(ExecutionList).executions
    [node] = get(f"node_executions/{EXECUTION}", {"limit": "10"}).message(NodeExecutionList).node_executions
    for closure in (listed.closure, node.closure):
        assert (len(closure.error.message.encode()), closure.error.code) == (100, "USER:Long")


@pytest.mark.conformance("GET-05", "GET-09", "GET-10", "GET-14", "GET-18")
def test_data(aws: Aws) -> None:
    stored_execution()
    inputs = storage.write_once(literals(1).SerializeToString(), "metadata", "in")
    outputs = storage.write_once(literals(2).SerializeToString(), "metadata", "out")
    apply(
        node_event("RUNNING", 1, input_uri=inputs),
        task_event("SUCCEEDED", 2, input_uri=inputs, output_uri=outputs),
        node_event("SUCCEEDED", 3, output_uri=outputs, deck_uri="s3://bucket/deck.html"),
    )
    node = get(f"data/node_executions/{EXECUTION}/n0").message(NodeExecutionGetDataResponse)
    task = get(f"data/task_executions/{TASK}").message(TaskExecutionGetDataResponse)
    for data in (node, task):
        assert data.full_inputs == literals(1)
        assert data.full_outputs == literals(2)
    assert node.flyte_urls.deck == f"flyte://v1/{EXECUTION}/n0/d"
    assert task.flyte_urls.outputs == f"flyte://v1/{EXECUTION}/n0/0/o"
    running = get(f"data/executions/{EXECUTION}").message(WorkflowExecutionGetDataResponse)
    assert running.full_outputs == LiteralMap()
    apply_at = workflow_event("SUCCEEDED", 4, output_uri=f"s3://{aws.resources['Bucket']}/metadata/gone.pb")
    process_event(batch([queue_record(message_body(apply_at), 9)]), Context())
    gone = get(f"data/executions/{EXECUTION}").message(WorkflowExecutionGetDataResponse)
    assert gone.full_outputs == LiteralMap()


@pytest.fixture
def configured(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Give the functions an operator's file."""
    target = storage.uri("config", "flyteadmin.yaml")

    def give(yaml: str) -> None:
        storage.write(yaml.encode(), target)
        monkeypatch.setenv("CONFIGURATION_URI", target)
        settings.environment.cache_clear()
        configuration.forget()

    return give


def all_data() -> list[WorkflowExecutionGetDataResponse | NodeExecutionGetDataResponse | TaskExecutionGetDataResponse]:
    return [
        get(f"data/executions/{EXECUTION}").message(WorkflowExecutionGetDataResponse),
        get(f"data/node_executions/{EXECUTION}/n0").message(NodeExecutionGetDataResponse),
        get(f"data/task_executions/{TASK}").message(TaskExecutionGetDataResponse),
    ]


@pytest.mark.conformance("GET-06", "GET-07", "KD-37")
def test_signed_urls_where_the_operator_wants_them_and_full_data_below_the_limit(
    aws: Aws, configured: Callable[[str], None]
) -> None:
    stored_execution()
    outputs = storage.write_once(literals(2).SerializeToString(), "metadata", "out")
    apply(
        node_event("SUCCEEDED", 1, input_uri=outputs, output_uri=outputs),
        task_event("SUCCEEDED", 2, input_uri=outputs, output_uri=outputs),
        workflow_event("SUCCEEDED", 3, output_uri=outputs),
    )
    size = literals(2).ByteSize()
    configured(f"remoteData: {{maxSizeInBytes: {size}}}")
    for data in all_data():
        assert (data.outputs, data.full_outputs) == (UrlBlob(), literals(2)), "without a URL it is whole"
    configured(f"remoteData: {{maxSizeInBytes: {size}, signedUrls: {{enabled: true, durationMinutes: 7}}}}")
    for data in all_data():
        assert (data.outputs.bytes, data.full_outputs) == (size, LiteralMap())
        assert "X-Amz-Expires=420" in data.outputs.url
        with urllib.request.urlopen(data.outputs.url, timeout=10) as answer:
            assert LiteralMap.FromString(answer.read()) == literals(2)
    for limit in (size + 1, 0):
        configured(f"remoteData: {{maxSizeInBytes: {limit}, signedUrls: {{enabled: true}}}}")
        assert [data.full_outputs for data in all_data()] == [literals(2)] * 3


@pytest.mark.conformance("GET-06")
def test_what_can_not_be_signed_fails(aws: Aws, configured: Callable[[str], None]) -> None:
    stored_execution()
    configured("remoteData: {signedUrls: {enabled: true}}")
    apply(node_event("SUCCEEDED", 1, output_uri="gs://bucket/outputs.pb"))
    assert get(f"data/node_executions/{EXECUTION}/n0").status == 400
    apply(workflow_event("SUCCEEDED", 2, output_uri=storage.uri("metadata", "gone.pb")))
    assert get(f"data/executions/{EXECUTION}").status == 500


PLACES = ["config/other.yaml", "answers/a", "claims/a", "events/a", "metadata"]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("path", PLACES)
def test_an_event_can_not_have_data_signed_or_read_that_is_not_for_users(
    aws: Aws, configured: Callable[[str], None], path: str, signed: bool
) -> None:
    stored_execution()
    configured(f"remoteData: {{signedUrls: {{enabled: {str(signed).lower()}}}}}")
    secret = storage.uri(path)
    storage.write(literals(1).SerializeToString(), secret)
    apply(
        node_event("SUCCEEDED", 1, input_uri=secret),
        task_event("SUCCEEDED", 2, output_uri=secret),
        workflow_event("SUCCEEDED", 3, output_uri=secret),
    )
    for data in (f"executions/{EXECUTION}", f"node_executions/{EXECUTION}/n0", f"task_executions/{TASK}"):
        answer = get(f"data/{data}")
        assert Code(answer.message(Status).code) == Code.PERMISSION_DENIED, data
        assert b"X-Amz" not in answer.body
    for path in (f"executions/{EXECUTION}", f"executions/{PROJECT}/{DOMAIN}", f"node_executions/{EXECUTION}"):
        assert get(path, {"limit": "10"}).status == 200, "what does not read data still answers"


@pytest.mark.conformance("GET-08", "KD-38")
def test_outputs_that_came_with_their_event_are_shown_below_the_limit(
    aws: Aws, configured: Callable[[str], None]
) -> None:
    stored_execution()
    configured("remoteData: {inlineEventDataPolicy: StoreInline}")
    apply(
        node_event("SUCCEEDED", 1, output_data=literals(2)),
        task_event("SUCCEEDED", 2, output_data=literals(2)),
        workflow_event("SUCCEEDED", 3, output_data=literals(2)),
    )
    size = literals(2).ByteSize()
    for limit, shown in ((size, LiteralMap()), (size + 1, literals(2)), (0, literals(2))):
        configured(f"remoteData: {{maxSizeInBytes: {limit}, inlineEventDataPolicy: StoreInline}}")
        assert [data.full_outputs for data in all_data()] == [shown] * 3


@pytest.mark.conformance("LST-20", "LST-21")
def test_nodes_by_parent(aws: Aws) -> None:
    stored_execution()
    parent = ParentNodeExecutionMetadata(node_id="n0")
    apply(
        node_event("RUNNING", 1, is_parent=True),
        node_event("QUEUED", 2, node="n0-0-n1", parent_node_metadata=parent),
        node_event("QUEUED", 3, node="n2"),
    )
    top = get(f"node_executions/{EXECUTION}", {"limit": "10"}).message(NodeExecutionList).node_executions
    assert [node.id.node_id for node in top] == ["n0", "n2"]
    assert top[0].metadata.is_parent_node
    below = get(f"node_executions/{EXECUTION}", {"limit": "10", "uniqueParentId": "n0"}).message(NodeExecutionList)
    assert [node.id.node_id for node in below.node_executions] == ["n0-0-n1"]
    assert get(f"node_executions/{EXECUTION}", {"limit": "10", "uniqueParentId": "nobody"}).status == 404


@pytest.mark.conformance("LST-14", "LST-15", "LST-16", "LST-17", "KD-36")
def test_executions_page_by_page(aws: Aws) -> None:
    names = [f"run-{n}" for n in range(7)]
    for name in names:
        stored_execution(name)
    seen: list[str] = []
    token = ""
    while True:
        page = get(f"executions/{PROJECT}/{DOMAIN}", {"limit": "3", "token": token}).message(ExecutionList)
        seen += [execution.id.name for execution in page.executions]
        token = page.token
        if len(seen) == 3:
            stored_execution("run-late")
        if not token:
            break
    assert sorted(seen) == sorted(names) or sorted(seen) == sorted([*names, "run-late"])
    offset = get(f"executions/{PROJECT}/{DOMAIN}", {"limit": "10", "token": "5"}).message(ExecutionList)
    assert len(offset.executions) == 3
    for query, field in (
        ({}, "limit"),
        ({"limit": "3", "token": "?"}, "token"),
        ({"limit": "3", "filters": "x"}, "filters"),
    ):
        answer = get(f"executions/{PROJECT}/{DOMAIN}", query, accept="application/json")
        assert (answer.status, field in str(answer.json()["message"])) == (400, True)


@pytest.mark.conformance("LST-24", "TEV-09")
def test_all_attempts_of_a_node(aws: Aws) -> None:
    stored_execution()
    apply(
        task_event("FAILED", 1, error=ExecutionError(message="once")),
        task_event("RUNNING", 2, attempt=1),
        task_event("RUNNING", 2, node="n0#x"),
    )
    tasks = get(f"task_executions/{EXECUTION}/n0", {"limit": "10"}).message(TaskExecutionList).task_executions
    assert [(task.id.retry_attempt, task.closure.error.message) for task in tasks] == [(0, "once"), (1, "")]
    assert get(f"task_executions/{TASK}").message(TaskExecution).closure.error.message == "once"


def test_a_large_answer_is_a_redirect_that_can_be_followed(aws: Aws) -> None:

    stored_execution()
    large = LiteralMap()
    large.literals["x"].scalar.primitive.string_value = "x" * 5_000_000
    uri = storage.write_once(large.SerializeToString(), "metadata", "large")
    apply(node_event("SUCCEEDED", 1, output_uri=uri))
    answer = get(f"data/node_executions/{EXECUTION}/n0")
    assert answer.status == 303
    with urllib.request.urlopen(answer.headers["location"], timeout=10) as followed:
        assert NodeExecutionGetDataResponse.FromString(followed.read()).full_outputs == large


@pytest.mark.conformance("ERR-08")
def test_what_this_function_does_not_serve(aws: Aws) -> None:
    delete = http_event("DELETE", f"/api/v1/node_executions/{EXECUTION}/n0", headers={"accept": "application/json"})
    assert json.loads(answer_of(lambda_handler(delete, Context())).body)["code"] == 12


def test_data_that_is_too_large_to_be_read_is_answered_with_its_uri(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_data, "MAX_READ_BYTES", 8)
    stored_execution()
    large = storage.write_once(b"x" * 9, "metadata", "large")
    apply(node_event("RUNNING", 1, input_uri=large), node_event("SUCCEEDED", 2, output_uri=large))
    data = get(f"data/node_executions/{EXECUTION}/n0").message(NodeExecutionGetDataResponse)
    assert (data.full_inputs, data.full_outputs) == (LiteralMap(), LiteralMap())
    assert [(each.url, each.bytes) for each in (data.inputs, data.outputs)] == [(large, 9)] * 2


def test_data_of_tiny_literals_is_answered_with_its_uri(aws: Aws) -> None:
    stored_execution()
    tiny = LiteralMap()
    tiny.literals["all"].collection.MergeFromString(b"\x0a\x00" * 3_000_000)
    uri = storage.write_once(tiny.SerializeToString(), "metadata", "tiny")
    apply(node_event("SUCCEEDED", 2, output_uri=uri))
    data = get(f"data/node_executions/{EXECUTION}/n0").message(NodeExecutionGetDataResponse)
    assert data.full_outputs == LiteralMap()
    assert (data.outputs.url, data.outputs.bytes) == (uri, tiny.ByteSize())
