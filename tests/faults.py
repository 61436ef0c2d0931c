"""Makes the edge fail: a call of ours raises, or AWS answers a request with an error."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from flyteadmin.clients import aws as aws_clients
from flyteadmin.errors import Unavailable
from flyteadmin.events.workers import Workers


def in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let process_event make its calls one after the other."""
    one = cache(lambda: Workers(ThreadPoolExecutor(2), ThreadPoolExecutor(1)))
    monkeypatch.setattr("flyteadmin.events.workers.current", one)


def unavailable(*_: object, **__: object) -> None:
    """A call that a passing fault ends."""
    raise Unavailable("the database is throttling, try again")


class _Body:
    """A response's body as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.content


@contextmanager
def answering(service: str, operation: str, code: str, times: int) -> Iterator[Callable[[], int]]:
    """The next `times` requests of an operation are answered an error of AWS instead; gives how many were."""
    left = times

    def answer(**_: object) -> AWSResponse | None:
        nonlocal left
        if left == 0:
            return None
        left -= 1
        body = f'{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"on purpose"}}'.encode()
        if service == "s3":
            body = f"<Error><Code>{code}</Code><Message>on purpose</Message></Error>".encode()
        return AWSResponse("http://on.purpose", 503 if service == "s3" else 400, HTTPHeaders(), _Body(body))

    events = aws_clients.client(service).meta.events  # type: ignore[call-overload]
    events.register(f"before-send.{service}.{operation}", answer)
    try:
        yield lambda: times - left
    finally:
        events.unregister(f"before-send.{service}.{operation}", answer)
