"""However many events an execution has: its row, the function's memory and the log's life have bounds."""

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from flyteidl.admin.event_pb2 import (
    NodeExecutionEventRequest,
    TaskExecutionEventRequest,
    WorkflowExecutionEventRequest,
)
from flyteidl.admin.node_execution_pb2 import NodeExecution
from flyteidl.core.execution_pb2 import TaskLog
from flyteidl.core.literals_pb2 import LiteralMap
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from pynamodb.attributes import NumberAttribute

from flyteadmin.clients import aws as aws_clients
from flyteadmin.errors import InvalidArgument
from flyteadmin.events import log
from flyteadmin.events.envelope import Kind
from flyteadmin.events.models import LoggedEvent
from flyteadmin.events.offloading import workflow
from flyteadmin.events.service import admit
from flyteadmin.events.validation import Event
from flyteadmin.executions import phases as workflow_phases
from flyteadmin.executions import repository as executions
from flyteadmin.executions.models import ExecutionState
from flyteadmin.executions.phases import MAX_MOVES, ControlPlanePhase
from flyteadmin.identifiers import padded
from flyteadmin.node_executions import phases as node_phases
from flyteadmin.node_executions import repository as node_executions
from flyteadmin.notifications.rules import announced
from flyteadmin.task_executions import phases as task_phases
from functions.get_executions.handler import lambda_handler as read
from functions.process_event.handler import lambda_handler
from local.aws.data import DataAccount as Aws
from tests.aws_events import OCTETS, Context, answer_of, batch, http_event, queue_record
from tests.builders import DOMAIN, PROJECT, message_body, node_event, stored_execution, task_event, workflow_event
from tests.infrastructure.template import load

RUN = f"{PROJECT}:{DOMAIN}:run"
DAY = 24 * 3600


def deliver(events: Sequence[Event], size: int, first: int = 1) -> None:
    records = [queue_record(message_body(event), n) for n, event in enumerate(events, first)]
    for start in range(0, len(records), size):
        assert lambda_handler(batch(records[start : start + size]), Context()) == {"batchItemFailures": []}


def execution() -> ExecutionState:
    state = executions.read_state(RUN)
    assert state is not None
    return state


def to_and_fro(count: int) -> list[Event]:
    """Alternate between two phases, which is allowed and which propeller never does."""
    return [workflow_event(("RUNNING", "SUCCEEDING")[n % 2], n) for n in range(count)]


def nested(levels: int) -> LiteralMap:
    outputs = LiteralMap()
    literal = outputs.literals["x"]
    for _ in range(levels):
        literal = literal.collection.literals.add()
    return outputs


def nested_info(levels: int) -> Struct:
    info = Struct()
    inner = info
    for _ in range(levels - 1):
        inner = inner.fields["x"].struct_value
    inner.fields["x"].SetInParent()
    return info


@pytest.mark.parametrize(
    ("made", "request_type", "most"),
    [
        (lambda n: workflow_event("SUCCEEDED", output_data=nested(n)), WorkflowExecutionEventRequest, 48),
        (lambda n: node_event("SUCCEEDED", output_data=nested(n)), NodeExecutionEventRequest, 48),
        (lambda n: task_event("SUCCEEDED", output_data=nested(n)), TaskExecutionEventRequest, 48),
        (lambda n: task_event("RUNNING", custom_info=nested_info(n)), TaskExecutionEventRequest, 33),
    ],
)
def test_an_event_is_nested_no_deeper_than_a_list_that_shows_it_may_be(
    aws: Aws, made: Callable[[int], Event], request_type: type[Any], most: int
) -> None:
    """Its request can be read; a list could not any more, a project's or a node's, with all others that are in it."""
    stored_execution()
    assert admit(made(most - 1))
    sent = request_type.FromString(request_type(event=made(most)).SerializeToString()).event
    with pytest.raises(InvalidArgument, match="nested too deep"):
        admit(sent)


@pytest.mark.parametrize(("bytes_each", "at_once"), [(40_000, 1), (10, 8)])
def test_large_closures_are_merged_one_after_the_other(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, bytes_each: int, at_once: int
) -> None:
    """Ten map tasks of one execution come in one batch, and eight closures at once are more than a function holds."""
    stored_execution()
    reduce, under_way, most = task_phases.reduce, 0, 0
    counted = threading.Lock()

    def watched(*arguments: Any) -> task_phases.TaskState | None:
        nonlocal under_way, most
        with counted:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.05)
        with counted:
            under_way -= 1
        return reduce(*arguments)

    monkeypatch.setattr(task_phases, "reduce", watched)
    for second, phase in enumerate(("RUNNING", "SUCCEEDED"), 1):
        logs = [TaskLog(uri="x" * bytes_each)] if phase == "RUNNING" else []
        deliver([task_event(phase, second, attempt=n, logs=logs) for n in range(10)], 10, first=second * 100)
        assert most == at_once, phase
        most = 0


