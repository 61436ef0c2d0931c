"""The record of IAM decisions, and asking the evaluator directly."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.audit import Decision, allowed, decisions
from tests.local.aws_stack import Stack

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/items"


def policy(effect: str = "Allow", action: str = "dynamodb:PutItem", **more: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, "Action": action, "Resource": TABLE, **more}]}


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([], False),
        ([policy()], True),
        ([policy(action="dynamodb:Put*")], True),
        ([policy(action="dynamodb:GetItem")], False),
        ([policy(), policy("Deny")], False),
        ([policy(Resource=TABLE + "/index/*")], False),
        ([policy(Condition={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}})], True),
        ([policy(Condition={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["other"]}})], False),
    ],
)
def test_allowed_is_what_iam_would_say(documents: list[dict[str, Any]], expected: bool) -> None:
    context = {"dynamodb:LeadingKeys": ["mine"]}
    assert allowed(documents, "dynamodb:PutItem", TABLE, context) is expected


def test_each_decision_about_a_role_is_recorded(stack: Stack, audit_file: Path) -> None:
    sqs = stack.as_caller("sqs")
    sqs.send_message(QueueUrl=stack.outputs["Mailbox"], MessageBody="audited")
    with pytest.raises(ClientError, match="not authorized"):
        sqs.purge_queue(QueueUrl=stack.outputs["Mailbox"])
    role, mailbox = stack.outputs["Caller"].rpartition("/")[2], stack.outputs["MailboxArn"]
    taken = {
        (decision.action, decision.decision)
        for decision in decisions(audit_file)
        if (decision.role, decision.resource) == (role, mailbox)
    }
    assert {("sqs:SendMessage", "Allow"), ("sqs:PurgeQueue", "ImplicitDeny")} <= taken


def test_a_decision_can_be_taken_again_under_other_policies(stack: Stack, audit_file: Path) -> None:
    key = {"pk": {"S": "mine"}, "sk": {"S": "1"}}
    with pytest.raises(ClientError, match="not authorized"):
        stack.as_caller("dynamodb").get_item(TableName=stack.outputs["Table"], Key=key)
    *_, taken = (decision for decision in decisions(audit_file) if decision.action == "dynamodb:GetItem")
    own_rows = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}}
    granted = policy(action="dynamodb:GetItem", Resource=taken.resource, Condition=own_rows)
    assert allowed([granted], taken.action, taken.resource, taken.context)


def test_what_a_mapping_needs_of_its_role_is_recorded_too(stack: Stack, audit_file: Path) -> None:
    by_consumer = [decision for decision in decisions(audit_file) if "Consumer" in decision.role]
    assert {"sqs:ReceiveMessage", "dynamodb:GetRecords"} <= {decision.action for decision in by_consumer}


def test_nothing_that_root_does_is_recorded(stack: Stack, audit_file: Path) -> None:
    stack.client("sqs").get_queue_attributes(QueueUrl=stack.outputs["Mailbox"])
    assert all(isinstance(decision, Decision) and decision.role for decision in decisions(audit_file))
    assert "sqs:GetQueueAttributes" not in {
        decision.action for decision in decisions(audit_file) if decision.resource == stack.outputs["MailboxArn"]
    }
