"""Section "requests": what one create and one event cost in remote requests and write units, counted on real calls."""

import time
from collections import Counter
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus

from cfnlint.decode.cfn_yaml import load
from flyteidl.admin.event_pb2 import NodeExecutionEventRequest

from bench import creates, prices, traffic
from bench.account import data_account
from bench.counting import Call, Recorder, read_units, tally, write_units
from bench.prices import Usage
from bench.report import Row, Section, progress
from flyteadmin.events.validation import Event
from flyteadmin.executions.models import ExecutionState
from functions.process_event.handler import lambda_handler as process_event
from functions.record_event.handler import lambda_handler as record_event
from local.aws.data import TEMPLATE
from tests.aws_events import OCTETS, answer_of, http_event

POLLER_REQUESTS = 2
"""The requests of Lambda's poller to the queue for one batch: receive and delete."""

BRIDGE_READS = 0.2
"""The budget of admission's reads per event in the bridge, which keeps what it read for a second."""

_NODES = "/api/v1/events/nodes"


def report() -> Section:
    """Call the functions in this process against an embedded AWS, and count."""
    with data_account() as account:
        recorder = Recorder()
        recorder.attach()
        progress("requests of events, one by one and in batches")
        events = [*_singly(recorder), *_in_batches(recorder), *_admission(recorder), *_prices(recorder)]
        progress("requests of creates")
        rows = [*creates.rows(account, recorder), *events]
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
        *_below_a_parent(recorder),
        Row("node event: write units, the first", write_units(nodes[0]), 3, reason=tally(nodes[0])),
        Row("node event: write units, after", max(map(write_units, nodes[1:])), 2, reason=tally(nodes[-1])),
        Row("task event: write units, at most", max(map(write_units, tasks))),
        Row("workflow event: write units, moving", max(map(write_units, workflows[:-1])), reason=tally(workflows[0])),
        Row("workflow event: write units, ending", write_units(workflows[-1]), reason=tally(workflows[-1])),
    ]


def _below_a_parent(recorder: Recorder) -> list[Row]:
    """Return the requests of a parent's children: a process marks the parent once, with the first."""
    run = traffic.execution()
    first, second = (_applied(recorder, run, [event]) for event in traffic.first_of_children(run)[:2])
    return [
        Row("node event alone, first below its parent: requests", len(first), 3, reason=tally(first)),
        Row("node event alone, next below its parent: requests", len(second), 2, reason=tally(second)),
    ]


def _in_batches(recorder: Recorder) -> list[Row]:
    run, another, children = traffic.execution(), traffic.execution(), traffic.execution()
    cases = (
        ("events of 10 nodes", run, traffic.first_of_nodes(run), 1.1),
        ("first events of 10 children of a node", children, traffic.first_of_children(children), 1.2),
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
    calls, _ = _recorded(recorder)
    return [Row("admission in record_event: requests per event", len(calls), 2, reason=tally(calls))]


def _recorded(recorder: Recorder) -> tuple[list[Call], float]:
    """Record one node event; return its calls to AWS and its seconds."""
    run = traffic.execution()
    body = NodeExecutionEventRequest(event=traffic.node_run(run, "n0")[0]).SerializeToString()
    headers = {"content-type": OCTETS, "accept": OCTETS}
    started = time.monotonic()
    with recorder.recording() as calls:
        answer = answer_of(record_event(http_event("POST", _NODES, body=body, headers=headers), traffic.CONTEXT))
    assert answer.status == HTTPStatus.OK, answer.body
    return calls, time.monotonic() - started


def _prices(recorder: Recorder) -> list[Row]:
    """Return a node's three events, admitted by the bridge or over HTTPS, in batches of ten nodes or one by one."""
    run = traffic.execution()
    lives = [traffic.node_run(run, f"n{n}") for n in range(traffic.BATCH)]
    full = [_processing(recorder, run, [life[phase] for life in lives]) for phase in range(3)]
    alone = [_processing(recorder, run, [event]) for event in traffic.node_run(run, "alone")]
    bridge = Usage(read_units=BRIDGE_READS, fifo_requests=1)
    calls, seconds = _recorded(recorder)
    https = Usage(
        read_units=read_units(calls),
        fifo_requests=1,
        lambda_requests=1,
        lambda_gigabyte_seconds=_gigabytes("RecordEventFunction") * seconds,
        http_api_requests=1,
    )
    return [
        _price("1M node events, bridge, in batches of 10", bridge, full, 3),
        _price("1M node events, bridge, one by one", bridge, alone),
        _price("1M node events, HTTPS, in batches of 10", https, full),
    ]


def _processing(recorder: Recorder, run: ExecutionState, events: Sequence[Event]) -> Usage:
    started = time.monotonic()
    calls = _applied(recorder, run, events)
    seconds = time.monotonic() - started
    count = len(events)
    return Usage(
        write_units=write_units(calls) / count,
        read_units=read_units(calls) / count,
        fifo_requests=POLLER_REQUESTS / count,
        lambda_requests=1 / count,
        lambda_gigabyte_seconds=_gigabytes("ProcessEventFunction") * seconds / count,
    )


@cache
def _gigabytes(function: str) -> float:
    template = load(str(TEMPLATE))
    shared = template["Globals"]["Function"]["MemorySize"]
    return float(template["Resources"][function]["Properties"].get("MemorySize", shared)) / 1024


def _price(what: str, admission: Usage, processing: Sequence[Usage], budget: float | None = None) -> Row:
    by_service = Counter(prices.cost_per_million(admission))
    for usage in processing:
        by_service.update({name: cost / len(processing) for name, cost in prices.cost_per_million(usage).items()})
    parts = " · ".join(f"{service} {cost:.2f}" for service, cost in by_service.items())
    return Row(what, sum(by_service.values()), budget, "US$", parts)


def _applied(recorder: Recorder, run: ExecutionState, events: Sequence[Event]) -> list[Call]:
    """Process one batch and return its calls to AWS."""
    with recorder.recording() as calls:
        answer = process_event(traffic.delivery(run, events), traffic.CONTEXT)
    assert answer == {"batchItemFailures": []}, answer
    return calls


_NOTES = (
    "Requests are those that left a client's connection pool, retries included; units are what the database says.",
    f"Prices: {prices.PRICES_OF}; free tiers, storage, logs and empty receives left out.",
    f"The bridge's reads are taken from its budget, {BRIDGE_READS} an event; everything else is counted here.",
    "Lambda runs in the template's memory, for as long as the call took here.",
)
