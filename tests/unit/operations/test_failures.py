"""Each failure as the one line that an operator reads."""

import pytest
from botocore import exceptions as aws
from botocore.exceptions import ClientError

from flyteadmin.errors import Internal, NotFound
from flyteadmin_ops.failures import Refused, explain

CALLER = "arn:aws:sts::111122223333:assumed-role/ops/me"
QUEUE = "arn:aws:sqs:eu-west-1:111122223333:flyteadmin-dead.fifo"
OBJECT = "arn:aws:s3:::bucket/config/flyteadmin.yaml"


def answered(operation: str, code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            answered(
                "ReceiveMessage",
                "AccessDenied",
                f"User: {CALLER} is not authorized to perform: sqs:receivemessage on resource: {QUEUE} because no "
                "identity-based policy allows the sqs:receivemessage action",
            ),
            f"{CALLER} may not sqs:ReceiveMessage on {QUEUE}; its policy needs the statement "
            f'{{"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": "{QUEUE}"}}',
        ),
        (
            answered(
                "GetObject",
                "AccessDenied",
                f'User: {CALLER} is not authorized to perform: s3:GetObject on resource: "{OBJECT}" because no '
                "identity-based policy allows the s3:GetObject action",
            ),
            f"{CALLER} may not s3:GetObject on {OBJECT}; its policy needs the statement "
            f'{{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "{OBJECT}"}}',
        ),
        (
            answered(
                "SendMessage",
                "AccessDeniedException",
                f"User: {CALLER} is not authorized to perform: kms:Decrypt on resource: k "
                "with an explicit deny in a service control policy",
            ),
            f"{CALLER} may not kms:Decrypt on k: a policy denies it explicitly "
            "(with an explicit deny in a service control policy)",
        ),
        (
            answered("GetObject", "AccessDenied", "Access Denied"),
            "AWS refused GetObject (Access Denied); the policy of these credentials must allow it",
        ),
        (
            answered("DescribeStacks", "ExpiredToken", "The security token included in the request is expired"),
            "the AWS credentials have expired (ExpiredToken); sign in again (aws sso login)",
        ),
        (
            answered("DescribeStacks", "InvalidClientTokenId", "The security token included is invalid"),
            "AWS does not accept the credentials (InvalidClientTokenId); is --profile right, and this machine's clock?",
        ),
        (
            answered("DescribeStacks", "Throttling", "Rate exceeded"),
            "AWS is busy or throttles (Throttling on DescribeStacks); run the command again in a minute",
        ),
        (aws.NoRegionError(), "You must specify a region; name it with --region, or set AWS_DEFAULT_REGION"),
        (
            aws.ConnectTimeoutError(endpoint_url="https://sqs.nowhere"),
            'Connect timeout on endpoint URL: "https://sqs.nowhere"; '
            "is --region right, and does this machine reach AWS?",
        ),
        (
            aws.UnauthorizedSSOTokenError(),
            "The SSO session associated with this profile has expired or is otherwise invalid. To refresh this SSO "
            "session run aws sso login with the corresponding profile; sign in again (aws sso login)",
        ),
        (NotFound("no such blob"), "NOT_FOUND: no such blob"),
        (Refused("two\nlines \x1b[2J"), "two lines \\x1b[2J"),
    ],
)
def test_a_failure_is_one_line_with_its_fix(error: Exception, line: str) -> None:
    assert explain(error) == line


def test_what_aws_said_counts_where_a_client_was_told_less() -> None:
    error = Internal("the event queue failed")
    error.__cause__ = answered("SendMessage", "ThrottlingException", "slow down")
    assert explain(error).startswith("AWS is busy or throttles (ThrottlingException on SendMessage)")
