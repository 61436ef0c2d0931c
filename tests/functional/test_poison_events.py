"""Messages that can't be what they should be: set aside once, with their cause, and nobody else's loss."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin import settings
from flyteadmin.clients import queue, storage
from flyteadmin.clients.dynamodb.reads import batch_get, query_all
from flyteadmin.clients.dynamodb.writes import batch_put
from flyteadmin.events import redrive
from flyteadmin.events.envelope import Envelope
from flyteadmin.events.models import LoggedEvent
from flyteadmin.events.service import admit
from flyteadmin.events.validation import Event
from flyteadmin.node_executions import repository as node_executions
from flyteadmin.task_executions import repository as task_executions
from local.aws.data import DataAccount as Aws
from tests.aws_events import SENT_AT, queue_record
from tests.builders import DOMAIN, PROJECT, message_body, node_event, stored_execution, task_event, workflow_event
from tests.event_delivery import again
from tests.faults import unavailable
from tests.metrics import measured

RUN = f"{PROJECT}:{DOMAIN}:run"


def causes(aws: Aws) -> list[str]:
    """Of the dead letters that there are; they are taken off."""
    sqs, url = aws.client("sqs"), aws.resources["EventsDeadLetterQueue"]
    found = []
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    for letter in answer.get("Messages", []):
        found.append(letter["MessageAttributes"]["cause"]["StringValue"])
        sqs.delete_message(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"])
    return found


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("[]", "INVALID_ARGUMENT: invalid value for body"),
        ('{"kind":"node","event":"\u00e9"}', "INVALID_ARGUMENT: invalid value for event"),
        ('{"kind":"node","event":"AA="}', "INVALID_ARGUMENT: invalid value for event"),
        ('{"kind":"pod","event":""}', "INVALID_ARGUMENT: invalid value for body: kind"),
        ('{"kind":"node","event":""}', "INVALID_ARGUMENT: missing"),
        ('{"kind":"node","claim":"http://elsewhere/x"}', "INVALID_ARGUMENT: unsupported URI"),
        ('{"kind":"node","claim":"s3://"}', "INVALID_ARGUMENT: unsupported URI"),
        ("[" * 100_000, "INVALID_ARGUMENT: invalid value for body"),
    ],
    ids=["a list", "no ASCII", "no base64", "a kind", "no event", "no S3 URI", "no key", "deep"],
)
def test_a_poison_message_beside_a_good_one(aws: Aws, body: str, cause: str) -> None:
    stored_execution()
    records = [queue_record(body, 1), queue_record(message_body(node_event("RUNNING", 1)), 2)]
    assert again(records) == []
    [said] = causes(aws)
    assert said.startswith(cause)
    row = node_executions.read(RUN, "n0")
    assert row is not None


def test_it_is_set_aside_once_although_it_comes_again_for_anothers_sake(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_execution()
    good = queue_record(message_body(node_event("RUNNING", 1)), 1)
    records = [good, queue_record("poison", 2), queue_record("poison", 3, group="another")]
    with monkeypatch.context() as broken:
        broken.setattr(node_executions, "apply", unavailable)
        assert again(records) == ["message-1", "message-2"]
        assert len(causes(aws)) == 1, "of the group that waits for nothing"
    assert again(records[:2]) == []
    assert len(causes(aws)) == 1


def test_a_dead_letter_queue_that_fails_half_way(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The messages behind the first one that it refuses stay where they are, in order."""
    records = [queue_record("poison", n, group="a" if n < 5 else "b") for n in range(1, 7)]
    taken = 0
    original = queue.set_aside

    def fail_in_the_middle(body: str, **named: Any) -> None:
        nonlocal taken
        if taken == 2:
            unavailable()
        taken += 1
        original(body, **named)

    with monkeypatch.context() as broken:
        broken.setattr(queue, "set_aside", fail_in_the_middle)
        assert again(records) == ["message-3", "message-4", "message-5", "message-6"]
    assert len(causes(aws)) == 2
    assert again(records[2:]) == []
    assert len(causes(aws)) == 4


