"""Changes of executions through the real handler: what a subscriber of the topic receives."""

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from botocore.exceptions import ClientError
from flyteidl.admin.execution_pb2 import AbortMetadata
from flyteidl.core.execution_pb2 import ExecutionError

from flyteadmin import settings
from flyteadmin.clients import deadline, topic
from flyteadmin.clients.aws import client
from flyteadmin.errors import FlyteAdminError
from flyteadmin.executions.models import ExecutionState
from flyteadmin.executions.phases import Transition
from flyteadmin.executions.repository import set_index_keys
from flyteadmin.notifications.schema import Notification
from flyteadmin.notifications.service import FailedNotification
from flyteadmin.timestamps import NANOSECONDS, parse_timestamp
from functions.notify.handler import lambda_handler
from local.aws.data import DataAccount as Aws
from tests.aws_events import Context, batch
from tests.builders import CREATED_AT
from tests.infrastructure.template import load


def image(
    *phases: str,
    error: ExecutionError | None = None,
    abort: AbortMetadata | None = None,
    at: int = CREATED_AT,
    name: str = "workflow",
) -> dict[str, object]:
    """Return a row's image as the stream shows it to a function: binary parts in base64."""
    state = ExecutionState(
        execution="flytesnacks:development:run",
        phase=phases[-1] if phases else "UNDEFINED",
        transitions=[Transition(phase, at + n, str(n)).to_text() for n, phase in enumerate(phases)],
        created_at=CREATED_AT,
        updated_at=CREATED_AT,
        launch_plan="flytesnacks:development:plan",
        launch_plan_version="v2",
        workflow=f"flytesnacks:development:{name}",
        workflow_version="v1",
        error=error.SerializeToString() if error else None,
        abort=abort.SerializeToString() if abort else None,
    )
    set_index_keys(state, "")
    return {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value for kind, value in typed.items()}
        for name, typed in state.serialize().items()
    }


def change(old: dict[str, object] | None, new: dict[str, object] | None, sequence: str = "1") -> dict[str, object]:
    images = {name: value for name, value in (("OldImage", old), ("NewImage", new)) if value is not None}
    return {"eventName": "MODIFY", "dynamodb": {"SequenceNumber": sequence, **images}}


class Subscriber:
    """A queue subscribed to the topic, raw, under a filter."""

    def __init__(self, aws: Aws, filter_policy: dict[str, list[str]] | None = None) -> None:
        self.sqs = aws.endpoint.client("sqs", aws.account)
        self.url = self.sqs.create_queue(QueueName=f"subscriber-{len(filter_policy or {})}")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic_arn = aws.resources["NotificationsTopic"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})
        attributes = {"RawMessageDelivery": "true"}
        if filter_policy:
            attributes["FilterPolicy"] = json.dumps(filter_policy)
        aws.endpoint.client("sns", aws.account).subscribe(
            TopicArn=topic_arn, Protocol="sqs", Endpoint=arn, Attributes=attributes
        )

    def received(self) -> list[Notification]:
        messages = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        return [Notification.model_validate_json(message["Body"]) for message in messages]


def handle(records: Sequence[dict[str, object]]) -> list[str]:
    failures = lambda_handler(batch(records), Context())["batchItemFailures"]
    assert isinstance(failures, list)
    return [failure["itemIdentifier"] for failure in failures]


@pytest.mark.conformance("KD-05", "WFE-23")
def test_a_subscriber_receives_each_transition_that_a_folded_change_hides(aws: Aws) -> None:
    subscriber = Subscriber(aws)
    assert handle([change(image("RUNNING"), image("RUNNING", "SUCCEEDING", "SUCCEEDED"))]) == []
    received = {each.phase: each for each in subscriber.received()}
    assert set(received) == {"SUCCEEDING", "SUCCEEDED"}
    ended = received["SUCCEEDED"]
    assert (ended.execution.name, ended.launch_plan.version, ended.workflow.name) == ("run", "v2", "workflow")
    assert ended.occurred_at == "2023-11-14T22:13:20.000000002Z"


def test_a_subscriber_filters_on_attributes(aws: Aws) -> None:
    failures = Subscriber(aws, {"phase": ["FAILED"], "project": ["flytesnacks"]})
    error = ExecutionError(kind=ExecutionError.USER, code="USER:Boom", message="it broke")
    handle([change(image("RUNNING"), image("RUNNING", "FAILING", "FAILED", error=error))])
    [received] = failures.received()
    assert received.error is not None
    assert (received.phase, received.error.kind, received.error.message) == ("FAILED", "USER", "it broke")


