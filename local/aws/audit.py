"""IAM decisions: a record of each one that the local AWS takes about a role, and the same evaluation for tests."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id

type PolicyDocument = Mapping[str, object]
type Context = Mapping[str, str | Sequence[str]]

_lock = threading.Lock()
_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One authorization of an assumed role; `decision` is Allow, Deny or ImplicitDeny."""

    role: str
    action: str
    resource: str
    decision: str
    principal_arn: str
    context: Context  # condition keys that the request brought, as `allowed` takes them


def decisions(file: Path) -> Iterator[Decision]:
    """Yield the decisions recorded in a file, in the order they were taken."""
    with file.open() as lines:
        for line in lines:
            yield Decision(**json.loads(line))


def allowed(
    policy_documents: Sequence[PolicyDocument], action: str, resource: str, context: Context | None = None
) -> bool:
    """Return whether IAM would let a role with these policies take an action, by MiniStack's own evaluator.

    Args:
        policy_documents: The role's identity policies; resource policies don't count.
        action: Like `dynamodb:PutItem`.
        resource: The ARN acted on.
        context: Condition keys and their values, like `dynamodb:LeadingKeys`.
    """
    request: Any = iam_evaluator.EvalContext(
        principal_arn="arn:aws:sts::000000000000:assumed-role/asked/about",
        principal_type="AssumedRole",
        principal_account="000000000000",
        action=action,
        resource_arn=resource,
        region="us-east-1",
        secure_transport=True,
        service_context={key.lower(): value for key, value in (context or {}).items()},
    )
    policies = [iam_evaluator.parse_policy_document(dict(document)) for document in policy_documents]
    return bool(iam_evaluator.evaluate(request, policies).decision == "Allow")


def record_decisions(file: Path) -> None:
    """From now on, append each decision about an assumed role to `file`; call it in the server, after the patches."""
    global _file  # noqa: PLW0603  the server has one record, set once when it starts
    _file = file
    enforce = iam_evaluator.enforce

    def recording(key: str, action: str, service: str, region: str, resource_arn: str = "*", **rest: Any) -> Any:
        denied = enforce(key, action, service, region, resource_arn=resource_arn, **rest)
        principal = iam_evaluator.resolve_principal(key or "", get_account_id())
        if getattr(principal, "type", None) == "AssumedRole":
            role = iam_evaluator._role_name_from_assumed_arn(principal.arn)
            decision = (
                denied.decision if isinstance(denied, iam_evaluator.EvalResult) else "Deny" if denied else "Allow"
            )
            context = {key: value for key, value in (rest.get("service_context") or {}).items() if value is not None}
            note(Decision(role, action, resource_arn, decision, principal.arn, context))
        return denied

    iam_evaluator.enforce = recording


def note(decision: Decision) -> None:
    """Record a decision, if decisions are being recorded."""
    if _file is None:
        return
    with _lock, _file.open("a") as lines:
        lines.write(json.dumps(asdict(decision), default=str) + "\n")