@pytest.mark.parametrize(
    ("failing", "original", "waiting"),
    [
        ("flyteadmin.events.log.batch_put", batch_put, ["message-1", "message-2", "message-3"]),
        ("flyteadmin.task_executions.repository.batch_get", batch_get, []),
    ],
)
def test_one_event_that_trips_us_up_does_not_hold_up_its_batch_for_ever(
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
    original: Callable[[Sequence[Any]], Any],
    waiting: list[str],
) -> None:
    """Of events written together only those that failed too often fail; rows are then read one by one."""
    stored_execution()

    def trip(what: Sequence[Any]) -> Any:
        if any("poison" in str(each) or "poison" in getattr(each, "entry", "") for each in what):
            raise ValueError("a bug")
        return original(what)

    monkeypatch.setattr(failing, trip)
    events = [task_event("RUNNING", 1), task_event("RUNNING", 2), task_event("RUNNING", 2, node="poison")]
    events[0].retry_attempt = 1
    delivered = [queue_record(message_body(event), n) for n, event in enumerate(events, 1)]
    assert again(delivered) == waiting
    spent = [queue_record(message_body(event), n, receive_count=5) for n, event in enumerate(events, 1)]
    assert again(spent) == []
    assert len(task_executions.of_node(RUN, "n0")) == 2
    if "log" in failing:
        assert causes(aws) == ["INTERNAL: ValueError while logging"]


def test_an_execution_named_with_what_no_queue_attribute_may_hold(aws: Aws) -> None:
    """Such a name is in no table; the letter must find its place all the same."""
    workflow = workflow_event("RUNNING", 1, execution="a\x00b\ufffe\n\u00e9")
    assert again([queue_record(message_body(workflow), 1)]) == []
    [letter] = redrive.dead_letters()
    assert letter.execution == f"{PROJECT}:{DOMAIN}:a\\x00b\\ufffe\\n\u00e9"
    assert letter.cause.startswith("NOT_FOUND")


def large(node: str = "n0", run: str = "run") -> Event:
    outputs = LiteralMap()
    outputs.literals["x"].scalar.primitive.string_value = node * 100_000
    return node_event("SUCCEEDED", 1, node=node, execution=run, output_data=outputs)


def claim_of(record: dict[str, object]) -> str:
    return Envelope.model_validate_json(str(record["body"])).claim


@pytest.fixture
def claimed(aws: Aws) -> dict[str, object]:
    """A message whose event lies in S3."""
    stored_execution()
    return queue_record(admit(large()).body, 1)


def put(aws: Aws, claim: str, blob: bytes | None) -> None:
    """Replace a blob, or take it away."""
    bucket, _, key = claim.removeprefix("s3://").partition("/")
    if blob is None:
        aws.client("s3").delete_object(Bucket=bucket, Key=key)
    else:
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=blob)


def test_a_claim_whose_blob_is_gone(aws: Aws, claimed: dict[str, object]) -> None:
    put(aws, claim_of(claimed), None)
    assert again([claimed]) == []
    [cause] = causes(aws)
    assert cause.startswith("NOT_FOUND: no blob at s3://")


def test_a_claim_whose_blob_is_another_execution_s_event(aws: Aws, claimed: dict[str, object]) -> None:
    """Valid in itself; but nobody admitted it."""
    stored_execution("another")
    put(aws, claim_of(claimed), large(run="another").SerializeToString())
    assert again([claimed]) == []
    [cause] = causes(aws)
    assert cause.startswith("INVALID_ARGUMENT: the blob at s3://")
    assert node_executions.read(f"{PROJECT}:{DOMAIN}:another", "n0") is None


def test_a_claim_whose_blob_has_become_too_large_to_read(aws: Aws, claimed: dict[str, object]) -> None:
    put(aws, claim_of(claimed), b"x" * (4 * 1024 * 1024 + 1))
    assert again([claimed]) == []
    [cause] = causes(aws)
    assert cause.endswith("is larger than 4194304 bytes")


def said_of_node() -> dict[str, Any]:
    row = node_executions.read(RUN, "n0")
    assert row is not None
    return row.attribute_values


def test_a_log_whose_blob_is_gone_keeps_the_row_and_takes_what_is_late(aws: Aws) -> None:
    stored_execution()
    assert again([queue_record(admit(large()).body, 2)]) == []
    [item] = query_all(LoggedEvent, RUN)
    put(aws, item.uri, None)
    earlier = message_body(node_event("RUNNING", 1, input_uri="s3://in"))
    assert again([queue_record(earlier, 1)]) == []
    assert (said_of_node()["phase"], said_of_node()["input_uri"]) == ("SUCCEEDED", "s3://in")


