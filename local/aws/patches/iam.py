"""Names the action and the resource for which a request is checked."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core import iam_actions

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
