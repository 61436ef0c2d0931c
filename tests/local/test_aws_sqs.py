"""The mended queues. A test's name starts with the patch that it proves: it fails without it."""

import pytest

from tests.local.aws_stack import Stack, eventually


@pytest.fixture(scope="module", autouse=True)
def visible_after_a_second(stack: Stack) -> None:
    """Deliver again while the handler still runs; CloudFormation wants at least the function's time-out."""
    for name in ("Queue", "FifoQueue"):
        stack.client("sqs").set_queue_attributes(QueueUrl=stack.outputs[name], Attributes={"VisibilityTimeout": "1"})


def test_fifo_groups_in_parallel__one_group_doesnt_wait_for_another(stack: Stack) -> None:
    stack.send("FifoQueue", {"id": "patient", "always": ["await:start:1:other"]}, group="one")
    assert eventually(lambda: stack.deliveries("patient", "start"))
    stack.send("FifoQueue", {"id": "other"}, group="two")
    assert eventually(lambda: stack.deliveries("patient"))
    assert ("impatient", "start:other") not in stack.notes()


def test_fifo_groups_in_parallel__a_message_comes_again_while_its_handler_runs(stack: Stack) -> None:
    stack.send("FifoQueue", {"id": "twice", "1": ["await:start:2"]}, group="three")
    assert eventually(lambda: stack.deliveries("twice"))
    assert ("impatient", "start:twice") not in stack.notes()


def test_a_group_keeps_its_order(stack: Stack) -> None:
    for number in range(5):
        stack.send("FifoQueue", {"id": f"ordered-{number}"}, group="four")
    assert eventually(lambda: stack.deliveries("ordered-4"))
    starts = [name for name, _ in stack.notes() if name.startswith("start:ordered-")]
    assert starts == [f"start:ordered-{number}" for number in range(5)]


def test_stale_receipts__delete_nothing(stack: Stack) -> None:
    plan = {"1": ["await:start:2"], "2": ["await:end:1", "fail"]}
    stack.send("FifoQueue", {"id": "outlived", **plan}, group="five")
    assert eventually(lambda: "3" in stack.deliveries("outlived"))


@pytest.mark.parametrize("answer", ["report", "report-nothing"])
def test_malformed_partial_response__brings_the_message_again(stack: Stack, answer: str) -> None:
    stack.send("Queue", {"id": answer, "1": [answer]})
    assert eventually(lambda: stack.deliveries(answer)[1:] == ["2"])
