"""The mended stream mappings. A test's name starts with the patch that it proves: it fails without it."""

import json

from tests.local.aws_stack import Stack, eventually


def test_mappings__give_up_a_poison_record_and_go_on(stack: Stack) -> None:
    stack.put({"id": "before"}, {"id": "poison", "always": ["fail"]}, {"id": "after"})
    assert eventually(lambda: stack.deliveries("after"))
    (record,) = [json.loads(body) for body in eventually(lambda: stack.received("StreamFailures"))]
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["DDBStreamBatchInfo"]["batchSize"] == 1
    assert stack.deliveries("poison") == []


def test_mappings__go_on_from_the_first_record_that_a_response_names(stack: Stack) -> None:
    stack.put({"id": "kept"}, {"id": "reported", "1": ["report"]}, {"id": "follower"})
    assert eventually(lambda: len(stack.deliveries("follower")) == 2)
    assert (stack.deliveries("kept"), stack.deliveries("reported")) == (["1"], ["1", "2"])


def test_mappings__read_on_threads_of_their_own(stack: Stack) -> None:
    stack.put({"id": "reader", "always": ["await:start:1:queued"]})
    assert eventually(lambda: stack.deliveries("reader", "start"))
    stack.send("Queue", {"id": "queued"})
    assert eventually(lambda: stack.deliveries("reader"))
    assert ("impatient", "start:queued") not in stack.notes()
