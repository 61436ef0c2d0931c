"""Lambda functions and what their event source mappings need."""

import hashlib
import json
import os
import tempfile
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import lambda_runtime
from ministack.core.arn import parse_arn
from ministack.services import lambda_svc, sqs

from local.aws.patches.roles import role_may
from local.aws.patches.wrapping import around, around_resource

PAYLOAD_LIMIT = 6 * 1024 * 1024
_POLLING = {
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "dynamodb": ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams"),
}
_SENDING = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "s3": "s3:PutObject"}


def response_size() -> None:
    """A function may answer with any size. AWS fails a synchronous call whose answer is above 6 MB."""

    def execute(original: Any, function: Any, event: Any) -> Any:
        result = original(function, event)
        body = result.get("body") if isinstance(result, dict) else None
        size = len(body) if isinstance(body, str | bytes) else len(json.dumps(body, ensure_ascii=False).encode())
        if size <= PAYLOAD_LIMIT:
            return result
        message = f"Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes)."
        error = {"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}
        return {**result, "error": True, "function_error": "Unhandled", "body": error}

    around(lambda_svc, "_execute_function_with_config_scope", execute)


def one_environment() -> None:
    """A worker that dies while it starts takes all others of its function with it, and the calls that they have.

    On AWS the environments of a function know nothing of each other: the one call fails.
    """

    def invoke(original: Any, worker: Any, *call: Any, **named: Any) -> Any:
        try:
            return original(worker, *call, **named)
        except RuntimeError as error:  # it didn't come up; MiniStack would invalidate the whole function
            return {"status": "error", "error": str(error)}

    around(lambda_runtime.Worker, "invoke", invoke)


def mapping_role() -> None:
    """A mapping polls whatever its function's role says. AWS refuses to make one whose role may not read the source."""

    def create(original: Any, logical_id: str, properties: Any, stack: str) -> Any:
        if app.AUTH and (missing := _missing_permission(properties)):
            raise ValueError(f"The provided execution role does not have permissions to call {missing}")
        return original(logical_id, properties, stack)

    around_resource("AWS::Lambda::EventSourceMapping", "create", create)


def _missing_permission(mapping: Mapping[str, Any]) -> str | None:
    name, qualifier = lambda_svc._resolve_name_and_qualifier(mapping.get("FunctionName", ""))
    _record, config = lambda_svc._get_func_record_for_qualifier(name, qualifier)
    role = (config or {}).get("Role", "")
    source = mapping.get("EventSourceArn", "")
    needed = [(action, source) for action in _POLLING.get(parse_arn(source).service, ())]
    destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    if destination:
        needed.append((_SENDING[parse_arn(destination).service], destination))
    return next((f"{action} on {arn}" for action, arn in needed if not role_may(role, action, arn)), None)


def mapping_visibility() -> None:
    """A queue may hide messages for less time than its function runs. AWS refuses to map such a queue."""

    def create(original: Any, logical_id: str, properties: Any, stack: str) -> Any:
        queue = sqs._queue_by_arn(properties.get("EventSourceArn", ""))
        if queue:
            _require_visibility(queue, properties.get("FunctionName", ""))
        return original(logical_id, properties, stack)

    around_resource("AWS::Lambda::EventSourceMapping", "create", create)


def _require_visibility(queue: Mapping[str, Any], function: str) -> None:
    name, qualifier = lambda_svc._resolve_name_and_qualifier(function)
    _record, config = lambda_svc._get_func_record_for_qualifier(name, qualifier)
    hidden, runs = int(queue["attributes"].get("VisibilityTimeout", 30)), int((config or {}).get("Timeout", 3))
    if hidden < runs:
        raise ValueError(f"Queue visibility timeout: {hidden} seconds is less than Function timeout: {runs} seconds")


def shared_code() -> None:
    """Every worker unpacks code and layers anew, thousands of files. AWS shares them, read-only: once is enough."""
    folder = Path(tempfile.gettempdir(), f"unpacked-{os.getpid()}")
    unpacking = threading.Lock()

    class Unpacked(zipfile.ZipFile):
        def extractall(self, path: Any = None, *_: Any, **__: Any) -> None:
            with Path(str(self.filename)).open("rb") as archive:
                kept = folder / hashlib.file_digest(archive, "sha256").hexdigest()
            with unpacking:
                if not kept.exists():
                    super().extractall(f"{kept}.part")
                    Path(f"{kept}.part").rename(kept)
            for entry in kept.iterdir():
                (Path(path) / entry.name).symlink_to(entry)

    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": Unpacked})
