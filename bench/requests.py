"""Section "requests": what one create and one event cost in remote requests and write units, counted on real calls."""

import time
from collections.abc import Sequence

from flyteidl.admin.event_pb2 import NodeExecutionEventRequest

from bench import prices, traffic
from bench.account import data_account
from bench.counting import Call, Recorder, read_units, tally, write_units
from bench.prices import Usage
from bench.report import Row, Section, progress
from flyteadmin.events.validation import Event
from flyteadmin.executions.models import ExecutionState
from functions.process_event.handler import lambda_handler as process_event
from functions.record_event.handler import lambda_handler as record_event
from tests.aws_events import OCTETS, answer_of, http_event

FUNCTION_GIGABYTES = 0.5
POLLER_REQUESTS = 2
"""What Lambda's poller sends to the queue for one batch: receive and delete."""

ADMISSION_READS = 0.2
"""Reads of an execution per event in the bridge, which keeps what it read for a second."""


def report() -> Section:
    """Call the functions in this process against an embedded AWS, and count."""
    with data_account():
        recorder = Recorder()
        recorder.attach()
        progress("requests of events, one by one and in batches")
        rows = [*_singly(recorder), *_in_batches(recorder), *_admission(recorder), *_prices(recorder)]
    return Section("Remote requests and write units", tuple(rows), _NOTES)


def _singly(recorder: Recorder) -> list[Row]:
    run = traffic.execution()
    nodes = [_applied(recorder, run, [event]) for event in traffic.node_run(run, "n0")]
    tasks = [_applied(recorder, run, [event]) for event in traffic.task_run(run, "n0")]
    workflows = [_applied(recorder, run, [event]) for event in traffic.workflow_run(run)]
    return [
        *(
            Row(f"{kind} event alone: requests, at most", len(most := max(calls, key=len)), budget, reason=tally(most))
            for kind, calls, budget in (("workflow", workflows, 2), ("node", nodes, 2), ("task", tasks, 3))
        ),
        Row("node event: write units, the first", write_units(nodes[0]), 3, reason=tally(nodes[0])),
        Row("node event: write units, after", max(map(write_units, nodes[1:])), 2, reason=tally(nodes[-1])),
        Row("task event: write units, at most", max(map(write_units, tasks))),
        Row("workflow event: write units, moving", max(map(write_units, workflows[:-1])), reason=tally(workflows[0])),
        Row("workflow event: write units, ending", write_units(workflows[-1]), reason=tally(workflows[-1])),
    ]


def _in_batches(recorder: Recorder) -> list[Row]:
    run, another = traffic.execution(), traffic.execution()
    cases = (
        ("events of 10 nodes", run, traffic.first_of_nodes(run), 1.1),
        ("events of 10 tasks", run, traffic.first_of_tasks(run), 1.2),
        ("whole lives of nodes", another, traffic.lives_of_nodes(another), 0.6),
    )
    rows = []
    for what, of, events, budget in cases:
        calls = _applied(recorder, of, events)
        requests = len(calls) / len(events)
        rows.append(Row(f"batch of 10, {what}: requests per event", requests, budget, reason=tally(calls)))
    return rows


def _admission(recorder: Recorder) -> list[Row]:
    run = traffic.execution()
    request = NodeExecutionEventRequest(event=traffic.node_run(run, "n0")[0])
    event = http_event(
        "POST",
        "/api/v1/events/nodes",
        body=request.SerializeToString(),
        headers={"content-type": OCTETS, "accept": OCTETS},
    )
    with recorder.recording() as calls:
        answer = answer_of(record_event(event, traffic.CONTEXT))
    assert answer.status == 200, answer.body
    return [Row("admission in record_event: requests per event", len(calls), 2, reason=tally(calls))]


def _prices(recorder: Recorder) -> list[Row]:
    """A node's whole life, its three events in batches of ten nodes and one by one."""
    run = traffic.execution()
    lives = [traffic.node_run(run, f"n{n}") for n in range(traffic.BATCH)]
    full = [_usage(recorder, run, [life[phase] for life in lives]) for phase in range(3)]
    alone = [_usage(recorder, run, [event]) for event in traffic.node_run(run, "alone")]
    return [
        _price("1M node events in batches of 10", full, 3),
        _price("1M node events one by one, for scale", alone, None),
    ]


def _usage(recorder: Recorder, run: ExecutionState, events: Sequence[Event]) -> Usage:
    started = time.monotonic()
    calls = _applied(recorder, run, events)
    seconds = time.monotonic() - started
    count = len(events)
    return Usage(
        write_units=write_units(calls) / count,
        read_units=read_units(calls) / count + ADMISSION_READS,
        fifo_requests=1 + POLLER_REQUESTS / count,
        lambda_requests=1 / count,
        lambda_gigabyte_seconds=FUNCTION_GIGABYTES * seconds / count,
    )


def _price(what: str, usages: Sequence[Usage], budget: float | None) -> Row:
    by_service: dict[str, float] = {}
    for usage in usages:
        for service, cost in prices.cost_per_million(usage).items():
            by_service[service] = by_service.get(service, 0.0) + cost / len(usages)
    parts = " · ".join(f"{service} {cost:.2f}" for service, cost in by_service.items())
    return Row(what, sum(by_service.values()), budget, "US$", parts)


def _applied(recorder: Recorder, run: ExecutionState, events: Sequence[Event]) -> list[Call]:
    """What process_event sends for one batch."""
    with recorder.recording() as calls:
        answer = process_event(traffic.delivery(run, events), traffic.CONTEXT)
    assert answer == {"batchItemFailures": []}, answer
    return calls


_NOTES = (
    "Requests are those that left a client's connection pool, retries included; units are what the database says.",
    f"Prices: {prices.PRICES_OF}; free tiers, storage, logs and the poller's empty receives left out.",
    "Events come through the bridge, so no API Gateway. Lambda at 512 MB, for as long as the call took here.",
)
