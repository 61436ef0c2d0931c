"""The mended authorization. A test's name starts with the patch that it proves: it fails without it."""

import urllib.error
import urllib.request

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from local.aws import client as aws_client
from local.aws.client import DEFAULT_ACCOUNT, Endpoint
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


@pytest.mark.parametrize("service", ["sqs", "s3", "dynamodb", "iam"])
def test_root_signature__with_a_secret_that_was_guessed_is_refused(endpoint: Endpoint, service: str) -> None:
    listed = {"sqs": "list_queues", "s3": "list_buckets", "dynamodb": "list_tables", "iam": "list_users"}
    guessed = aws_client.session(Credentials(DEFAULT_ACCOUNT, "test"))
    with pytest.raises(ClientError) as refused:
        getattr(aws_client.client(service, endpoint.url, guessed), listed[service])()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 403}
    getattr(endpoint.client(service), listed[service])()


def test_no_credentials__are_refused(endpoint: Endpoint) -> None:
    for path in ("/v2/apis", "/2015-03-31/functions", "/?Action=ListUsers&Version=2010-05-08"):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(endpoint.url + path, timeout=10)
