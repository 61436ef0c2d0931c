"""Many messages in few requests, and what became of each."""

import json

import pytest

from flyteadmin.clients import aws as aws_clients
from flyteadmin.clients import queue
from flyteadmin.errors import Unavailable
from local.aws.data import DataAccount as Aws


def message(number: int, *, size: int = 10, group: str = "group") -> queue.Message:
    return queue.Message(json.dumps({"n": number}).ljust(size), group, f"message-{number}")


def received(aws: Aws) -> list[int]:
    """Return the numbers of the messages in the queue, in the order in which they come."""
    sqs = aws.client("sqs")
    numbers = []
    while messages := sqs.receive_message(QueueUrl=aws.resources["EventsQueue"], MaxNumberOfMessages=10).get(
        "Messages"
    ):
        for each in messages:
            numbers.append(json.loads(each["Body"])["n"])
            sqs.delete_message(QueueUrl=aws.resources["EventsQueue"], ReceiptHandle=each["ReceiptHandle"])
    return numbers


@pytest.fixture
def requests(aws: Aws) -> list[int]:
    """Record the number of entries in each request to the queue."""
    sizes: list[int] = []

    def count(params: dict[str, list[object]], **_: object) -> None:
        sizes.append(len(params["Entries"]))

    aws_clients.client("sqs").meta.events.register("before-parameter-build.sqs.SendMessageBatch", count)
    return sizes


def test_all_go_out_in_order_ten_a_request(aws: Aws, requests: list[int]) -> None:
    assert queue.send_all([message(n) for n in range(23)]) == [None] * 23
    assert requests == [10, 10, 3]
    assert received(aws) == list(range(23))


def test_a_request_carries_no_more_bytes_than_it_may(aws: Aws, requests: list[int]) -> None:
    sizes = [200_000, 60_000, 100_000, 100_000, 62_144]
    assert queue.send_all([message(n, size=size) for n, size in enumerate(sizes)]) == [None] * 5
    assert requests == [2, 3]
    assert received(aws) == list(range(5))


def test_nothing_to_send(aws: Aws, requests: list[int]) -> None:
    assert (queue.send_all([]), requests) == ([], [])


def test_one_that_is_not_taken_leaves_the_others_queued(aws: Aws) -> None:
    def lose_the_second(params: dict[str, list[object]], **_: object) -> None:
        params["Entries"].pop(1)  # the embedded queue takes everything

    aws_clients.client("sqs").meta.events.register("before-parameter-build.sqs.SendMessageBatch", lose_the_second)
    outcomes = queue.send_all([message(n) for n in range(3)])
    assert [outcome and type(outcome) for outcome in outcomes] == [None, Unavailable, None]
    assert received(aws) == [0, 2]


def test_a_queue_that_can_not_be_reached_says_so_for_each(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    aws_clients.forget()
    outcomes = queue.send_all([message(1), message(2)])
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
