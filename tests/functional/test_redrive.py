"""Events that were set aside: listed, shown, sent again in their old place, dropped; by the code and by the command."""

import json
import re

import pytest
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.clients import queue
from flyteadmin.events import redrive
from flyteadmin.events.redrive import Chosen
from flyteadmin.events.service import admit, group_of
from flyteadmin.events.validation import Event
from flyteadmin.node_executions import repository as node_executions
from functions.process_event.handler import lambda_handler
from local.aws.data import DataAccount as Aws
from tests.aws_events import Context, batch, queue_record
from tests.builders import (
    CREATED_AT,
    DOMAIN,
    PROJECT,
    message_body,
    node_event,
    stored_execution,
    workflow_event,
)
from tests.faults import unavailable
from tests.operating import Operator, name_stack

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
    """Take the messages out of the event queue, as the records that process_event gets."""
    answer = aws.client("sqs").receive_message(
        QueueUrl=aws.resources["EventsQueue"],
        MaxNumberOfMessages=10,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    records = []
    for message in answer.get("Messages", []):
        aws.client("sqs").delete_message(QueueUrl=aws.resources["EventsQueue"], ReceiptHandle=message["ReceiptHandle"])
        place = message.get("MessageAttributes", {}).get("sequence", {}).get("StringValue")
        own = int(message["Attributes"]["SequenceNumber"])
        records.append(queue_record(message["Body"], own, redriven=int(place) if place else None))
    assert lambda_handler(batch(records), Context()) == {"batchItemFailures": []}
    return records


def letters(chosen: Chosen | None = None) -> list[redrive.DeadLetter]:
    return list(filter((chosen or Chosen()).includes, redrive.dead_letters()))


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
        (Chosen(execution=RUN), {"1", "3"}),
        (Chosen(execution="other"), {"2"}),
        (Chosen(execution="run"), {"1"}),
        (Chosen(cause="invalid_argument"), {"3"}),
        (Chosen(execution="other", cause="INVALID"), set()),
        (Chosen(message="id-2"), {"2"}),
    ],
)
def test_by_execution_by_cause_and_by_message(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, chosen: Chosen, found: set[str]
) -> None:
    stored_execution()
    stored_execution("other")
    set_aside(monkeypatch, node_event("RUNNING", 1), 1)
    set_aside(monkeypatch, node_event("RUNNING", 1, execution="other"), 2)
    lambda_handler(batch([queue_record("no event", 3, group=group_of(RUN))]), Context())
    assert {letter.sequence for letter in letters(chosen)} == found


def without_its_place(aws: Aws) -> None:
    """Move a message as SQS does after its own maximum of receives: without any attribute of ours."""
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


