"""Names the action and the resource for which a request is checked."""

import json
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator

from local.aws.patches.wrapping import around

_PARTIQL_OPERATIONS = ("dynamodb:ExecuteStatement", "dynamodb:BatchExecuteStatement", "dynamodb:ExecuteTransaction")
_STATEMENT = re.compile(
    r"""\s* (?: (?P<select>SELECT)\b.*?\bFROM | (?P<insert>INSERT)\s+INTO
           | (?P<update>UPDATE) | (?P<delete>DELETE)\s+FROM )
         \s+ (?: "(?P<quoted>[\w.-]+)" (?: \."(?P<index>[\w.-]+)" )? | (?P<bare>\w+) )""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_BATCH_OPERATIONS = (
    "sqs:SendMessageBatch",
    "sqs:DeleteMessageBatch",
    "sqs:ChangeMessageVisibilityBatch",
    "sns:PublishBatch",
)


def root_signature() -> None:
    """The signature of a root user is never looked at, so that any secret will do. AWS checks every signature."""
    checking = ContextVar("checking", default=False)

    def pin(original: Any, *request: Any, **named: Any) -> Any:
        token = checking.set(True)
        try:
            return original(*request, **named)
        finally:
            checking.reset(token)

    def is_root_key(original: Any, access_key_id: str) -> Any:
        return not access_key_id if checking.get() else original(access_key_id)

    around(app, "pin_signed_request", pin)
    around(iam_evaluator, "caller_verified", pin)
    around(iam_evaluator, "_is_root_key", is_root_key)


def no_credentials() -> None:
    """Without credentials a caller is root wherever no action is known for a request. AWS refuses it."""

    def check(original: Any, access_key_id: str, service: str | None = None) -> Any:
        if not access_key_id and service != "s3":
            return iam_evaluator.AuthError("MissingAuthenticationToken", "Missing Authentication Token")
        return original(access_key_id, service)

    around(iam_evaluator, "check_credentials", check)


def batch_actions() -> None:
    """`SendMessageBatch` and its like want an action of that name. AWS has none: it checks the single one."""

    def extract(original: Any, *request: Any) -> Any:
        action = original(*request)
        return action.removesuffix("Batch") if action in _BATCH_OPERATIONS else action

    around(iam_actions, "extract_iam_action", extract)


def partiql_actions() -> None:
    """PartiQL wants `dynamodb:ExecuteStatement` on `*`. AWS checks `PartiQLUpdate` and so on for each statement."""

    def checks(original: Any, action: str, body: bytes, region: str, account: str) -> Any:
        if action not in _PARTIQL_OPERATIONS:
            return original(action, body, region, account)
        prefix = f"arn:aws:dynamodb:{region}:{account}:table/"
        return [(name, prefix + resource) for name, resource in _partiql_checks(json.loads(body))]

    around(iam_actions, "dynamodb_transaction_checks", checks)


def _partiql_checks(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    several = request.get("Statements") or request.get("TransactStatements") or []
    for statement in (request.get("Statement"), *(entry.get("Statement") for entry in several)):
        if match := _STATEMENT.match(statement or ""):
            verb = next(name for name in ("select", "insert", "update", "delete") if match[name])
            index = f"/index/{match['index']}" if match["index"] else ""
            yield f"dynamodb:PartiQL{verb.capitalize()}", (match["quoted"] or match["bare"]) + index
