"""Runs of a real propeller as it reported them (docs/propeller.md), and what each entity says in the end.

`W` is the workflow, `n0` a node, `n0#1` the second attempt of its task; `*` stands for the control plane's own abort.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
from flyteidl.admin.execution_pb2 import AbortMetadata
from flyteidl.core.identifier_pb2 import TaskExecutionIdentifier

from flyteadmin.events.validation import Event
from flyteadmin.executions import repository as executions
from flyteadmin.executions.phases import ABORTED, ABORTING, ControlPlanePhase, facts_of_control_plane
from flyteadmin.facts import Facts
from flyteadmin.node_executions import repository as node_executions
from flyteadmin.task_executions import repository as task_executions
from functions.process_event.handler import lambda_handler
from tests.aws_events import Context, batch, queue_record
from tests.builders import (
    CREATED_AT,
    DOMAIN,
    PROJECT,
    lease_of,
    message_body,
    node_event,
    stored_execution,
    task_event,
    workflow_event,
)

RUN = f"{PROJECT}:{DOMAIN}:run"

pytestmark = pytest.mark.usefixtures("aws")


class Run(NamedTuple):
    """The events that were reported, and the final phases."""

    events: str
    ends: str


RUNS = {
    "one task": Run(
        "W RUNNING, start-node SUCCEEDED, n0 QUEUED, n0#0 RUNNING, n0 RUNNING, n0#0 SUCCEEDED, n0 SUCCEEDED,"
        " end-node QUEUED, end-node SUCCEEDED, W SUCCEEDING, W SUCCEEDED",
        "W SUCCEEDED, start-node SUCCEEDED, n0 SUCCEEDED, n0#0 SUCCEEDED, end-node SUCCEEDED",
    ),
    "a branch that fails": Run(
        "W RUNNING, start-node SUCCEEDED, n0 QUEUED, n0 FAILED, W FAILING, W FAILED",
        "W FAILED, n0 FAILED",
    ),
    "a task beyond its deadline, tried twice": Run(
        "W RUNNING, n0 QUEUED, n0#0 RUNNING, n0 RUNNING, n0#0 ABORTED, n0#1 RUNNING, n0 TIMED_OUT, n0#1 ABORTED,"
        " W FAILING, W FAILED",
        "W FAILED, n0 TIMED_OUT, n0#0 ABORTED, n0#1 ABORTED",
    ),
    "a task that is tried again, and aborted after each failure": Run(
        "W RUNNING, n0 QUEUED, n0#0 QUEUED, n0 RUNNING, n0#0 RUNNING, n0#0 FAILED, n0#0 ABORTED, n0#1 QUEUED,"
        " n0#1 RUNNING, n0#1 FAILED, n0 FAILED, W FAILING, W FAILED",
        "W FAILED, n0 FAILED, n0#0 FAILED, n0#1 FAILED",
    ),
    "a dynamic task": Run(
        "W RUNNING, n0 QUEUED, n0#0 QUEUED, n0 RUNNING, n0#0 RUNNING, n0#0 SUCCEEDED, n0 DYNAMIC_RUNNING,"
        " n0-0-start-node SUCCEEDED, n0-0-dn0 QUEUED, n0-0-dn0#0 RUNNING, n0-0-dn0 RUNNING, n0-0-dn0#0 SUCCEEDED,"
        " n0-0-dn0 SUCCEEDED, n0 SUCCEEDED, W SUCCEEDING, W SUCCEEDED",
        "W SUCCEEDED, n0 SUCCEEDED, n0#0 SUCCEEDED, n0-0-dn0 SUCCEEDED, n0-0-dn0#0 SUCCEEDED",
    ),
    "an abort of what a dynamic task made": Run(
        "W RUNNING, n0 QUEUED, n0#0 RUNNING, n0#0 SUCCEEDED, n0 DYNAMIC_RUNNING, n0-0-dn0 QUEUED, n0-0-dn0#0 RUNNING,"
        " n0-0-dn0 RUNNING, * ABORTING, n0-0-dn0#0 ABORTED, n0-0-dn0 ABORTED, n0 ABORTED, W ABORTED",
        "W ABORTED, n0 ABORTED, n0#0 SUCCEEDED, n0-0-dn0 ABORTED, n0-0-dn0#0 ABORTED",
    ),
    "a failure node": Run(
        "W RUNNING, n0 QUEUED, n0#0 RUNNING, n0 RUNNING, n0 TIMED_OUT, n0#0 ABORTED, W FAILING,"
        " fn0 QUEUED, fn0#0 RUNNING, fn0 RUNNING, fn0#0 SUCCEEDED, fn0 SUCCEEDED, W FAILED",
        "W FAILED, n0 TIMED_OUT, n0#0 ABORTED, fn0 SUCCEEDED, fn0#0 SUCCEEDED",
    ),
    "what can still run does": Run(
        "W RUNNING, n0 QUEUED, n1 QUEUED, n0#0 RUNNING, n0 RUNNING, n1#0 RUNNING, n1 RUNNING, n0 TIMED_OUT,"
        " n0#0 ABORTED, n1#0 SUCCEEDED, n1 SUCCEEDED, end-node SKIPPED, W FAILING, W FAILED",
        "W FAILED, n0 TIMED_OUT, n0#0 ABORTED, n1 SUCCEEDED, n1#0 SUCCEEDED, end-node SKIPPED",
    ),
    "an abort while a task runs": Run(
        "W RUNNING, start-node SUCCEEDED, n0 QUEUED, n0#0 RUNNING, n0 RUNNING, * ABORTING,"
        " n0#0 ABORTED, n0 ABORTED, W ABORTED",
        "W ABORTED, start-node SUCCEEDED, n0 ABORTED, n0#0 ABORTED",
    ),
    "an abort that overtakes the queue": Run(
        "* ABORTING, W RUNNING, n0 QUEUED, n0#0 RUNNING, n0 RUNNING, n0#0 ABORTED, n0 ABORTED, W ABORTED",
        "W ABORTED, n0 ABORTED, n0#0 ABORTED",
    ),
    "an end just before the abort": Run(
        "W RUNNING, n0 QUEUED, n0#0 RUNNING, n0 RUNNING, n0#0 SUCCEEDED, n0 SUCCEEDED, W SUCCEEDING, W SUCCEEDED,"
        " * ABORTING",
        "W SUCCEEDED, n0 SUCCEEDED, n0#0 SUCCEEDED",
    ),
}


def event(text: str, second: int) -> Event:
    who, phase = text.split()
    if who == "W":
        return workflow_event(phase, second)
    node, _, attempt = who.partition("#")
    return (
        task_event(phase, second, node=node, attempt=int(attempt)) if attempt else node_event(phase, second, node=who)
    )


def abort() -> None:
    """Write what TerminateExecution writes."""
    abort = AbortMetadata(cause="enough").SerializeToString()
    state = executions.read_state(RUN)
    assert state is not None
    executions.update_optimistically(
        state,
        lambda row: (
            None
            if row.phase == "SUCCEEDED"
            else facts_of_control_plane(ControlPlanePhase(ABORTING, CREATED_AT)).then(Facts(latest={"abort": abort}))
        ),
    )


def one_by_one(lines: Sequence[str]) -> None:
    for second, line in enumerate(lines, 1):
        if line.startswith("*"):
            abort()
        else:
            deliver([(second, line)])


def each_twice(lines: Sequence[str]) -> None:
    """As after a death of propeller, or of the function: with the same place in the queue, and with a later one."""
    for second, line in enumerate(lines, 1):
        if line.startswith("*"):
            abort()
        else:
            deliver([(second, line)])
            deliver([(second, line), (second, line)])


def all_at_once(lines: Sequence[str]) -> None:
    """The queue was blocked; aborts come before."""
    for line in lines:
        if line.startswith("*"):
            abort()
    events = [(second, line) for second, line in enumerate(lines, 1) if not line.startswith("*")]
    for start in range(0, len(events), 10):
        deliver(events[start : start + 10])


def deliver(events: Sequence[tuple[int, str]]) -> None:
    records = [queue_record(message_body(event(line, second)), second) for second, line in events]
    assert lambda_handler(batch(records), Context()) == {"batchItemFailures": []}


def end_of(who: str) -> str:
    if who == "W":
        state = executions.read_state(RUN)
        assert state is not None
        return state.phase
    node, _, attempt = who.partition("#")
    if not attempt:
        row = node_executions.read(RUN, node)
        assert row is not None, node
        return row.phase
    attempts = {
        TaskExecutionIdentifier.FromString(row.identifier).retry_attempt: row
        for row in task_executions.of_node(RUN, node)
    }
    return attempts[int(attempt)].phase


@pytest.mark.conformance("TER-09", "NEV-04")
@pytest.mark.parametrize("arrive", [one_by_one, each_twice, all_at_once])
@pytest.mark.parametrize("what", RUNS)
def test_what_propeller_reported_is_what_is_read(what: str, arrive: Callable[[Sequence[str]], None]) -> None:
    run = RUNS[what]
    state = stored_execution()
    lines = run.events.split(", ")
    arrive(lines)
    ends = run.ends.split(", ")
    assert [f"{who} {end_of(who)}" for who in (end.split()[0] for end in ends)] == ends
    assert lease_of(state) is None
    row = executions.read_state(RUN)
    assert row is not None
    assert None not in {row.started_at, row.ended_at}
    assert not row.active
    assert row.abort or row.phase != ABORTED
