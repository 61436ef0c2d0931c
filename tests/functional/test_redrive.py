"""Events that were set aside: listed, shown, and sent again in their old place."""

import json

import pytest
from flyteidl.core.literals_pb2 import LiteralMap

from deploy import redrive as command
from flyteadmin.events import redrive
from flyteadmin.events.redrive import Chosen
from flyteadmin.events.service import admit
from flyteadmin.events.validation import Event
from flyteadmin.node_executions import repository as node_executions
from functions.process_event.handler import lambda_handler
from local.aws.data import DataAccount as Aws
from tests.aws_events import Context, batch, queue_record
from tests.builders import CREATED_AT, DOMAIN, PROJECT, node_event, stored_execution
from tests.faults import unavailable

RUN = f"{PROJECT}:{DOMAIN}:run"


def set_aside(monkeypatch: pytest.MonkeyPatch, event: Event, sequence: int, *, logged: bool = True) -> None:
    """Let an event fail until it lies in the dead-letter queue."""
    with monkeypatch.context() as broken:
        broken.setattr(node_executions, "apply", unavailable)
        if not logged:
            broken.setattr("flyteadmin.events.log.batch_put", unavailable)
        record = queue_record(admit(event).body, sequence, receive_count=5, message_id=f"id-{sequence}")
        assert lambda_handler(batch([record]), Context()) == {"batchItemFailures": []}


def redelivered(aws: Aws) -> list[dict[str, object]]:
    """What is in the event queue, handed to process_event as the queue would; as records."""
    answer = aws.client("sqs").receive_message(
        QueueUrl=aws.resources["EventsQueue"],
        MaxNumberOfMessages=10,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    records = []
    for message in answer.get("Messages", []):
        place = message.get("MessageAttributes", {}).get("sequence", {}).get("StringValue")
        own = int(message["Attributes"]["SequenceNumber"])
        records.append(queue_record(message["Body"], own, redriven=int(place) if place else None))
    assert lambda_handler(batch(records), Context()) == {"batchItemFailures": []}
    return records


def letters(chosen: Chosen | None = None) -> list[redrive.DeadLetter]:
    return list(redrive.dead_letters(chosen or Chosen()))


def test_an_event_is_sent_again_and_counts_in_its_old_place(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution()
    set_aside(monkeypatch, node_event("RUNNING", 1, input_uri="s3://in"), 1)
    lambda_handler(batch([queue_record(admit(node_event("SUCCEEDED", 3)).body, 3)]), Context())
    [letter] = letters()
    assert (letter.execution, letter.sequence) == (RUN, "1")
    assert letter.cause.startswith("UNAVAILABLE")
    assert redrive.send_again(letter) == "1"
    assert letters() == []
    assert len(redelivered(aws)) == 1
    row = node_executions.read(RUN, "n0")
    assert row is not None
    assert (row.phase, row.input_uri, row.started_at) == ("SUCCEEDED", "s3://in", CREATED_AT + 1_000_000_000)


def test_looking_takes_nothing_away(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution()
    for sequence in range(1, 14):
        set_aside(monkeypatch, node_event("RUNNING", sequence, node=f"n{sequence}"), sequence)
    for _ in range(2):
        assert {letter.sequence for letter in letters()} == {str(n) for n in range(1, 14)}


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (Chosen(), {"1", "2", "3"}),
        (Chosen(execution=RUN), {"1"}),
        (Chosen(execution="other"), {"2"}),
        (Chosen(cause="invalid_argument"), {"3"}),
        (Chosen(execution=RUN, cause="INVALID"), set()),
    ],
)
def test_by_execution_and_by_cause(aws: Aws, monkeypatch: pytest.MonkeyPatch, chosen: Chosen, found: set[str]) -> None:
    stored_execution()
    stored_execution("other")
    set_aside(monkeypatch, node_event("RUNNING", 1), 1)
    set_aside(monkeypatch, node_event("RUNNING", 1, execution="other"), 2)
    lambda_handler(batch([queue_record("no event", 3)]), Context())
    assert {letter.sequence for letter in letters(chosen)} == found


def without_its_place(aws: Aws) -> None:
    """What SQS does when it gives up itself: the message moves as it was sent, without any attribute of ours."""
    sqs, url = aws.client("sqs"), aws.resources["EventsDeadLetterQueue"]
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sqs.send_message(QueueUrl=url, MessageBody=message["Body"], MessageGroupId="g", MessageDeduplicationId="moved")


@pytest.mark.parametrize(("logged", "place"), [(True, "7"), (False, "")])
def test_the_log_knows_a_place_that_is_not_said(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, *, logged: bool, place: str
) -> None:
    stored_execution()
    set_aside(monkeypatch, node_event("RUNNING", 1), 7, logged=logged)
    without_its_place(aws)
    [letter] = letters()
    assert letter.execution == RUN
    assert redrive.send_again(letter).lstrip("0") == place
    redelivered(aws)
    row = node_executions.read(RUN, "n0")
    assert row is not None
    assert row.phase == "RUNNING"


def test_a_claim_is_sent_again_as_it_is(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution()
    outputs = LiteralMap()
    outputs.literals["x"].scalar.primitive.string_value = "x" * 500_000
    set_aside(monkeypatch, node_event("SUCCEEDED", 1, output_data=outputs), 1)
    [letter] = letters(Chosen(execution=RUN))
    assert json.loads(letter.message.body)["claim"]
    redrive.send_again(letter)
    redelivered(aws)
    row = node_executions.read(RUN, "n0")
    assert row is not None
    assert row.output_uri


def test_the_command(aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stored_execution()
    set_aside(monkeypatch, node_event("RUNNING", 1), 1)
    lambda_handler(batch([queue_record("no event", 3)]), Context())
    assert command.run("list", Chosen()) == 0
    assert f"{RUN}  place 1  UNAVAILABLE" in capsys.readouterr().out
    assert command.run("show", Chosen(execution=RUN)) == 0
    assert 'node_id: "n0"' in capsys.readouterr().out
    assert command.run("send", Chosen()) == 1
    out = capsys.readouterr()
    assert "sent again, in its place 1" in out.out
    assert "not sent: INVALID_ARGUMENT" in out.out
    assert "2 dead letters, 1 failed" in out.err
