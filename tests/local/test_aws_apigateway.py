"""The mended HTTP APIs. A test's name starts with the patch that it proves: it fails without it."""

import pytest

from local.aws.client import HttpApi
from tests.local.aws_stack import Stack


def test_cors_configuration__answers_preflights(stack: Stack) -> None:
    headers = {"Origin": "https://console.example", "Access-Control-Request-Method": "GET"}
    answer = stack.api.request("OPTIONS", "/echo", headers=headers)
    assert answer.headers["access-control-allow-origin"] == "https://console.example"


def test_identity_source__absent_asks_the_authorizer_without_any_header(stack: Stack) -> None:
    assert stack.api.request("GET", "/guarded").status == 200


@pytest.mark.parametrize(("path", "status"), [("/invited", 200), ("/uninvited", 500), ("/misguarded", 500)])
def test_invoke_permission__is_needed_per_route_and_authorizer(stack: Stack, path: str, status: int) -> None:
    headers = {"Authorization": "anything"}  # so that the answer doesn't hang on the identity source
    assert stack.api.request("GET", path, headers=headers).status == status


def test_event_cookies__are_a_list_and_no_header(stack: Stack) -> None:
    event = stack.api.request("GET", "/echo", headers={"Cookie": "a=1; b=2"}).json()
    assert (event["cookies"], "cookie" in event["headers"]) == (["a=1", "b=2"], False)


def test_event_cookies__reach_the_authorizer(stack: Stack) -> None:
    headers = {"Cookie": "a=1; b=2", "Authorization": "anything"}
    event = stack.api.request("GET", "/guarded", headers=headers).json()
    assert event["requestContext"]["authorizer"]["lambda"]["cookies"] == "a=1,b=2"


def test_function_error_status__tells_the_caller_nothing(stack: Stack) -> None:
    answer = stack.api.request("GET", "/fail")
    assert (answer.status, answer.body) == (500, b'{"message":"Internal Server Error"}')


@pytest.mark.parametrize(("content_type", "size"), [("text/plain", 6_291_457), ("application/octet-stream", 4_718_593)])
def test_request_size__above_what_lambda_carries_is_413(stack: Stack, content_type: str, size: int) -> None:
    answer = stack.api.request("POST", "/echo", bytes(size), {"Content-Type": content_type})
    assert answer.status == 413


def test_a_signed_call_tells_the_function_who_calls(stack: Stack) -> None:
    root = stack.endpoint.session().get_credentials()
    assert root is not None
    api = HttpApi(stack.api.base_url, root)
    event = api.request("GET", "/signed?a=1%202").json()
    assert event["requestContext"]["authorizer"]["iam"]["accountId"] == "000000000000"


def test_iam_refusal__is_a_gateways(stack: Stack) -> None:
    api = HttpApi(stack.api.base_url, stack.caller())  # the role may not invoke the API
    answer = api.request("GET", "/signed")
    assert (answer.status, answer.json()) == (403, {"message": "Forbidden"})
