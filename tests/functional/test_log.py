"""The log of events: all of them, once, each entity's own; and what its stream tells."""

from typing import Any

import pytest

from flyteadmin.clients.dynamodb.reads import query_all
from flyteadmin.errors import Code
from flyteadmin.events import log
from flyteadmin.events.envelope import Kind, kind_of
from flyteadmin.events.models import LoggedEvent
from flyteadmin.events.projection import entity_of
from flyteadmin.events.validation import Event
from flyteadmin.node_executions import repository as node_executions
from flyteadmin.timestamps import NANOSECONDS
from local.aws.data import DataAccount as Aws
from tests.builders import (
    CREATED_AT,
    DOMAIN,
    PROJECT,
    node_event,
    stored_execution,
    task_event,
    workflow_event,
)
from tests.event_delivery import apply
from tests.sent_events import over_https

RUN = f"{PROJECT}:{DOMAIN}:run"


def stream_of(aws: Aws, table: str) -> list[dict[str, Any]]:
    """All that a table's stream has told so far."""
    arn = aws.client("dynamodb").describe_table(TableName=aws.resources[table])["Table"]["LatestStreamArn"]
    streams = aws.endpoint.client("dynamodbstreams", aws.account)
    records: list[dict[str, Any]] = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        begin = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
        records += streams.get_records(ShardIterator=begin["ShardIterator"])["Records"]
    return records


@pytest.mark.parametrize(("node", "longer"), [("n0", "n0#x"), ("n0", "n0#"), ("n%23", "n#"), ("n#", "n%23")])
def test_a_node_is_rebuilt_from_its_own_events_though_anothers_id_begins_as_its_own(
    aws: Aws, node: str, longer: str
) -> None:
    stored_execution()
    apply(node_event("SUCCEEDED", 1, node=longer), first=1)
    apply(node_event("RUNNING", 3, node=node), first=3)
    apply(node_event("QUEUED", 2, node=node), first=2)
    row = node_executions.read(RUN, node)
    assert row is not None
    assert (row.phase, row.created_at) == ("RUNNING", CREATED_AT + 2 * NANOSECONDS)


def test_an_id_that_is_too_long_for_the_log_once_it_is_escaped_is_refused(aws: Aws) -> None:
    stored_execution()
    assert over_https(node_event("RUNNING", node="#" * 325)).code is Code.OK
    refused = over_https(node_event("RUNNING", node="#" * 326))
    assert (refused.code, "node_id" in refused.message) == (Code.INVALID_ARGUMENT, True)
    apply(node_event("RUNNING", node="#" * 325), first=1)
    assert node_executions.read(RUN, "#" * 325) is not None


TO_AND_FRO: list[Event] = [
    workflow_event("RUNNING", 1),
    workflow_event("SUCCEEDING", 2),
    workflow_event("RUNNING", 3),
    node_event("RUNNING", 4),
    node_event("QUEUED", 5),
    node_event("RUNNING", 6),
    task_event("RUNNING", 7),
    task_event("RUNNING", 8, phase_version=1),
]


@pytest.mark.conformance("WFE-22", "NEV-24", "KD-32")
def test_the_log_holds_every_event_once_in_order_phases_that_come_again_too(aws: Aws) -> None:
    stored_execution()
    for _ in "12":
        for sequence, event in enumerate(TO_AND_FRO, 1):
            apply(event, first=sequence)
    logged = {
        kind: [event for _, event in log.read(RUN, kind, entity)]
        for kind, entity in {kind_of(event): entity_of(event) for event in TO_AND_FRO}.items()
    }
    assert [*logged[Kind.WORKFLOW], *logged[Kind.NODE], *logged[Kind.TASK]] == TO_AND_FRO
    assert len(query_all(LoggedEvent, RUN)) == len(TO_AND_FRO)


@pytest.mark.conformance("WFE-24", "NEV-24", "TEV-22", "KD-05", "KD-06")
def test_the_logs_stream_tells_each_event_once_the_first_of_a_task_too(aws: Aws) -> None:
    stored_execution()
    for _ in "12":
        for sequence, event in enumerate(TO_AND_FRO, 1):
            apply(event, first=sequence)
    told = [record for record in stream_of(aws, "ExecutionEventsTable") if record["eventName"] == "INSERT"]
    images = [record["dynamodb"]["NewImage"] for record in told]
    assert sorted(image["event"]["B"] for image in images) == sorted(
        event.SerializeToString(deterministic=True) for event in TO_AND_FRO
    )
