"""The events that the bench sends, as propeller makes them, and the batches in which the queue hands them over."""

import itertools
from collections.abc import Sequence

from flyteidl.event.event_pb2 import NodeExecutionEvent, TaskExecutionEvent, TaskNodeMetadata, WorkflowExecutionEvent

from flyteadmin.events.envelope import kind_of, seal
from flyteadmin.events.validation import Event
from flyteadmin.executions.models import ExecutionState
from flyteadmin.identifiers import SEQUENCE_DIGITS
from tests.aws_events import Context, batch, queue_record
from tests.builders import CREATED_AT, DOMAIN, PROJECT, at, node_event, stored_execution, task_event, workflow_event

MAX_NODE_EVENT_BYTES = 800
"""The size up to which the write units of a node event have a budget."""

CONTEXT = Context(seconds=24 * 3600)

BATCH = 10
"""The number of messages in a batch of the event queue."""

_NODES = [f"n{number}" for number in range(BATCH)]
_PHASES = ("QUEUED", "RUNNING", "SUCCEEDED")
_names = itertools.count()
_sequences = itertools.count(1)

type AttributeValue = dict[str, str]
"""An attribute as DynamoDB's wire has it, {"S": "text"}."""


def name() -> str:
    """Return a fresh execution's name, as long as a generated one."""
    return f"a{next(_names):019d}"


def execution() -> ExecutionState:
    """Return a fresh execution in the tables."""
    return stored_execution(name())


def workflow_run(of: ExecutionState) -> Sequence[WorkflowExecutionEvent]:
    """Return the events of an execution that succeeds."""
    run = _name(of)
    moves = [workflow_event(phase, second, execution=run) for second, phase in enumerate(("RUNNING", "SUCCEEDING"))]
    return [*moves, workflow_event("SUCCEEDED", 9, execution=run, output_uri=f"{_data(run, 'end-node')}/outputs.pb")]


def node_run(of: ExecutionState, node: str) -> Sequence[NodeExecutionEvent]:
    """Return the events of a node that succeeds; the last is as large as a node event with a budget may be."""
    run = _name(of)
    data = _data(run, node)
    events = [
        node_event(phase, second, node=node, execution=run, input_uri=f"{data}/inputs.pb", reported_at=at(second + 0.2))
        for second, phase in enumerate(_PHASES)
    ]
    last = events[-1]
    last.output_uri = f"{data}/0/outputs.pb"
    last.deck_uri = f"{data}/0/deck.html"
    last.task_node_metadata.MergeFrom(TaskNodeMetadata(checkpoint_uri=f"{data}/0/"))
    last.task_node_metadata.checkpoint_uri += "c" * (MAX_NODE_EVENT_BYTES - last.ByteSize() - 2)
    return events


def task_run(of: ExecutionState, node: str) -> Sequence[TaskExecutionEvent]:
    """Return the events of a task's first attempt that succeeds."""
    run = _name(of)
    data = _data(run, node)
    events = [
        task_event(phase, second, node=node, execution=run, input_uri=f"{data}/inputs.pb")
        for second, phase in enumerate(_PHASES)
    ]
    events[-1].output_uri = f"{data}/0/outputs.pb"
    return events


def first_of_nodes(of: ExecutionState) -> Sequence[Event]:
    """Return a batch of events of as many nodes, so that nothing folds."""
    return [node_run(of, node)[0] for node in _NODES]


def first_of_tasks(of: ExecutionState) -> Sequence[Event]:
    """Return a batch of events of as many tasks, so that nothing folds."""
    return [task_run(of, node)[0] for node in _NODES]


def first_of_children(of: ExecutionState) -> Sequence[Event]:
    """Return a batch of events of as many nodes below one parent."""
    events = [node_run(of, f"n0-0-{node}")[0] for node in _NODES]
    for event in events:
        event.parent_node_metadata.node_id = "n0"
    return events


def lives_of_nodes(of: ExecutionState) -> Sequence[Event]:
    """Return a batch that holds whole lives of nodes, as after a backlog."""
    return [event for node in _NODES for event in node_run(of, node)][:BATCH]


def plain_facts(run: str, node: str) -> dict[str, AttributeValue]:
    """Return the facts of a node's first event as DynamoDB attributes."""
    created_at = str(CREATED_AT)
    return {
        "version": {"N": "1"},
        "phase": {"S": "QUEUED"},
        "sequence": {"S": "1".zfill(SEQUENCE_DIGITS)},
        "created_at": {"N": created_at},
        "updated_at": {"N": created_at},
        "parent": {"S": f"{PROJECT}:{DOMAIN}:{run}#"},
        "spec_node_id": {"S": node},
        "input_uri": {"S": f"{_data(run, node)}/inputs.pb"},
    }


def delivery(of: ExecutionState, events: Sequence[Event]) -> dict[str, object]:
    """Return Lambda's event for process_event: these events of an execution, as admission queued them."""
    return batch([queue_record(_body(of, event), next(_sequences), group=of.execution) for event in events])


def _body(of: ExecutionState, event: Event) -> str:
    return seal(kind_of(event), event.SerializeToString(deterministic=True), launch_plan=of.launch_plan)


def _name(of: ExecutionState) -> str:
    return of.execution.rsplit(":", 1)[1]


def _data(run: str, node: str) -> str:
    return f"s3://flyte-metadata/metadata/propeller/{PROJECT}-{DOMAIN}-{run}/{node}/data"
