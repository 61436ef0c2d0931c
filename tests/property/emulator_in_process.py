"""The emulator's services inside this process: the same DynamoDB as in the other tests, without HTTP between.

A property test makes a hundred requests in each of thousands of examples. DynamoDB's calls skip botocore's
serialisation and go to the emulator's function for the operation, S3's to a dictionary; SQS's, of which there are few,
are real boto3 up to the socket.
All of them pass `BaseClient._make_api_call`, where the tests look on, interleave and interrupt (interleaving.py).
"""
# ruff: noqa: PLC0415  MiniStack reads its environment when it is imported, and takes seconds to

import base64
import copy
import functools
import io
import json
import logging
import marshal
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError

from flyteadmin import settings
from flyteadmin.clients import aws as aws_clients
from flyteadmin.clients import storage
from flyteadmin.events import projection
from flyteadmin.observability import logger
from local.aws import server
from local.aws.client import DEFAULT_ACCOUNT, REGION
from local.aws.data import create_table_requests

_PREFIX = "data-"
BUCKET = "bucket"
_ENVIRONMENT = {
    "AWS_ENDPOINT_URL": "http://in.process",
    "AWS_ACCESS_KEY_ID": DEFAULT_ACCOUNT,
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "TABLE_PREFIX": _PREFIX,
    "BUCKET": BUCKET,
    "DEAD_LETTER_QUEUE_URL": f"http://in.process/{DEFAULT_ACCOUNT}/dead.fifo",
}

type Call = Callable[[BaseClient, str, Mapping[str, Any]], Any]
"""`BaseClient._make_api_call`: a client, an operation's name, its parameters."""


class Store(Protocol):
    """The stores in which handlers of this process work."""

    def clear(self) -> None:
        """Forget everything."""

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every item of a table as it lies there."""

    def stream(self, table: str) -> list[dict[str, Any]]:
        """Every record of a table's stream, in order."""


@dataclass
class StoreInProcess:
    """The emulator in this process."""

    services: Mapping[str, Any]
    tables: Sequence[Mapping[str, Any]]
    scope: Callable[[str, str], Any]
    _empty: dict[str, dict[str, Any]] = field(default_factory=dict)
    _blobs: dict[str, bytes] = field(default_factory=dict)

    def create(self) -> None:
        """Make tables, bucket and queue, and remember the tables as they are while they are empty."""
        dynamodb = self.services["dynamodb"]
        with self.scope(DEFAULT_ACCOUNT, REGION):
            for service in self.services.values():
                service.reset()
            for table in self.tables:
                self._dynamodb("CreateTable", table)
            self._empty.update({name: dict(table) for name, table in dynamodb._tables.items()})
        aws_clients.client("sqs").create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})

    def clear(self) -> None:
        """Forget what tables, streams, bucket and queue hold, in a tenth of the time that making them anew takes."""
        dynamodb, sqs = self.services["dynamodb"], self.services["sqs"]
        with self.scope(DEFAULT_ACCOUNT, REGION):
            for name, table in self._empty.items():
                dynamodb._tables[name] = {**table, "items": defaultdict(dict)}
            dynamodb._stream_records.clear()
            dynamodb._txn_idempotency.clear()
            for queue in sqs._queues.values():
                queue["messages"].clear()
                queue["dedup_cache"].clear()
        self._blobs.clear()
        storage.read_immutable.cache_clear()
        projection.forget_parents()

    def rows(self, table: str) -> list[dict[str, Any]]:
        with self.scope(DEFAULT_ACCOUNT, REGION):
            partitions = self.services["dynamodb"]._tables[_PREFIX + table]["items"].values()
            return [_decoded(item) for partition in partitions for item in partition.values()]

    def stream(self, table: str) -> list[dict[str, Any]]:
        with self.scope(DEFAULT_ACCOUNT, REGION):
            records: list[dict[str, Any]] = self.services["dynamodb"].stream_live_records(_PREFIX + table)
            return records

    def call(self, client: BaseClient, operation: str, parameters: Mapping[str, Any], original: Call) -> Any:
        """Return the emulator's answer."""
        match client.meta.service_model.service_name, operation:
            case "dynamodb", _:
                with self.scope(DEFAULT_ACCOUNT, REGION):
                    return self._dynamodb(operation, parameters)
            case "s3", "PutObject":
                self._blobs[parameters["Key"]] = parameters["Body"]
                return {}
            case "s3", "GetObject":
                blob = self._blob(parameters["Key"])
                return {"Body": io.BytesIO(blob), "ContentLength": len(blob)}
        return original(client, operation, parameters)

    def _blob(self, key: str) -> bytes:
        if key not in self._blobs:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": key}}, "GetObject")
        return self._blobs[key]

    def _dynamodb(self, operation: str, parameters: Mapping[str, Any]) -> Any:
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation)
        status, _, body = getattr(self.services["dynamodb"], name)(_on_the_wire(parameters))
        answer = json.loads(body, object_hook=_with_bytes)
        if status == 200:
            return answer
        answer["Error"] = {"Code": answer.get("__type", "").rpartition("#")[2], "Message": answer.get("message", "")}
        raise ClientError(answer, operation)

    def send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Answer a request that boto3 would put on the wire."""
        parts = urlsplit(str(request.url))
        service = self.services["sqs"]
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        sent: Any = request.body or b""
        body = sent.read() if hasattr(sent, "read") else sent
        with self.scope(DEFAULT_ACCOUNT, REGION):
            answer = service.handle_request(request.method, parts.path, headers, body, parse_qs(parts.query))
            status, headers, body = _finished(answer)
        return AWSResponse(request.url, status, HTTPHeaders.from_pairs(list(headers.items())), _Body(body))


class _Body:
    """A body as urllib3 streams it."""

    def __init__(self, content: bytes | str) -> None:
        self._content = content if isinstance(content, bytes) else content.encode()

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.read()

    def read(self, *_: object, **__: object) -> bytes:
        content, self._content = self._content, b""
        return content


@contextmanager
def in_process() -> Iterator[StoreInProcess]:
    """The emulator in this process; handlers called in it work there. Back-offs take no time."""
    store = _emulator()
    original = BaseClient._make_api_call  # type: ignore[attr-defined]  # private, and the one way that every call takes

    def make_api_call(client: BaseClient, operation: str, parameters: Mapping[str, Any]) -> Any:
        return store.call(client, operation, parameters, original)

    with pytest.MonkeyPatch.context() as patch:
        for name, value in _ENVIRONMENT.items():
            patch.setenv(name, value)
        _forget()
        patch.setattr(BaseClient, "_make_api_call", make_api_call)
        patch.setattr("flyteadmin.clients.dynamodb.calls.random.uniform", lambda *_: 0.0)
        level = logger.log_level
        logger.setLevel("CRITICAL")
        aws_clients.client("sqs").meta.events.register("before-send", store.send)  # type: ignore[arg-type]  # an answer ends the way
        store.create()
        yield store
        logger.setLevel(level)
    _forget()


@functools.cache
def _emulator() -> StoreInProcess:
    """MiniStack, mended once, without what it does to this process's environment and log."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment(0, auth=False).items():
            patch.setenv(name, value)
        from ministack.core.responses import request_scope
        from ministack.services import dynamodb, sqs

        from local.aws import patches

        patches.apply()
    root.handlers[:] = handlers
    root.setLevel(level)
    _hasten(dynamodb)
    return StoreInProcess({"dynamodb": dynamodb, "sqs": sqs}, create_table_requests(_PREFIX), request_scope)


