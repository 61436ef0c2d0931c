"""The caller's identity from each of API Gateway's authorizers."""

import pytest

from flyteadmin.api.identity import PRINCIPAL_HEADER, Authorizer, Identity, identity_of

BRIDGE = "arn:aws:iam::123456789012:role/bridge"
BRIDGE_SESSION = "arn:aws:sts::123456789012:assumed-role/bridge/i-0abc"


def caller(authorizer: dict[str, object] | None, headers: dict[str, str] | None = None) -> Identity:
    parsed = None if authorizer is None else Authorizer.model_validate(authorizer)
    return identity_of(parsed, headers or {}, delegates=[BRIDGE])


@pytest.mark.conformance("AUT-04")
def test_without_an_authorizer_the_principal_is_empty() -> None:
    assert caller(None) == Identity("")
    assert caller({}) == Identity("")


def test_iam_callers_are_their_arn() -> None:
    arn = "arn:aws:iam::123456789012:user/someone"
    assert caller({"iam": {"userArn": arn, "callerId": "AIDA", "userId": "AIDA"}}).principal == arn
    assert caller({"iam": {"userArn": None, "callerId": "AIDA", "cognitoIdentity": None}}).principal == "AIDA"


@pytest.mark.conformance("AUT-04")
def test_a_token_s_subject_is_the_principal_and_its_claims_are_kept() -> None:
    identity = caller({"jwt": {"claims": {"sub": "user-1", "email": "e@x", "exp": 17}, "scopes": ["all"]}})
    assert identity.principal == "user-1"
    assert identity.claims == {"sub": "user-1", "email": "e@x", "exp": "17"}


@pytest.mark.parametrize("name", ["sub", "subject", "principal", "principalId"])
def test_a_lambda_authorizer_s_context_names_the_principal(name: str) -> None:
    assert caller({"lambda": {name: "user-1", "other": None}}).principal == "user-1"


def test_a_context_without_a_subject_is_nobody() -> None:
    assert caller({"lambda": {"scope": "all"}}).principal == ""
    assert caller({"lambda": None}).principal == ""


def test_the_bridge_passes_on_its_caller() -> None:
    authorizer: dict[str, object] = {"iam": {"userArn": BRIDGE_SESSION}}
    assert caller(authorizer, {PRINCIPAL_HEADER: "propeller"}).principal == "propeller"
    assert caller(authorizer).principal == BRIDGE_SESSION  # for a caller on its own machine it speaks itself


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sts::123456789012:assumed-role/other/bridge",
        "arn:aws:sts::999999999999:assumed-role/bridge/x",
        "arn:aws:iam::123456789012:user/bridge",
    ],
)
def test_nobody_else_may_say_who_they_are(arn: str) -> None:
    assert caller({"iam": {"userArn": arn}}, {PRINCIPAL_HEADER: "admin"}).principal == arn
    assert caller(None, {PRINCIPAL_HEADER: "admin"}).principal == ""
    assert caller({"jwt": {"claims": {"sub": "u"}}}, {PRINCIPAL_HEADER: "admin"}).principal == "u"


def test_the_idempotency_key_travels_with_the_call() -> None:
    assert caller(None, {"idempotency-key": "k"}).idempotency_key == "k"
    assert caller({"iam": {"userArn": "a"}}, {"idempotency-key": "k"}).idempotency_key == "k"
    assert caller({"jwt": {"claims": {"sub": "u"}}}, {"idempotency-key": "k"}).idempotency_key == "k"
