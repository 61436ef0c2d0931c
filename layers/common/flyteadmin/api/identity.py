"""The caller: the principal that API Gateway vouches for, which is recorded with what it does (AUT-04)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field

PRINCIPAL_HEADER: Final = "x-flyteadmin-principal"
"""Carries the caller's principal through the bridge; believed from the bridge's own role only."""

_SUBJECT_CLAIMS = ("sub", "subject", "principal", "principalId")


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller of one request.

    `principal` is the token's subject or the IAM ARN, "" for an anonymous caller (AUT-04). `claims` are the other
    claims of the token or the authorizer's context, as text. `idempotency_key` is the same when a client repeats a call
    after an unclear outcome; "" if the client sent none.
    """

    principal: str = ""
    claims: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str = ""


class _Iam(BaseModel):
    user_arn: str | None = Field(None, alias="userArn")
    caller_id: str | None = Field(None, alias="callerId")
    user_id: str | None = Field(None, alias="userId")


class _Jwt(BaseModel):
    claims: Mapping[str, object] | None = None


class Authorizer(BaseModel):
    """`requestContext.authorizer` of an HTTP API event: one of IAM, JWT, a Lambda authorizer's context."""

    model_config = ConfigDict(frozen=True)

    iam: _Iam | None = None
    jwt: _Jwt | None = None
    context: Mapping[str, object] | None = Field(None, alias="lambda")


def identity_of(authorizer: Authorizer | None, headers: Mapping[str, str], delegates: Collection[str] = ()) -> Identity:
    """Return the caller that API Gateway verified; headers (lower-case names) are believed from `delegates` only.

    `delegates` are the ARNs of IAM roles that pass on another caller's principal: the bridge's.
    """
    key = headers.get("idempotency-key", "")
    if authorizer is None:
        return Identity(idempotency_key=key)
    if authorizer.iam is not None:
        principal = authorizer.iam.user_arn or authorizer.iam.caller_id or authorizer.iam.user_id or ""
        if _role_arn(principal) in delegates:
            principal = unquote(headers.get(PRINCIPAL_HEADER, "")) or principal
        return Identity(principal, idempotency_key=key)
    claims = _texts((authorizer.jwt.claims if authorizer.jwt else authorizer.context) or {})
    principal = next((claims[name] for name in _SUBJECT_CLAIMS if claims.get(name)), "")
    return Identity(principal, claims, key)


def _texts(claims: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in claims.items() if value is not None}


def _role_arn(user_arn: str) -> str:
    """Return the role's ARN of an assumed-role session, "arn:aws:iam::123:role/Name"; other ARNs unchanged."""
    head, separator, session = user_arn.partition(":assumed-role/")
    if not separator:
        return user_arn
    return f"{head.replace(':sts:', ':iam:', 1)}:role/{session.split('/', 1)[0]}"
