"""The mended Scheduler. A test's name starts with the patch that it proves: it fails without it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.aws_stack import Stack, eventually


def schedule(
    stack: Stack, name: str, *, role: str, expression: str = "rate(1 day)", text: str = "{}"
) -> dict[str, Any]:
    target = {"Arn": stack.outputs["MailboxArn"], "RoleArn": stack.outputs[role], "Input": text}
    return {
        "Name": name,
        "GroupName": stack.outputs["Schedules"],
        "ScheduleExpression": expression,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
    }


def test_schedule_group_in_arn__lets_in_a_role_confined_to_the_group(stack: Stack) -> None:
    stack.as_caller("scheduler").create_schedule(**schedule(stack, "confined", role="TargetRole"))
    stored = stack.client("scheduler").get_schedule(GroupName=stack.outputs["Schedules"], Name="confined")
    assert stored["Arn"].endswith(f":schedule/{stack.outputs['Schedules']}/confined")


def test_schedule_group_in_arn__keeps_that_role_out_of_other_groups(stack: Stack) -> None:
    with pytest.raises(ClientError, match="not authorized"):
        stack.as_caller("scheduler").create_schedule(
            **{**schedule(stack, "astray", role="TargetRole"), "GroupName": "default"}
        )


def test_pass_role__is_needed_for_the_targets_role(stack: Stack) -> None:
    with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole"):
        stack.as_caller("scheduler").create_schedule(**schedule(stack, "passes", role="IdleRole"))


@pytest.mark.parametrize("text", ["cron(nonsense)", "rate(0 minutes)", "every now and then"])
def test_expression__of_no_meaning_is_refused(stack: Stack, text: str) -> None:
    with pytest.raises(ClientError, match="Invalid Schedule Expression"):
        stack.client("scheduler").create_schedule(**schedule(stack, "odd", role="TargetRole", expression=text))


@pytest.fixture(scope="module")
def fired(stack: Stack) -> list[str]:
    """Wait for two schedules of which only the second may send to the mailbox, and return its messages."""
    due = f"at({datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC):%Y-%m-%dT%H:%M:%S})"
    for name, role in (("idle", "IdleRole"), ("sends", "TargetRole")):
        text = f"{name} <aws.scheduler.scheduled-time>"
        stack.client("scheduler").create_schedule(**schedule(stack, name, role=role, expression=due, text=text))
    kept: list[str] = []

    def second_has_fired() -> bool:
        kept.extend(stack.received("Mailbox"))
        return any(body.startswith("sends") for body in kept)

    eventually(second_has_fired)
    return kept


def test_target_role__that_may_not_send_sends_nothing(fired: list[str]) -> None:
    assert [body for body in fired if body.startswith("idle")] == []


def test_context_attributes__are_filled_in(fired: list[str]) -> None:
    assert "sends 2020-01-02T03:04:05Z" in fired
