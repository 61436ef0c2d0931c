"""SQS queues as event sources of functions."""

from contextvars import ContextVar
from typing import Any

from ministack.services import lambda_svc, sqs

from local.aws.patches.partial_responses import failed_identifiers
from local.aws.patches.wrapping import around

_batch_in_hand: ContextVar[frozenset[str] | None] = ContextVar(
    "message ids that a partial response may name", default=None
)


def fifo_groups_in_parallel() -> None:
    """A FIFO queue is worked one batch at a time, and nothing is redelivered while a handler runs.

    AWS runs message groups in parallel, and makes a message visible again when its time-out passes, whether its handler
    has returned or not. MiniStack's receive already blocks a group in flight, so lifting its limit is safe.
    """

    def concurrency(original: Any, mapping: Any, record: Any, config: Any, queue: Any = None) -> Any:
        return original(mapping, record, config, None)

    around(lambda_svc, "_sqs_esm_concurrency", concurrency)


def stale_receipts() -> None:
    """A handler that outlived the visibility time-out deletes the message that was delivered again meanwhile.

    On AWS its receipt is stale by then, and the delete comes to nothing.
    """

    def receive(original: Any, queue_url: str, most: int) -> Any:
        return [dict(message) for message in original(queue_url, most)]

    around(sqs, "_receive_messages_for_esm", receive)


def malformed_partial_response() -> None:
    """A partial response that names no message, or an unknown one, counts as success. AWS fails the whole batch."""

    def run(original: Any, mapping: Any, record: Any, event: Any, *rest: Any) -> Any:
        reports = "ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or [])
        ids = frozenset(message["messageId"] for message in event["Records"]) if reports else None
        token = _batch_in_hand.set(ids)
        try:
            return original(mapping, record, event, *rest)
        finally:
            _batch_in_hand.reset(token)

    def execute(original: Any, record: Any, event: Any) -> Any:
        result = original(record, event)
        ids = _batch_in_hand.get()
        if ids is None or result.get("error") or ids.issuperset(failed_identifiers(result.get("body"))):
            return result
        return {
            **result,
            "error": True,
            "body": {"errorType": "MalformedPartialResponse", "errorMessage": str(result.get("body"))},
        }

    around(lambda_svc, "_run_sqs_batch", run)
    around(lambda_svc, "_execute_function", execute)
