"""The caller: the principal that API Gateway vouches for, which is recorded with what it does (AUT-04)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field

from flyteadmin.errors import Unauthenticated

PRINCIPAL_HEADER: Final = "x-flyteadmin-principal"
"""Carries the caller's principal through the bridge; believed from the bridge's own role only."""

ENGINE_HEADER: Final = "x-flyteadmin-engine"
"""Says through the bridge that its caller is propeller; believed from the bridge's own role only."""

_OTHERS = ("arn:", "cert:", "client:", "system:")
_SERVICE_ACCOUNT = "system:serviceaccount:"

_SUBJECT_CLAIMS = ("sub", "subject", "principal", "principalId")


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller of one request.

    `principal` is the token's subject or the IAM ARN, "" for an anonymous caller (AUT-04). `claims` are the other
    claims of the token or the authorizer's context, as text. `idempotency_key` is the same when a client repeats a call
    after an unclear outcome; "" if the client sent none. `is_engine` is true for propeller: it comes through the
    bridge, which speaks for itself then or says so.
    """

    principal: str = ""
    claims: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str = ""
    is_engine: bool = False


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

    Raises:
        Unauthenticated: a token's subject reads as a principal of another kind.
    """
    key = headers.get("idempotency-key", "")
    if authorizer is None:
        return Identity(idempotency_key=key)
    if authorizer.iam is not None:
        principal = authorizer.iam.user_arn or authorizer.iam.caller_id or authorizer.iam.user_id or ""
        if _role_of_session(principal) not in {_without_path(arn) for arn in delegates}:
            return Identity(principal, idempotency_key=key)
        vouched = unquote(headers.get(PRINCIPAL_HEADER, ""))
        if vouched:
            validate_subject(vouched)
        return Identity(vouched or principal, {}, key, not vouched or headers.get(ENGINE_HEADER) == "true")
    claims = _texts((authorizer.jwt.claims if authorizer.jwt else authorizer.context) or {})
    principal = next((claims[name] for name in _SUBJECT_CLAIMS if claims.get(name)), "")
    if principal:
        validate_subject(principal)
    return Identity(principal, claims, key)


def validate_subject(name: str) -> None:
    """Check that a token's subject, or a certificate's name, is one and reads as no principal of another kind.

    Kubernetes names the subjects of its own tokens "system:serviceaccount:<namespace>:<name>".

    Raises:
        Unauthenticated: it is empty, holds characters that nobody sees, or would be recorded like an IAM ARN, a client
            or a certificate.
    """
    if not name.strip():
        raise Unauthenticated("the caller has no name: its token's subject, or its certificate's name, is empty")
    if not name.isprintable():
        raise Unauthenticated(f"the caller's name {name[:100]!a} holds characters that can't be seen")
    lowered = name.strip().lower()
    if lowered.startswith(_OTHERS) and not name.startswith(_SERVICE_ACCOUNT):
        raise Unauthenticated(f"the caller's name {name[:100]!r} reads as a principal of another kind")


def _texts(claims: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in claims.items() if value is not None}


def _role_of_session(user_arn: str) -> str:
    """Return the role of an assumed-role session, "arn:aws:iam::123:role/Name", without its path; others unchanged."""
    head, separator, session = user_arn.partition(":assumed-role/")
    if not separator:
        return user_arn
    return f"{head.replace(':sts:', ':iam:', 1)}:role/{session.split('/', 1)[0]}"


def _without_path(role_arn: str) -> str:
    """Return a role's ARN without its path, which its sessions don't have: names are unique in an account."""
    head, separator, name = role_arn.partition(":role/")
    return f"{head}{separator}{name.rpartition('/')[2]}"