def test_an_abort_says_who_asked_for_it_and_why(aws: Aws) -> None:
    subscriber = Subscriber(aws)
    abort = AbortMetadata(cause="too slow", principal="ada")
    handle([change(image("RUNNING"), image("RUNNING", "ABORTING", "ABORTED", abort=abort))])
    asked = {each.phase: each.abort and (each.abort.cause, each.abort.principal) for each in subscriber.received()}
    assert asked == {"ABORTING": ("too slow", "ada"), "ABORTED": ("too slow", "ada")}


def test_an_abort_that_nobody_asked_for_and_an_end_that_was_faster_have_no_cause(aws: Aws) -> None:
    subscriber = Subscriber(aws)
    handle([change(image("RUNNING"), image("RUNNING", "ABORTED"))])
    handle([change(image("ABORTING"), image("ABORTING", "SUCCEEDED", abort=AbortMetadata(cause="too late")))])
    assert {each.phase: each.abort for each in subscriber.received()} == {"ABORTED": None, "SUCCEEDED": None}


def test_a_replay_says_the_same_under_the_same_id(aws: Aws) -> None:
    subscriber = Subscriber(aws)
    for _ in range(2):
        handle([change(None, image("RUNNING"))])
    first, second = subscriber.received()
    assert first == second


def test_what_moves_nothing_announces_nothing(aws: Aws) -> None:
    subscriber = Subscriber(aws)
    handle(
        [
            change(None, image()),
            change(image("RUNNING"), image("RUNNING")),
            change(image("RUNNING"), None),
            change(image("RUNNING"), image("RUNNING", "RUNNING")),
        ]
    )
    assert subscriber.received() == []


RUNNING_THEN_FAILED = (
    change(None, image("RUNNING"), "1"),
    change(image("RUNNING"), image("RUNNING", "FAILED"), "2"),
    change(None, image("QUEUED"), "3"),
)
type Answer = Callable[[list[str]], dict[str, object]]


def answering(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    """Let the topic answer so where one of a request's messages tells of FAILED; `answer` gets their ids."""

    class Topic:
        def __init__(self) -> None:
            self.sns = client("sns")

        def publish_batch(self, **request: Any) -> Any:
            entries = request["PublishBatchRequestEntries"]
            failed = [entry["Id"] for entry in entries if '"phase":"FAILED"' in entry["Message"]]
            return answer(failed) if failed else self.sns.publish_batch(**request)

    stub = Topic()
    monkeypatch.setattr(topic, "client", lambda _service: stub)


def raises(code: str) -> Answer:
    def answer(_failed: list[str]) -> dict[str, object]:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "PublishBatch")

    return answer


def fails(code: str, *, sender: bool) -> Answer:
    return lambda failed: {"Failed": [{"Id": each, "Code": code, "SenderFault": sender} for each in failed]}


def set_aside(aws: Aws) -> list[FailedNotification]:
    sqs = aws.endpoint.client("sqs", aws.account)
    messages = sqs.receive_message(QueueUrl=aws.resources["NotifyFailuresQueue"]).get("Messages", [])
    return [FailedNotification.model_validate_json(message["Body"]) for message in messages]


@pytest.mark.conformance("NOT-09")
@pytest.mark.parametrize(
    "answer",
    [
        raises("AuthorizationError"),
        raises("KMSThrottling"),
        raises("InternalError"),
        fails("InternalError", sender=False),
        fails("AuthorizationError", sender=True),
    ],
)
def test_what_the_topic_does_not_take_now_is_tried_again_from_there(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answer: Answer
) -> None:
    answering(monkeypatch, answer)
    assert handle(RUNNING_THEN_FAILED) == ["2"]
    assert vars(caplog.records[-1])["execution"] == "flytesnacks:development:run"
    assert set_aside(aws) == []