def _hasten(dynamodb: Any) -> None:
    """Let the emulator read each expression and number once, and copy items as the plain trees that they are."""
    tokens = functools.lru_cache(1 << 12)(dynamodb._tokenize)
    dynamodb._tokenize = lambda expression: list(tokens(expression))
    for pure in ("_condition_syntax_error", "_number_error", "_number_size_bytes", "_ddb_canonicalize_number"):
        setattr(dynamodb, pure, functools.lru_cache(1 << 14)(getattr(dynamodb, pure)))
    dynamodb.copy = SimpleNamespace(deepcopy=_copied)


def _copied(value: Any) -> Any:
    try:
        return marshal.loads(marshal.dumps(value))  # in C, unlike deepcopy
    except ValueError:  # not only dict, list, str, int, bool, bytes
        return copy.deepcopy(value)


def _forget() -> None:
    settings.environment.cache_clear()
    storage.read_immutable.cache_clear()
    projection.forget_parents()
    aws_clients.forget()


def _finished(answer: Any) -> Any:
    try:
        answer.send(None)
    except StopIteration as finished:
        return finished.value
    raise AssertionError("the emulator waited for something")


def _on_the_wire(parameters: Mapping[str, Any]) -> Any:
    """Return a call's parameters as `encoded` does, at the speed of the C encoder."""
    return json.loads(json.dumps(parameters, default=lambda value: base64.b64encode(value).decode()))


def _with_bytes(part: dict[str, Any]) -> dict[str, Any]:
    """Return an object of an answer with its bytes, if it is a binary value."""
    return {"B": base64.b64decode(part["B"])} if isinstance(part.get("B"), str) else part


def encoded(value: Any) -> Any:
    """Return an item as it is on the wire, and as a stream hands it to a function: its bytes in base64."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: encoded(part) for name, part in value.items()}
        case list():
            return [encoded(part) for part in value]
    return value


def _decoded(value: Any) -> Any:
    match value:
        case {"B": str(text)}:
            return {"B": base64.b64decode(text)}
        case dict():
            return {name: _decoded(part) for name, part in value.items()}
        case list():
            return [_decoded(part) for part in value]
    return value


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
