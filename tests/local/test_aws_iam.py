"""The mended authorization. A test's name starts with the patch that it proves: it fails without it."""

import pytest
from botocore.exceptions import ClientError

from tests.local.aws_stack import Stack


def test_batch_actions__need_the_single_action(stack: Stack) -> None:
    answer = stack.as_caller("sqs").send_message_batch(
        QueueUrl=stack.outputs["Mailbox"], Entries=[{"Id": "1", "MessageBody": "batched"}]
    )
    assert [sent["Id"] for sent in answer["Successful"]] == ["1"]


def test_partiql_actions__are_checked_for_each_statement(stack: Stack) -> None:
    table = stack.outputs["Table"]
    update = f"""UPDATE "{table}" SET a = 'b' WHERE pk = 'none' AND sk = 'none'"""
    delete = f"""DELETE FROM "{table}" WHERE pk = 'none' AND sk = 'none'"""
    stack.as_caller("dynamodb").batch_execute_statement(Statements=[{"Statement": update}])
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:PartiQLDelete"):
        stack.as_caller("dynamodb").batch_execute_statement(Statements=[{"Statement": update}, {"Statement": delete}])
