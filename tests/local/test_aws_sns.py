"""The mended SNS. A test's name starts with the patch that it proves: it fails without it."""

import pytest
from botocore.exceptions import ClientError

from tests.local.aws_stack import Stack


def test_subscription_dead_letters__take_what_the_queue_refuses(stack: Stack) -> None:
    stack.client("sns").publish(TopicArn=stack.outputs["Topic"], Message="refused")
    assert stack.received("DeadLetters") == ["refused"]


def test_fifo_topic__wants_a_message_group(stack: Stack) -> None:
    with pytest.raises(ClientError, match="MessageGroupId"):
        stack.client("sns").publish(TopicArn=stack.outputs["FifoTopic"], Message="in order")