@pytest.mark.parametrize(
    "answer",
    [
        raises("InvalidParameter"),
        raises("BatchRequestTooLong"),
        fails("InvalidParameter", sender=True),
    ],
)
def test_what_the_topic_refuses_for_good_is_set_aside_and_holds_nothing_up(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    subscriber = Subscriber(aws)
    answering(monkeypatch, answer)
    assert handle(RUNNING_THEN_FAILED) == []
    assert [each.phase for each in subscriber.received()] == ["RUNNING", "QUEUED"]
    [failure] = set_aside(aws)
    assert (failure.execution, failure.sequence) == ("flytesnacks:development:run", "2")
    assert "refuses" in failure.cause
    assert Notification.model_validate_json(failure.message).phase == "FAILED"


def test_of_several_messages_the_refused_one_alone_is_set_aside(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    subscriber = Subscriber(aws)
    answering(monkeypatch, raises("InvalidParameter"))
    assert handle([change(None, image("QUEUED", "RUNNING", "FAILED"))]) == []
    assert {each.phase for each in subscriber.received()} == {"QUEUED", "RUNNING"}
    assert len(set_aside(aws)) == 1


@pytest.mark.parametrize(
    "broken",
    [{"transitions": {"L": [{"S": "no transition"}]}}, {"workflow": {"S": "no key"}}, {"created_at": {"N": "x"}}],
)
def test_a_row_that_cannot_be_read_is_set_aside_and_holds_nothing_up(aws: Aws, broken: dict[str, object]) -> None:
    subscriber = Subscriber(aws)
    unreadable = image("RUNNING") | broken
    assert handle([change(None, unreadable, "1"), change(None, image("QUEUED"), "2")]) == []
    assert [each.phase for each in subscriber.received()] == ["QUEUED"]
    [failure] = set_aside(aws)
    assert (failure.execution, failure.sequence, failure.message) == ("flytesnacks:development:run", "1", "")


def test_what_cannot_even_be_set_aside_is_tried_again(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, raises("InvalidParameter"))
    monkeypatch.setenv("NOTIFY_FAILURES_QUEUE_URL", f"{aws.endpoint.url}/nobody/queue")
    settings.environment.cache_clear()
    assert handle(RUNNING_THEN_FAILED) == ["2"]


def test_the_stream_is_tried_until_shortly_before_it_forgets() -> None:
    """A fast refusal uses up any number of attempts; given up, a change can be read for another hour."""
    [mapping] = [each for name, each in load().resources("AWS::Lambda::EventSourceMapping") if name == "NotifyMapping"]
    assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (-1, 23 * 3600)


def test_the_published_schema_is_the_messages(aws: Aws) -> None:
    published = json.loads((Path(__file__).parents[2] / "docs/notification.schema.json").read_text())
    assert published == Notification.model_json_schema()


def test_an_error_of_a_kind_that_this_version_does_not_know(aws: Aws) -> None:
    subscriber = Subscriber(aws)
    error = ExecutionError(kind=99, message="new")  # type: ignore[arg-type]  # an open enum
    assert handle([change(None, image("FAILED", error=error))]) == []
    [received] = subscriber.received()
    assert received.error is not None
    assert (received.error.kind, received.error.message) == ("UNKNOWN", "new")


@pytest.mark.parametrize("seconds", [-62_135_596_800, -1, 253_402_300_799])
def test_any_time_that_protobuf_knows_is_told_as_rfc_3339(aws: Aws, seconds: int) -> None:
    subscriber = Subscriber(aws)
    assert handle([change(None, image("RUNNING", at=seconds * NANOSECONDS))]) == []
    [received] = subscriber.received()
    assert parse_timestamp(received.occurred_at) == seconds * NANOSECONDS
    assert len(received.occurred_at) == len("2023-11-14T22:13:20.000000002Z")


def test_a_workflow_named_with_what_no_message_may_hold_is_told_like_any_other(aws: Aws) -> None:
    """Upstream takes any name; what the topic, or a subscriber's queue, refuses would hold up all behind it."""
    subscriber = Subscriber(aws)
    name = "a\x00b\ufffe\n\u00e9"
    error = ExecutionError(message="\uffff\x00")
    assert handle([change(None, image("FAILED", name=name, error=error))]) == []
    [message] = subscriber.sqs.receive_message(QueueUrl=subscriber.url, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"].isascii()
    received = Notification.model_validate_json(message["Body"])
    assert received.error is not None
    assert (received.workflow.name, received.error.message) == (name, "\uffff\x00")
    assert message["MessageAttributes"]["workflow"]["StringValue"] == "a\\x00b\\ufffe\\n\u00e9"


def test_a_topic_that_is_slow_costs_no_notification_twice(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that is killed half way tells nobody how far it came, and all would be published again."""
    subscriber = Subscriber(aws)
    records = [change(None, image(phase), str(n)) for n, phase in enumerate(("QUEUED", "RUNNING", "SUCCEEDING"), 1)]
    publish, passed = topic.publish, 0

    def slowly(messages: Sequence[topic.Message]) -> list[FlyteAdminError | None]:
        nonlocal passed
        outcomes = publish(messages)
        passed += 10
        return outcomes

    with monkeypatch.context() as slow:
        slow.setattr(topic, "publish", slowly)
        slow.setattr(deadline, "monotonic", lambda: monotonic() + passed)
        [left] = handle(records)
    assert left == "3", "the last could take longer than the function may"
    assert handle(records[2:]) == []
    assert [received.phase for received in subscriber.received()] == ["QUEUED", "RUNNING", "SUCCEEDING"]
