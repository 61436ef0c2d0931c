"""Section "cpu": what one event costs on this side of the wire, in units of one plain boto3 `update_item`."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import boto3

from bench import traffic
from bench.account import data_account
from bench.report import Row, Section, progress
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
        dynamodb = boto3.client("dynamodb")
        rounds = [_round(account, dynamodb) for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
    plain = [plain for plain, _ in rounds]
    rows = [Row("one plain boto3 update_item", statistics.median(plain), unit="ms")]
    for case in _CASES:
        costs = [costs[case] for _, costs in rounds]
        ratio = statistics.median(cost / unit for cost, unit in zip(costs, plain, strict=True))
        reason = f"{statistics.median(costs):.2f} ms an event, ratios {_range(costs, plain)}"
        rows.append(Row(f"batch of 10, {case}: CPU per event ÷ one update_item", ratio, BUDGET, reason=reason))
    return Section("CPU of process_event", tuple(rows), _NOTES)


def _round(account: DataAccount, dynamodb: "DynamoDBClient") -> tuple[float, dict[str, float]]:
    costs = {}
    for case, events_of in _CASES.items():
        run = traffic.execution()
        delivery = traffic.delivery(run, events_of(run))
        costs[case] = _milliseconds(partial(lambda_handler, delivery, traffic.CONTEXT))
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


def _range(costs: list[float], plain: list[float]) -> str:
    ratios = sorted(cost / unit for cost, unit in zip(costs, plain, strict=True))
    return f"{ratios[len(ratios) // 4]:.2f} to {ratios[-len(ratios) // 4]:.2f} in half of the rounds"


_NOTES = (
    "CPU of this process, user and system, all threads; the embedded AWS runs in another. The plain update writes what",
    "the same node event says, by boto3's default client: no log, no condition, no decoding.",
)
