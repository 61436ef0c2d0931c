"""The events that AWS hands to functions, as small as they can be and still real."""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import quote, urlencode

from aws_lambda_powertools.utilities.typing import LambdaContext
from google.protobuf.message import Message

PRINCIPAL_ARN = "arn:aws:sts::123456789012:assumed-role/data-scientist/session"
SENT_AT = time.time_ns() // 1_000_000
"""When every message was sent, in milliseconds: now, since the database removes what is old."""

OCTETS = "application/octet-stream"


class Context(LambdaContext):
    """The context that Lambda passes beside the event; `seconds` is how long the function may run."""

    def __init__(self, seconds: float = 30) -> None:
        self._ends = monotonic() + seconds
        self._function_name = "function"
        self._memory_limit_in_mb = 512
        self._invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:function"
        self._aws_request_id = "request"

    def get_remaining_time_in_millis(self) -> int:  # type: ignore[override]  # a static method where it is declared
        return max(0, int((self._ends - monotonic()) * 1000))


@dataclass(frozen=True)
class Answer:
    """The answer of an API handler."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, object]:
        decoded = json.loads(self.body)
        assert isinstance(decoded, dict)
        return decoded

    def message[M: Message](self, of: type[M]) -> M:
        return of.FromString(self.body)


def http_event(
    method: str,
    path: str,
    *,
    body: bytes = b"",
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """Return an HTTP API request, payload version 2.0, signed by an IAM principal."""
    return {
        "version": "2.0",
        "rawPath": quote(path, safe="/%"),
        "rawQueryString": urlencode(query or {}),
        "headers": dict(headers or {}),
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
        "requestContext": {
            "stage": "$default",
            "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"},
            "authorizer": {"iam": {"userArn": PRINCIPAL_ARN, "accountId": "123456789012"}},
        },
    }


def answer_of(response: Mapping[str, object]) -> Answer:
    """Return an API handler's response, its body decoded."""
    body = str(response.get("body", ""))
    headers = response.get("headers", {})
    status = response["statusCode"]
    assert isinstance(headers, Mapping)
    assert isinstance(status, int)
    return Answer(status, base64.b64decode(body) if response.get("isBase64Encoded") else body.encode(), headers)


def queue_record(
    body: str,
    sequence: int,
    *,
    group: str = "group",
    message_id: str = "",
    receive_count: int = 1,
    redriven: int | None = None,
) -> dict[str, object]:
    """Return a record of the event queue."""
    attributes = {"sequence": {"stringValue": str(redriven), "dataType": "String"}} if redriven is not None else {}
    return {
        "messageId": message_id or f"message-{sequence}",
        "body": body,
        "attributes": {
            "SequenceNumber": str(sequence),
            "MessageGroupId": group,
            "ApproximateReceiveCount": str(receive_count),
            "SentTimestamp": str(SENT_AT),
        },
        "messageAttributes": attributes,
    }


def batch(records: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Return a batch of records, from a queue or a stream."""
    return {"Records": list(records)}
