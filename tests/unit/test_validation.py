"""Checks that several nouns share: labels, notifications."""

import pytest
from flyteidl.admin.common_pb2 import EmailNotification, Notification, PagerDutyNotification, SlackNotification
from flyteidl.core.execution_pb2 import WorkflowExecution

from flyteadmin.errors import InvalidArgument
from flyteadmin.validation import validate_labels, validate_notifications


@pytest.mark.conformance("VAL-09")
def test_sixteen_labels_are_enough() -> None:
    validate_labels({f"key{number}": "value" for number in range(16)})
    with pytest.raises(InvalidArgument, match="labels map cannot exceed 16 entries"):
        validate_labels({f"key{number}": "value" for number in range(17)})


@pytest.mark.conformance("VAL-09")
@pytest.mark.parametrize("key", ["", "-a", "a-", "a" * 64, "a b", "Upper.example/a", "/a", "a/b/c", "a" * 254 + "/b"])
def test_keys_that_kubernetes_refuses_are_refused(key: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid label key"):
        validate_labels({key: "value"})


@pytest.mark.conformance("VAL-09")
@pytest.mark.parametrize("value", ["-a", "a b", "ä", "a" * 64])
def test_values_that_kubernetes_refuses_are_refused(value: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid label value"):
        validate_labels({"key": value})


VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is"
    " '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
NAME = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
    " (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is"
    " '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
    r" '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LONG, LONG_PREFIX = "must be no more than 63 characters", "must be no more than 253 characters"


@pytest.mark.conformance("VAL-09")
@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("foo", "#bar", f"invalid label value [#bar]: [{VALUE}]"),
        ("foo", "x" * 64, f"invalid label value [{'x' * 64}]: [{LONG}]"),
        ("foo", "#" * 64, f"invalid label value [{'#' * 64}]: [{LONG} {VALUE}]"),
        ("#badkey", "", f"invalid label key [#badkey]: [name part {NAME}]"),
        ("", "", f"invalid label key []: [name part must be non-empty name part {NAME}]"),
        ("/a", "", "invalid label key [/a]: [prefix part must be non-empty]"),
        ("Upper/a", "", f"invalid label key [Upper/a]: [prefix part {SUBDOMAIN}]"),
        ("a" * 254 + "/b", "", f"invalid label key [{'a' * 254}/b]: [prefix part {LONG_PREFIX}]"),
        (
            "a/b/c",
            "",
            f"invalid label key [a/b/c]: [a qualified name {NAME} with an optional DNS subdomain prefix and '/'"
            " (e.g. 'example.com/MyName')]",
        ),
    ],
)
def test_a_label_is_refused_in_kubernetes_own_words(key: str, value: str, expected: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        validate_labels({key: value})
    assert refused.value.message == expected


@pytest.mark.conformance("VAL-09")
def test_what_kubernetes_takes_is_taken() -> None:
    validate_labels({"app.example.com/Name_1": "", "a": "A.b-c_d", "x" * 63: "v" * 63})


@pytest.mark.conformance("NOT-01")
@pytest.mark.parametrize("phase", sorted(WorkflowExecution.Phase.values()))
def test_only_ended_phases_are_notified(phase: WorkflowExecution.Phase) -> None:
    notification = Notification(phases=[phase], email=EmailNotification(recipients_email=["someone@example.com"]))
    if WorkflowExecution.Phase.Name(phase) in {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}:
        validate_notifications([notification])
    else:
        with pytest.raises(InvalidArgument, match="invalid value for phase"):
            validate_notifications([notification])


@pytest.mark.conformance("NOT-02")
@pytest.mark.parametrize("recipients", [[], [""], ["someone@example.com", ""]])
def test_every_type_needs_recipients(recipients: list[str]) -> None:
    message = "missing recipient" if recipients else "missing recipients"
    for notification in (
        Notification(email=EmailNotification(recipients_email=recipients)),
        Notification(slack=SlackNotification(recipients_email=recipients)),
        Notification(pager_duty=PagerDutyNotification(recipients_email=recipients)),
    ):
        with pytest.raises(InvalidArgument) as refused:
            validate_notifications([notification])
        assert refused.value.message == message


@pytest.mark.conformance("NOT-02")
def test_a_notification_has_a_type() -> None:
    with pytest.raises(InvalidArgument, match="invalid value for notification type"):
        validate_notifications([Notification()])
