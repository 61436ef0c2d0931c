"""A fault of one execution's events leaves the others of their batch alone: they are not delivered again."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from flyteidl.core.execution_pb2 import TaskLog
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.events.service import admit
from flyteadmin.events.validation import Event
from flyteadmin.executions import repository as executions
from flyteadmin.node_executions import repository as node_executions
from flyteadmin.task_executions import repository as task_executions
from local.aws.data import DataAccount as Aws
from tests.aws_events import queue_record
from tests.builders import DOMAIN, PROJECT, node_event, stored_execution, task_event, workflow_event
from tests.event_delivery import again

HOT = f"{PROJECT}:{DOMAIN}:hot"

type Call = Callable[[BaseClient, str, Mapping[str, Any]], Any]


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[Call], Call]], None]]:
    """Let calls to AWS go through a function of the test's, without the sleep between attempts."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    original: Call = BaseClient._make_api_call  # type: ignore[attr-defined]  # private, and the way of every call
    with monkeypatch.context() as patch:
        yield lambda wrapped: patch.setattr(BaseClient, "_make_api_call", wrapped(original))


def hot_partition(original: Call) -> Call:
    """Return a database in which the partitions of one execution are throttled: batches leave out what is theirs."""

    def call(client: BaseClient, operation: str, parameters: Mapping[str, Any]) -> Any:
        match operation:
            case "BatchWriteItem":
                return _in_part(client, operation, parameters, lambda put: put["PutRequest"]["Item"], "Items")
            case "BatchGetItem":
                return _in_part(client, operation, parameters, lambda key: key, "Keys")
        return original(client, operation, parameters)

    def _in_part(client: BaseClient, operation: str, parameters: Any, item_of: Any, what: str) -> Any:
        [(table, asked)] = parameters["RequestItems"].items()
        entries = asked if what == "Items" else asked["Keys"]
        hot = [entry for entry in entries if item_of(entry)["execution"]["S"] == HOT]
        cold = [entry for entry in entries if entry not in hot]

        def request(some: list[Any]) -> dict[str, Any]:
            return {table: some if what == "Items" else {**asked, "Keys": some}} if some else {}

        answer = original(client, operation, {"RequestItems": request(cold)}) if cold else {}
        return answer | {f"Unprocessed{what}": request(hot)}

    return call


def refused_blobs(original: Call) -> Call:
    """Return an object store that takes nothing of one execution's log."""

    def call(client: BaseClient, operation: str, parameters: Mapping[str, Any]) -> Any:
        if operation == "PutObject" and parameters["Key"].startswith(f"events/{PROJECT}/{DOMAIN}/hot/"):
            raise ClientError({"Error": {"Code": "SlowDown"}}, operation)
        return original(client, operation, parameters)

    return call


def lives() -> list[Event]:
    """Return the whole life of two executions, side by side; what their tasks say is large."""
    outputs = LiteralMap()
    outputs.literals["x"].scalar.primitive.string_value = "x" * 50_000
    of_both = [
        [
            workflow_event("RUNNING", 1, execution=run),
            node_event("SUCCEEDED", 2, execution=run, output_data=outputs),
            task_event("SUCCEEDED", 3, execution=run, logs=[TaskLog(uri="s3://log")]),
            workflow_event("SUCCEEDED", 4, execution=run),
        ]
        for run in ("hot", "other")
    ]
    return [event for pair in zip(*of_both, strict=True) for event in pair]


def records(receives: int = 1) -> list[dict[str, object]]:
    events = lives()
    groups = ["hot", "other"] * (len(events) // 2)
    return [
        queue_record(admit(event).body, n, group=group, receive_count=receives)
        for n, (event, group) in enumerate(zip(events, groups, strict=True), 1)
    ]


def phases(run: str) -> list[str]:
    """Return the phases of an execution, its node and its task; "" for one that nothing is known of."""
    key = f"{PROJECT}:{DOMAIN}:{run}"
    node = node_executions.read(key, "n0")
    tasks = [row.phase for row in task_executions.of_node(key, "n0")]
    return [getattr(executions.read_state(key), "phase", ""), node.phase if node else "", *tasks]


@pytest.mark.parametrize("befalls", [hot_partition, refused_blobs])
def test_the_other_execution_ends_at_once(
    aws: Aws, patched: Callable[[Callable[[Call], Call]], None], befalls: Callable[[Call], Call]
) -> None:
    stored_execution("hot")
    stored_execution("other")
    delivered = records()
    with pytest.MonkeyPatch.context():
        patched(befalls)
        failed = set(again(delivered))
    assert failed <= {"message-1", "message-3", "message-5", "message-7"}, "a message of the other execution failed"
    assert "message-7" in failed
    assert phases("other") == ["SUCCEEDED"] * 3
