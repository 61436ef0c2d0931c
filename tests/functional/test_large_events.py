"""Valid events with parts of any size: applied, never set aside, every item far below what a table takes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from flyteidl.admin.execution_pb2 import Execution
from flyteidl.admin.node_execution_pb2 import NodeExecution, NodeExecutionList
from flyteidl.admin.task_execution_pb2 import TaskExecution, TaskExecutionList
from flyteidl.core.catalog_pb2 import CACHE_HIT, CatalogMetadata
from flyteidl.core.execution_pb2 import ExecutionError, TaskLog
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.event.event_pb2 import EventReason, ExternalResourceInfo, TaskExecutionMetadata, TaskNodeMetadata
from google.protobuf.struct_pb2 import Struct

from flyteadmin.events.envelope import kind_of, seal
from flyteadmin.events.service import admit
from flyteadmin.events.validation import Event
from functions.get_executions.handler import lambda_handler
from functions.process_event.handler import lambda_handler as process_event
from local.aws.data import DataAccount as Aws
from tests.aws_events import OCTETS, Answer, Context, answer_of, batch, http_event, queue_record
from tests.builders import DOMAIN, PROJECT, at, node_event, stored_execution, task_event, workflow_event
from tests.configuration import configure

EXECUTION = f"{PROJECT}/{DOMAIN}/run"
TASK = f"{EXECUTION}/n0/{PROJECT}/{DOMAIN}/task/v1/0"
LONG = "x" * 500_000
KILOBYTE = 1024


def get(path: str, query: Mapping[str, str] | None = None) -> Answer:
    event = http_event("GET", f"/api/v1/{path}", query=query, headers={"accept": OCTETS})
    return answer_of(lambda_handler(event, Context()))


def apply(aws: Aws, *events: Event, first: int = 1) -> None:
    """Admit events and apply each on its own; none is set aside."""
    for sequence, event in enumerate(events, first):
        record = queue_record(admit(event).body, sequence)
        assert process_event(batch([record]), Context()) == {"batchItemFailures": []}
    letters = aws.client("sqs").receive_message(QueueUrl=aws.resources["EventsDeadLetterQueue"])
    assert "Messages" not in letters


def largest_item(aws: Aws, table: str) -> int:
    """Bytes of the largest item of a table, about as DynamoDB counts them."""
    items = aws.client("dynamodb").scan(TableName=aws.resources[table])["Items"]
    return max(sum(len(name) + sum(map(_size, typed.values())) for name, typed in item.items()) for item in items)


def _size(value: object) -> int:
    if isinstance(value, list):
        return sum(_size(inner) for each in value for inner in each.values())
    return len(value.encode() if isinstance(value, str) else value) if isinstance(value, str | bytes) else 1


@pytest.fixture
def run(aws: Aws) -> Aws:
    stored_execution()
    return aws


def test_a_deck_uri_as_long_as_a_book(run: Aws) -> None:
    apply(run, node_event("RUNNING", 1, deck_uri=f"s3://{LONG}", input_uri=f"s3://{LONG}"))
    apply(run, node_event("SUCCEEDED", 2, deck_uri=f"s3://{LONG}", output_uri=f"s3://{LONG}"), first=2)
    assert largest_item(run, "NodeExecutionsTable") < 8 * KILOBYTE
    node = get(f"node_executions/{EXECUTION}/n0").message(NodeExecution)
    assert node.closure.deck_uri.startswith("s3://xxx")


def test_outputs_of_an_execution_at_an_endless_uri(run: Aws) -> None:
    apply(run, workflow_event("SUCCEEDED", 1, output_uri=f"s3://{LONG}"))
    assert largest_item(run, "ExecutionsTable") < 4 * KILOBYTE


@pytest.mark.conformance("WFE-19", "WFE-27", "NEV-19", "LST-22")
def test_an_error_with_everything_long(run: Aws) -> None:
    error = ExecutionError(code=LONG, message="é" * 300_000, error_uri=LONG, kind=ExecutionError.SYSTEM, worker=LONG)
    apply(run, node_event("FAILED", 1, error=error), workflow_event("FAILED", 2, error=error))
    assert largest_item(run, "NodeExecutionsTable") < 8 * KILOBYTE
    assert largest_item(run, "ExecutionsTable") < 8 * KILOBYTE
    assert get(f"node_executions/{EXECUTION}/n0").message(NodeExecution).closure.error == error
    assert get(f"executions/{EXECUTION}").message(Execution).closure.error == error
    [listed] = get(f"node_executions/{EXECUTION}", {"limit": "1"}).message(NodeExecutionList).node_executions
    assert (len(listed.closure.error.message.encode()), listed.ByteSize() < 8 * KILOBYTE) == (100, True)


def test_a_cache_key_of_any_size(run: Aws) -> None:
    key = CatalogMetadata(dataset_id=Identifier(project=LONG))
    metadata = TaskNodeMetadata(cache_status=CACHE_HIT, catalog_key=key, checkpoint_uri=f"s3://{LONG}")
    apply(run, node_event("SUCCEEDED", 1, task_node_metadata=metadata))
    assert largest_item(run, "NodeExecutionsTable") < 8 * KILOBYTE
    whole = get(f"node_executions/{EXECUTION}/n0").message(NodeExecution).closure.task_node_metadata
    assert (whole.catalog_key, whole.checkpoint_uri) == (key, f"s3://{LONG}")
    [listed] = get(f"node_executions/{EXECUTION}", {"limit": "1"}).message(NodeExecutionList).node_executions
    assert listed.closure.task_node_metadata.cache_status == CACHE_HIT
    assert not listed.closure.task_node_metadata.HasField("catalog_key")


def many_logs(count: int) -> list[TaskLog]:
    return [TaskLog(name=f"log {n}", uri=f"https://logs.example.com/{n}/{'x' * 100}") for n in range(count)]


def reasons() -> list[EventReason]:
    return [EventReason(reason=f"reason {n}", occurred_at=at(n)) for n in range(10_000)]


def custom_info() -> Struct:
    info = Struct()
    info["x"] = LONG
    return info


def external_resources() -> list[ExternalResourceInfo]:
    return [ExternalResourceInfo(index=n, external_id=f"pod-{n}", logs=many_logs(1)) for n in range(10_000)]


@pytest.mark.conformance("TEV-11", "TEV-14", "TEV-17", "TEV-19", "LST-24")
@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"reasons": reasons()}, lambda task: len(task.closure.reasons) == 20_000),
        ({"logs": many_logs(10_000)}, lambda task: len(task.closure.logs) == 10_000),
        ({"custom_info": custom_info()}, lambda task: task.closure.custom_info["x"] == LONG),
        (
            {"metadata": TaskExecutionMetadata(external_resources=external_resources())},
            lambda task: len(task.closure.metadata.external_resources) == 10_000,
        ),
        ({"error": ExecutionError(message=LONG)}, lambda task: task.closure.error.message == LONG),
        ({"input_uri": f"s3://{LONG}"}, lambda task: len(task.input_uri) == 2048),
    ],
    ids=["reasons", "logs", "custom info", "external resources", "error", "input URI"],
)
def test_a_task_with_a_great_deal_to_say(
    run: Aws, fields: Mapping[str, Any], count: Callable[[TaskExecution], bool]
) -> None:
    apply(run, task_event("RUNNING", 1, **fields), task_event("FAILED", 2, **fields))
    assert largest_item(run, "TaskExecutionsTable") < 40 * KILOBYTE
    task = get(f"task_executions/{TASK}").message(TaskExecution)
    assert count(task)
    listed = get(f"task_executions/{EXECUTION}/n0", {"limit": "1"}).message(TaskExecutionList)
    assert listed.task_executions[0].closure == task.closure


def test_reasons_that_pile_up_over_many_events(run: Aws) -> None:
    events = [task_event("RUNNING", n, phase_version=n, reason=f"{n} {'x' * 1000}") for n in range(100)]
    for start in range(0, len(events), 10):
        records = [
            queue_record(seal(kind_of(e), e.SerializeToString()), start + n)
            for n, e in enumerate(events[start : start + 10], 1)
        ]
        assert process_event(batch(records), Context()) == {"batchItemFailures": []}
    assert largest_item(run, "TaskExecutionsTable") < 40 * KILOBYTE
    assert len(get(f"task_executions/{TASK}").message(TaskExecution).closure.reasons) == 100


def outputs(size: int) -> LiteralMap:
    made = LiteralMap()
    made.literals["x"].scalar.primitive.string_value = "x" * size
    return made


@pytest.mark.conformance("WFE-18", "NEV-19", "NEV-20", "TEV-13", "TEV-21")
def test_data_of_two_megabytes_goes_where_upstream_puts_it(run: Aws) -> None:
    data = outputs(1_000_000)
    apply(
        run,
        node_event("SUCCEEDED", 1, input_data=data, output_data=data),
        task_event("SUCCEEDED", 2, input_data=data, output_data=data),
        workflow_event("SUCCEEDED", 3, output_data=data),
    )
    bucket = f"s3://{run.resources['Bucket']}/metadata/{EXECUTION}"
    node = get(f"node_executions/{EXECUTION}/n0").message(NodeExecution)
    assert node.input_uri.startswith(f"{bucket}/n0/offloaded_inputs-")
    assert node.closure.output_uri.startswith(f"{bucket}/n0/offloaded_outputs-")
    task = get(f"task_executions/{TASK}").message(TaskExecution)
    of_task = f"{bucket}/n0/{PROJECT}/{DOMAIN}/task/v1/0"
    assert task.input_uri.startswith(f"{of_task}/offloaded_inputs-")
    assert task.closure.output_uri.startswith(f"{of_task}/offloaded_outputs-")
    execution = get(f"executions/{EXECUTION}").message(Execution)
    assert execution.closure.outputs.uri.startswith(f"{bucket}/offloaded_outputs-")


@pytest.mark.conformance("WFE-18", "NEV-19", "TEV-13")
def test_small_outputs_stay_inline_where_the_operator_says_so(run: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(run, monkeypatch, "remoteData: {inlineEventDataPolicy: StoreInline}")
    small, large = outputs(100), outputs(100_000)
    apply(
        run,
        node_event("SUCCEEDED", 1, output_data=small),
        node_event("SUCCEEDED", 1, node="large", output_data=large),
        task_event("SUCCEEDED", 2, output_data=small),
        workflow_event("SUCCEEDED", 3, output_data=small),
    )
    assert get(f"node_executions/{EXECUTION}/n0").message(NodeExecution).closure.output_data == small
    assert get(f"task_executions/{TASK}").message(TaskExecution).closure.output_data == small
    assert get(f"executions/{EXECUTION}").message(Execution).closure.output_data == small
    assert get(f"node_executions/{EXECUTION}/large").message(NodeExecution).closure.output_uri


def test_names_too_long_for_a_key_in_the_object_store(run: Aws) -> None:
    node = "n" * 512
    events: Sequence[Event] = [
        node_event("FAILED", 1, node=node, error=ExecutionError(message=LONG)),
        task_event("FAILED", 2, node=node, error=ExecutionError(message=LONG)),
    ]
    events[1].task_id.name = "t" * 400  # type: ignore[union-attr]
    apply(run, *events)
    found = get(f"node_executions/{EXECUTION}/{node}").message(NodeExecution)
    assert found.closure.error.message == LONG
    listed = get(f"task_executions/{EXECUTION}/{node}", {"limit": "1"}).message(TaskExecutionList)
    assert listed.task_executions[0].closure.error.message == LONG