def test_a_log_whose_blob_was_replaced_rebuilds_nothing(aws: Aws) -> None:
    """The row stays as it is; what needs the log waits among the dead letters until it is mended."""
    stored_execution()
    assert again([queue_record(admit(large()).body, 2)]) == []
    before = said_of_node()
    [item] = query_all(LoggedEvent, RUN)
    logged = storage.read(item.uri)
    put(aws, item.uri, large(run="another").SerializeToString())
    earlier = message_body(node_event("RUNNING", 1, input_uri="s3://in"))
    assert again([queue_record(earlier, 1)]) == ["message-1"]
    assert again([queue_record(earlier, 1, receive_count=5)]) == []
    assert said_of_node() == before
    put(aws, item.uri, logged)
    [letter] = redrive.dead_letters()
    assert letter.cause.startswith("INTERNAL")
    assert redrive.send_again(letter) == "1"
    assert again([queue_record(earlier, 9, redriven=1)]) == []
    assert (said_of_node()["phase"], said_of_node()["input_uri"]) == ("SUCCEEDED", "s3://in")


def test_the_log_finds_what_was_set_aside_and_what_failed(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By the execution and by the id that dead letters are listed with; values are in neither."""
    stored_execution()
    event = node_event("RUNNING", 1)
    event.input_data.literals["x"].scalar.primitive.string_value = "a secret"
    monkeypatch.setattr(node_executions, "apply", unavailable)
    for count in (1, 5):
        again([queue_record(message_body(event), 1, receive_count=count)])
    [failed] = [record for record in caplog.records if record.msg == "events will be delivered again"]
    [aside] = [record for record in caplog.records if record.msg == "an event was set aside"]
    [letter] = redrive.dead_letters()
    assert (vars(failed)["execution"], vars(failed)["messages"]) == (RUN, [letter.identifier])
    said = {name: vars(aside)[name] for name in ("execution", "message_id", "sequence", "cause")}
    assert said == {"execution": RUN, "message_id": "message-1", "sequence": "1", "cause": letter.cause}
    assert "a secret" not in str([vars(record) for record in caplog.records])


def test_a_batch_is_measured(aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")
    settings.environment.cache_clear()
    stored_execution()
    apply = node_executions.apply

    def trip(*arguments: Any) -> None:
        if arguments[1] == "n1":
            unavailable()
        apply(*arguments)

    monkeypatch.setattr(node_executions, "apply", trip)
    bodies = ["no event", message_body(node_event("RUNNING", 1)), message_body(node_event("RUNNING", 1, node="n1"))]
    again([queue_record(body, n, group=str(n)) for n, body in enumerate(bodies, 1)])
    [(namespace, figures)] = measured(capsys.readouterr().out)
    assert namespace == "stack"
    assert 0 <= figures.pop("EventsMilliseconds") <= time.time_ns() // 1_000_000 - SENT_AT
    assert figures == {"EventsApplied": 1, "EventsSetAside": 1, "EventsAgain": 1}


def test_nothing_that_a_terminal_obeys_is_shown(aws: Aws) -> None:
    """A dead letter may hold anything that any producer sent."""
    assert again([queue_record(r'{"kind": "node", "\u001b[2J": 1}', 1)]) == []
    [letter] = redrive.dead_letters()
    assert "\\x1b[2J: Extra inputs" in redrive.shown(letter)
    assert "\x1b" not in redrive.shown(letter)


class Ended(BaseException):
    """The function's process ends, out of memory, say."""


def test_an_event_that_ends_the_function_takes_nobody_along_for_ever(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can't be judged in a function that it ends: in the end it is set aside unseen, all others are applied."""
    stored_execution()
    apply = node_executions.apply

    def explode(*arguments: Any) -> None:
        if arguments[1] == "bomb":
            raise Ended
        apply(*arguments)

    monkeypatch.setattr(node_executions, "apply", explode)
    nodes = ["n0", "bomb", "n1", "n2"]
    left = [(n, message_body(node_event("RUNNING", n, node=node))) for n, node in enumerate(nodes, 1)]
    other = message_body(node_event("RUNNING", 9, node="n3"))
    receives = 0
    while left:
        receives += 1
        assert receives < 40
        delivered = [queue_record(body, n, receive_count=receives) for n, body in left]
        try:
            failed = again([*delivered, queue_record(other, 9, group="another", receive_count=receives)])
        except Ended:
            continue
        left = [(n, body) for n, body in left if f"message-{n}" in failed]
    assert [bool(node_executions.read(RUN, node)) for node in nodes] == [True, False, True, True]
    [cause] = causes(aws)
    assert cause == "INTERNAL: received 20 times without an answer, it may end the function"
