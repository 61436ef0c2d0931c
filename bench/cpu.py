"""Section "cpu": what one event costs on this side of the wire, in units of one plain boto3 `update_item`."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import local
from typing import TYPE_CHECKING

import boto3

from bench import traffic
from bench.account import data_account
from bench.report import Row, Section, progress
from flyteadmin.clients import aws
from functions.process_event.handler import lambda_handler
from local.aws.data import DataAccount

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROUNDS = 21
WARM_UP = 4
BUDGET = 1.5

_CASES = {
    "events of 10 nodes": traffic.first_of_nodes,
    "whole lives of nodes": traffic.lives_of_nodes,
    "events of 10 tasks": traffic.first_of_tasks,
}


def report() -> Section:
    """Measure everything in turns against one embedded AWS: machines are noisy, ratios within a round less so."""
    with data_account() as account:
        progress(f"CPU per event: {WARM_UP + ROUNDS} rounds")
        in_calls = _CallTime()
        dynamodb = boto3.client("dynamodb")
        rounds = [_round(account, dynamodb, in_calls) for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
    plain = [plain for plain, _ in rounds]
    rows = [Row("one plain boto3 update_item", statistics.median(plain), unit="ms")]
    for case in _CASES:
        costs = [costs[case] for _, costs in rounds]
        ratio = statistics.median(cost.whole / unit for cost, unit in zip(costs, plain, strict=True))
        whole, calls = (statistics.median(getattr(cost, part) for cost in costs) for part in ("whole", "calls"))
        reason = f"{whole:.2f} ms an event: {calls:.2f} in botocore, {whole - calls:.2f} in events and threads"
        rows.append(Row(f"batch of 10, {case}: CPU per event ÷ one update_item", ratio, BUDGET, reason=reason))
    return Section("CPU of process_event", tuple(rows), _NOTES)


@dataclass(frozen=True)
class _Cost:
    """Milliseconds of CPU per event, and what of them botocore's calls took."""

    whole: float
    calls: float


class _CallTime:
    """CPU that the tuned clients' calls take, from their first hook to their last, summed over threads."""

    def __init__(self) -> None:
        """Listen on the session that the tuned clients are made from; before the first client."""
        self.seconds = 0.0
        self._began = local()
        events = aws.session().events
        events.register_first("provide-client-params", self._begin)
        events.register_last("after-call", self._end)

    def _begin(self, **_: object) -> None:
        self._began.at = time.thread_time()

    def _end(self, **_: object) -> None:
        self.seconds += time.thread_time() - self._began.at


def _round(account: DataAccount, dynamodb: "DynamoDBClient", in_calls: _CallTime) -> tuple[float, dict[str, _Cost]]:
    costs = {}
    for case, events_of in _CASES.items():
        run = traffic.execution()
        delivery = traffic.delivery(run, events_of(run))
        in_calls.seconds = 0.0
        whole = _milliseconds(partial(lambda_handler, delivery, traffic.CONTEXT))
        costs[case] = _Cost(whole, in_calls.seconds * 1000 / traffic.BATCH)
    return _milliseconds(partial(_update_plainly, account, dynamodb)), costs


def _milliseconds(work: Callable[[], object]) -> float:
    """CPU of this process, all its threads, for one of the ten events or updates that `work` does."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000 / traffic.BATCH


def _update_plainly(account: DataAccount, dynamodb: "DynamoDBClient") -> None:
    """Ten times what a node event without a log, a condition or a guard would take: its facts in one update."""
    run = traffic.name()
    for number in range(traffic.BATCH):
        facts = traffic.plain_facts(run, f"n{number}")
        dynamodb.update_item(
            TableName=account.resources["NodeExecutionsTable"],
            Key={"execution": {"S": run}, "node_id": {"S": f"n{number}"}},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in facts),
            ExpressionAttributeNames={f"#{name}": name for name in facts},
            ExpressionAttributeValues={f":{name}": value for name, value in facts.items()},
        )


_NOTES = (
    "CPU of this process, user and system, all threads; the embedded AWS runs in another. The plain update writes what",
    "the same node event says, by boto3's default client: no log, no condition, no decoding.",
)
