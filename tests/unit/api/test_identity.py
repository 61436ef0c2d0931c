"""The caller's identity from each of API Gateway's authorizers."""

import pytest

from flyteadmin.api.identity import (
    ENGINE_HEADER,
    PRINCIPAL_HEADER,
    Authorizer,
    Identity,
    identity_of,
    validate_subject,
)
from flyteadmin.errors import Unauthenticated

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


@pytest.mark.parametrize("path", ["", "eks/", "teams/data/"])
def test_a_session_names_no_path_of_its_role(path: str) -> None:
    authorizer = Authorizer.model_validate({"iam": {"userArn": BRIDGE_SESSION}})
    delegates = [f"arn:aws:iam::123456789012:role/{path}bridge"]
    assert identity_of(authorizer, {PRINCIPAL_HEADER: "ada"}, delegates).principal == "ada"


def test_propeller_is_the_bridge_itself_or_one_that_it_names() -> None:
    authorizer: dict[str, object] = {"iam": {"userArn": BRIDGE_SESSION}}
    assert caller(authorizer).is_engine
    assert caller(authorizer, {PRINCIPAL_HEADER: "propeller", ENGINE_HEADER: "true"}).is_engine
    assert not caller(authorizer, {PRINCIPAL_HEADER: "ada"}).is_engine
    assert not caller({"iam": {"userArn": "arn:aws:iam::1:user/ada"}}, {ENGINE_HEADER: "true"}).is_engine
    assert not caller({"jwt": {"claims": {"sub": "ada"}}}, {ENGINE_HEADER: "true"}).is_engine


NAMES_OF_OTHERS = ["arn:aws:iam::1:user/ada", "ARN:aws:x", " arn:aws:x", "system:masters", "cert:ada", "client:ada"]
INVISIBLE = ["\u200barn:aws:iam::1:role/x", "\ufeffarn:aws:x", "\u00adarn:aws:x", "a\x00", "\u2060", "a\nb"]


@pytest.mark.parametrize("name", [*NAMES_OF_OTHERS, *INVISIBLE])
def test_a_subject_that_reads_as_another_kind_of_principal_is_refused(name: str) -> None:
    words = "reads as a principal of another kind|holds characters that can't be seen"
    with pytest.raises(Unauthenticated, match=words):
        caller({"jwt": {"claims": {"sub": name}}})
    with pytest.raises(Unauthenticated, match=words):
        caller({"iam": {"userArn": BRIDGE_SESSION}}, {PRINCIPAL_HEADER: name})


@pytest.mark.parametrize("name", ["ada", "ada@example.com", "system:serviceaccount:flyte:flytepropeller", "arnold"])
def test_a_subject_that_is_one(name: str) -> None:
    validate_subject(name)


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
