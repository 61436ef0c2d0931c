"""Evaluates a role's rights when AWS itself acts under it, with MiniStack's evaluator; used by several patches."""

from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region

from local.aws import audit


def role_may(role_arn: str, action: str, resource_arn: str) -> bool:
    """Return whether the policies of a role of this account allow an action; the decision is audited."""
    role = role_arn.rpartition("/")[2]
    principal = f"arn:aws:sts::{get_account_id()}:assumed-role/{role}/service"
    context: Any = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
    )
    policies = iam_evaluator._gather_role_policies(role, get_account_id())
    decision = str(iam_evaluator.evaluate(context, policies).decision)
    audit.note(audit.Decision(role, action, resource_arn, decision, principal, {}))
    return decision == "Allow"