@pytest.fixture
def operator(aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operator:
    monkeypatch.setenv("CONFIGURATION_URI", "")  # what the tool sets is taken back
    name_stack(aws)
    return Operator(capsys)


def test_the_command(aws: Aws, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution()
    set_aside(monkeypatch, node_event("RUNNING", 1), 1)
    lambda_handler(batch([queue_record("no event", 3)]), Context())
    listed = operator("redrive", "list")
    assert listed.code == 0
    assert re.search(f"20..-..-..T..:..:..Z  id-1  {RUN}  place 1  UNAVAILABLE", listed.out)
    shown = operator("redrive", "show", "--execution", RUN)
    assert 'node_id: "n0"' in shown.out
    assert (shown.code, shown.err) == (0, "1 of 2 dead letters\n")
    sent = operator("redrive", "send")
    assert sent.code == 1
    assert "sent again, in its place 1" in sent.out
    assert "failed: INVALID_ARGUMENT" in sent.out
    assert "2 dead letters, 1 failed" in sent.err
    assert operator("redrive", "send", "--execution", RUN) == (0, "", "0 of 1 dead letters\n")


def test_the_command_as_json(aws: Aws, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution()
    set_aside(monkeypatch, node_event("RUNNING", 1), 1)
    lambda_handler(batch([queue_record("no event", 3)]), Context())
    shown = {each["place"]: each for each in operator("redrive", "show", "--json").records()}
    assert (shown["1"]["message"], shown["1"]["execution"], shown["1"]["outcome"]) == ("id-1", RUN, "shown")
    assert 'node_id: "n0"' in shown["1"]["event"]
    sent = operator("--json", "redrive", "send")
    assert sent.code == 1
    outcomes = {each["place"]: (each["outcome"], each["sent_to"]) for each in sent.records()}
    assert outcomes == {"1": ("sent", "1"), "3": ("failed", None)}


def test_what_will_never_apply_is_taken_off(aws: Aws, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    stored_execution()
    set_aside(monkeypatch, node_event("RUNNING", 1), 1)
    lambda_handler(batch([queue_record("no event", 3)]), Context())
    done = operator("redrive", "drop", "--cause", "INVALID_ARGUMENT")
    assert done.code == 0
    assert "  dropped\n" in done.out
    assert [letter.sequence for letter in letters()] == ["1"]


def test_nothing_is_dropped_that_nobody_named(operator: Operator) -> None:
    done = operator("redrive", "drop")
    assert done.code == 2
    assert "drop needs --execution" in done.err


def test_an_event_that_is_set_aside_anew_at_once_is_sent_once(
    aws: Aws, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the command would never end: the function is faster than the operator."""
    lambda_handler(batch([queue_record(message_body(workflow_event("RUNNING", 1)), 7)]), Context())
    send, sent = queue.send, 0

    def and_process(message: queue.Message) -> str:
        nonlocal sent
        sent += 1
        assert sent < 5
        record = queue_record(message.body, 100 + sent, redriven=int(message.sequence), message_id=f"again-{sent}")
        assert lambda_handler(batch([record]), Context()) == {"batchItemFailures": []}
        return send(message)

    monkeypatch.setattr(queue, "send", and_process)
    done = operator("redrive", "send")
    assert (done.code, sent) == (1, 1)
    assert "came back" in done.out
    assert "2 dead letters, 1 failed" in done.err
    assert [letter.sequence.lstrip("0") for letter in letters()] == ["7"]


def test_one_that_is_interrupted_hides_nothing_and_loses_nothing(
    aws: Aws, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_execution()
    for sequence in range(1, 6):
        set_aside(monkeypatch, node_event("RUNNING", sequence, node=f"n{sequence}"), sequence)
    delete, taken = queue.delete, 0

    def interrupted(letter: queue.DeadLetter) -> None:
        nonlocal taken
        taken += 1
        if taken == 3:
            raise KeyboardInterrupt
        delete(letter)

    with monkeypatch.context() as broken:
        broken.setattr(queue, "delete", interrupted)
        done = operator("redrive", "send")
        assert done.code == 130
        assert "interrupted; what is not printed as sent or dropped is where it was" in done.err
    assert len(letters()) == 3
    assert len(redelivered(aws)) == 3
    assert operator("redrive", "send").code == 0
    assert len(redelivered(aws)) == 3
    assert all(node_executions.read(RUN, f"n{sequence}") for sequence in range(1, 6))


@pytest.mark.parametrize(
    ("variables", "arguments", "told"),
    [
        ({}, ["--stack", "nosuch"], "stack nosuch does not exist in us-east-1; --stack and --region name another"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, [], "credentials; sign in .* --profile"),
        ({"AWS_DEFAULT_REGION": None}, [], "region; name it with --region, .*"),
        ({}, ["--profile", "nobody"], "The config profile .nobody. could not be found; .*"),
        ({}, ["--endpoint-url", "http://127.0.0.1:9"], "Could not connect .* is --region right, .*"),
    ],
    ids=["no such stack", "no credentials", "no region", "no such profile", "no network"],
)
def test_an_operator_who_can_t_look_is_told_why_in_a_line(
    operator: Operator,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str | None],
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_PROFILE", "set by --profile")
    monkeypatch.delenv("AWS_PROFILE")
    for name, value in variables.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    done = operator("redrive", "list", *arguments)
    assert (done.code, done.out) == (1, "")
    assert re.fullmatch(f"flyteadmin-ops: .*{told}\n", done.err)


def test_a_stack_of_somebody_else_s(aws: Aws, operator: Operator) -> None:
    topic = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    aws.client("cloudformation").create_stack(StackName="other", TemplateBody=json.dumps(topic))
    done = operator("redrive", "list", "--stack", "other")
    assert done.code == 1
    assert "has no output" in done.err