@pytest.mark.parametrize("size", [1, 7, 10])
def test_an_execution_that_goes_to_and_fro_keeps_fifty_moves_and_its_end(aws: Aws, size: int) -> None:
    stored_execution()
    moves = to_and_fro(2 * MAX_MOVES + 20)
    deliver([*moves, workflow_event("SUCCEEDED", 500, output_uri="s3://out")], size)
    row = execution()
    logged = log.read(RUN, Kind.WORKFLOW, "")
    reduced = workflow_phases.reduce((workflow(event, sequence) for sequence, event in logged), ControlPlanePhase())
    assert tuple(row.transitions) == reduced.transitions
    phases = [text.split(" ")[0] for text in row.transitions]
    assert phases == ["RUNNING", "SUCCEEDING"] * (MAX_MOVES // 2) + ["SUCCEEDED"]
    assert (row.phase, row.outputs_uri) == ("SUCCEEDED", "s3://out")
    assert not row.active
    version = row.version
    deliver(moves[:1], 1)
    assert execution().version == version, "a rebuild finds nothing to change"


def test_an_abort_beyond_the_bound_is_kept_and_told(aws: Aws) -> None:
    stored_execution()
    deliver(to_and_fro(MAX_MOVES + 5), 10)
    before = execution()
    executions.write_control_plane_facts(
        before, workflow_phases.facts_of_control_plane(ControlPlanePhase("ABORTING", 7))
    )
    deliver([workflow_event("ABORTED", 500)], 1, first=1000)
    after = execution()
    assert [text.split(" ")[0] for text in after.transitions[MAX_MOVES:]] == ["ABORTING", "ABORTED"]
    told = announced(before.transitions, after.transitions)
    assert [transition.phase for transition in told] == ["ABORTING", "ABORTED"]


def test_beyond_the_bound_a_move_costs_one_request_more_and_reads_no_log(aws: Aws) -> None:
    stored_execution()
    deliver(to_and_fro(MAX_MOVES), 10)
    calls: list[str] = []
    aws_clients.session().events.register("after-call", lambda model, **_: calls.append(model.name))
    aws_clients._client.cache_clear()
    deliver(to_and_fro(2), 1, first=MAX_MOVES + 1)
    assert calls == ["BatchWriteItem", "UpdateItem", "UpdateItem"] * 2
    assert execution().phase == "SUCCEEDING"


class Counted:
    """Events that are made as they are asked for; `most` of them were there at once."""

    def __init__(self, make: Callable[[int], Any], count: int) -> None:
        self.make, self.count, self.most = make, count, 0

    def __iter__(self) -> Iterator[Any]:
        alive: list[weakref.ref[Any]] = []
        for number in range(self.count):
            event = self.make(number)
            alive = [*(each for each in alive if each() is not None), weakref.ref(event)]
            self.most = max(self.most, len(alive))
            yield event


def placed_workflow(number: int) -> workflow_phases.PhaseEvent:
    return workflow_phases.PhaseEvent(workflow_event("RUNNING", number), padded(str(number)))


def placed_node(number: int) -> node_phases.PhaseEvent:
    return node_phases.PhaseEvent(node_event("RUNNING", number), padded(str(number)))


def placed_task(number: int) -> task_phases.PhaseEvent:
    return task_phases.PhaseEvent(task_event("RUNNING", number, phase_version=number), padded(str(number)))


@pytest.mark.parametrize(
    ("reduce", "make"),
    [
        (lambda events: workflow_phases.reduce(events, ControlPlanePhase("ABORTING", 1)), placed_workflow),
        (node_phases.reduce, placed_node),
        (task_phases.reduce, placed_task),
    ],
    ids=["workflow", "node", "task"],
)
def test_a_rebuild_holds_one_event_of_a_log_at_a_time(
    reduce: Callable[[Any], object], make: Callable[[int], Any]
) -> None:
    gc.disable()  # what only the collector would free is held, too
    try:
        events = Counted(make, 300)
        assert reduce(events) is not None
    finally:
        gc.enable()
    assert events.most <= 3


def test_a_log_is_read_a_page_at_a_time_as_it_is_needed(aws: Aws) -> None:
    """An execution of 1.5 MB of events: DynamoDB answers 1 MB at most."""
    stored_execution()
    reason = "x" * 30_000
    deliver([task_event("RUNNING", n, phase_version=n, reason=f"{n} {reason}") for n in range(50)], 10)
    queries = 0

    def count(**_: object) -> None:
        nonlocal queries
        queries += 1

    aws_clients.session().events.register("after-call.dynamodb.Query", count)
    aws_clients._client.cache_clear()
    [attempt] = {item.entry.rpartition("#")[0].partition("#")[2] for item in logged_items()}
    queries = 0
    events = log.read(RUN, Kind.TASK, attempt)
    next(events)
    assert queries == 1
    assert len(list(events)) == 49
    assert queries == 2


def logged_items() -> list[LoggedEvent]:
    from flyteadmin.clients.dynamodb.reads import query_all  # noqa: PLC0415

    return query_all(LoggedEvent, RUN)


def test_an_event_leaves_the_log_400_days_after_it_was_sent(aws: Aws) -> None:
    """The template's attribute is the one that the item carries: a number of seconds, as DynamoDB wants it."""
    record = queue_record(message_body(node_event("RUNNING", 1)), 1)
    sent = int(record["attributes"]["SentTimestamp"])  # type: ignore[index]
    assert lambda_handler(batch([record]), Context()) == {"batchItemFailures": []}
    table = aws.resources["ExecutionEventsTable"]
    specification = dict(load({}).resources("AWS::DynamoDB::Table"))["ExecutionEventsTable"]["TimeToLiveSpecification"]
    assert specification["Enabled"] is True
    [item] = aws.client("dynamodb").scan(TableName=table)["Items"]
    assert item[specification["AttributeName"]] == {"N": str(sent // 1000 + 400 * DAY)}
    assert isinstance(LoggedEvent.get_attributes()["ttl"], NumberAttribute)


FIRST, LAST = Timestamp(seconds=-62135596800), Timestamp(seconds=253402300799, nanos=999999999)


@pytest.mark.parametrize("form", [OCTETS, "application/json"])
def test_clocks_at_both_ends_of_time(aws: Aws, form: str) -> None:
    """A start in the year 9999 and an end in the year 1: read back to the nanosecond, by get and by list."""
    stored_execution()
    events: list[Event] = []
    for make in (workflow_event, node_event, task_event):
        for phase, occurred_at in (("RUNNING", LAST), ("SUCCEEDED", FIRST)):
            event = make(phase)
            event.occurred_at.CopyFrom(occurred_at)
            events.append(event)
    deliver(events, 10)
    run = f"{PROJECT}/{DOMAIN}/run"
    for path, query in (
        (f"executions/{run}", {}),
        (f"executions/{PROJECT}/{DOMAIN}", {"limit": "5"}),
        (f"node_executions/{run}/n0", {}),
        (f"node_executions/{run}", {"limit": "5"}),
        (f"task_executions/{run}/n0/{PROJECT}/{DOMAIN}/task/v1/0", {}),
        (f"task_executions/{run}/n0", {"limit": "5"}),
    ):
        request = http_event("GET", f"/api/v1/{path}", query=query, headers={"accept": form})
        assert answer_of(read(request, Context())).status == 200, path
    node = answer_of(
        read(http_event("GET", f"/api/v1/node_executions/{run}/n0", headers={"accept": OCTETS}), Context())
    )
    closure = node.message(NodeExecution).closure
    assert (closure.started_at, closure.updated_at) == (LAST, FIRST)
    assert closure.duration.ToNanoseconds() == FIRST.ToNanoseconds() - LAST.ToNanoseconds()


def test_the_largest_batch(aws: Aws) -> None:
    """Ten events of 4 MB less a little, each of its own execution: logged, applied, within the function's time."""
    outputs = LiteralMap()
    outputs.literals["x"].scalar.primitive.string_value = "x" * (2 * 1024 * 1024 - 1000)
    runs = [f"run-{n}" for n in range(10)]
    records = []
    for number, run in enumerate(runs, 1):
        stored_execution(run)
        event = node_event("SUCCEEDED", 1, execution=run, input_data=outputs, output_data=outputs)
        records.append(queue_record(admit(event).body, number, group=run))
    context = Context()
    assert lambda_handler(batch(records), context) == {"batchItemFailures": []}
    assert [node_executions.read(f"{PROJECT}:{DOMAIN}:{run}", "n0") is not None for run in runs] == [True] * 10
