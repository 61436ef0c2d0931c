"""The log of events: whose events it gives for whom, and what it takes of an execution's ids."""

import pytest

from flyteadmin.errors import Code
from flyteadmin.events.validation import Event
from flyteadmin.node_executions import repository as node_executions
from flyteadmin.timestamps import NANOSECONDS
from functions.process_event.handler import lambda_handler
from local.aws.data import DataAccount as Aws
from tests.aws_events import Context, batch, queue_record
from tests.builders import CREATED_AT, DOMAIN, PROJECT, message_body, node_event, stored_execution
from tests.sent_events import over_https

RUN = f"{PROJECT}:{DOMAIN}:run"


def apply(event: Event, sequence: int) -> None:
    assert lambda_handler(batch([queue_record(message_body(event), sequence)]), Context()) == {"batchItemFailures": []}


@pytest.mark.parametrize(("node", "longer"), [("n0", "n0#x"), ("n0", "n0#"), ("n%23", "n#"), ("n#", "n%23")])
def test_a_node_is_rebuilt_from_its_own_events_though_anothers_id_begins_as_its_own(
    aws: Aws, node: str, longer: str
) -> None:
    stored_execution()
    apply(node_event("SUCCEEDED", 1, node=longer), 1)
    apply(node_event("RUNNING", 3, node=node), 3)
    apply(node_event("QUEUED", 2, node=node), 2)
    row = node_executions.read(RUN, node)
    assert row is not None
    assert (row.phase, row.created_at) == ("RUNNING", CREATED_AT + 2 * NANOSECONDS)


def test_an_id_that_is_too_long_for_the_log_once_it_is_escaped_is_refused(aws: Aws) -> None:
    stored_execution()
    assert over_https(node_event("RUNNING", node="#" * 325)).code is Code.OK
    refused = over_https(node_event("RUNNING", node="#" * 326))
    assert (refused.code, "node_id" in refused.message) == (Code.INVALID_ARGUMENT, True)
    apply(node_event("RUNNING", node="#" * 325), 1)
    assert node_executions.read(RUN, "#" * 325) is not None
