"""HTTP APIs (API Gateway v2)."""

from collections.abc import Mapping
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.arn import execute_api_arn
from ministack.services import apigateway, lambda_svc

from local.aws.patches.lambda_ import PAYLOAD_LIMIT
from local.aws.patches.wrapping import around, around_resource

_JSON = {"Content-Type": "application/json"}
_INTERNAL_ERROR = b'{"message":"Internal Server Error"}'
_GATEWAY_BODY_LIMIT = 10 * 1024 * 1024


def cors_configuration() -> None:
    """CloudFormation's `CorsConfiguration` is kept in a case in which it is never found: preflights get 403."""

    def create(original: Any, logical_id: str, properties: Any, stack: str) -> Any:
        return original(logical_id, _with_camel_case_cors(properties), stack)

    def update(original: Any, physical_id: str, old: Any, new: Any, *rest: Any, **named: Any) -> Any:
        return original(physical_id, old, _with_camel_case_cors(new), *rest, **named)

    around_resource("AWS::ApiGatewayV2::Api", "create", create)
    around_resource("AWS::ApiGatewayV2::Api", "update", update)


def _with_camel_case_cors(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    cors = properties.get("CorsConfiguration")
    if not cors:
        return properties
    return {**properties, "CorsConfiguration": {name[0].lower() + name[1:]: value for name, value in cors.items()}}


def identity_source() -> None:
    """Without `IdentitySource` an authorizer wants the Authorization header. AWS always calls a REQUEST authorizer."""

    def create(original: Any, logical_id: str, properties: Any, stack: str) -> Any:
        return original(logical_id, _with_no_identity_source(properties), stack)

    def update(original: Any, physical_id: str, old: Any, new: Any, *rest: Any, **named: Any) -> Any:
        return original(physical_id, old, _with_no_identity_source(new), *rest, **named)

    around_resource("AWS::ApiGatewayV2::Authorizer", "create", create)
    around_resource("AWS::ApiGatewayV2::Authorizer", "update", update)


def _with_no_identity_source(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"IdentitySource": [], **properties} if properties.get("AuthorizerType") == "REQUEST" else properties


def invoke_permission() -> None:
    """`AWS::Lambda::Permission` is never looked at. AWS answers 500 where the function doesn't let the API in."""

    async def integrate(original: Any, *request: Any, owner_region: str, owner_account_id: str, **named: Any) -> Any:
        integration, api, stage, _path, method, _headers, _body, _query, route_key, *_ = request
        route_path = str(route_key).rpartition(" ")[2]
        source = execute_api_arn(owner_region, owner_account_id, api, stage, method, route_path)
        if not _may_invoke(integration.get("integrationUri", ""), source):
            return 500, dict(_JSON), _INTERNAL_ERROR
        return await original(*request, owner_region=owner_region, owner_account_id=owner_account_id, **named)

    async def authorize(original: Any, authorizer: Any, event: Any, account: str, region: str) -> Any:
        api = event["requestContext"]["apiId"]
        source = f"arn:aws:execute-api:{region}:{account}:{api}/authorizers/{authorizer['authorizerId']}"
        if not _may_invoke(authorizer.get("authorizerUri", ""), source):
            return None  # MiniStack's word for an authorizer that failed: 500
        return await original(authorizer, event, account, region)

    around(apigateway, "_invoke_lambda_proxy", integrate)
    around(apigateway, "_invoke_request_authorizer_lambda", authorize)


def _may_invoke(uri: str, source_arn: str) -> bool:
    function_arn = apigateway._extract_lambda_ref_from_integration_uri(uri)
    found = lambda_svc.function_policy_for_arn(function_arn)
    if found is None:
        return True  # no such function: MiniStack says so itself
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=function_arn,
        region=source_arn.split(":")[3],
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": source_arn.split(":")[4]},
    )
    decision = iam_evaluator.evaluate_resource_policy(found[0], context, service="apigateway.amazonaws.com")
    return bool(decision.decision == "Allow")


def event_cookies() -> None:
    """Cookies stay in the `cookie` header. AWS moves them to the event's `cookies`, for functions and authorizers."""

    def execute(original: Any, function: Any, event: Any) -> Any:
        headers = event.get("headers") if isinstance(event, dict) and event.get("version") == "2.0" else None
        if not headers or "cookie" not in headers:
            return original(function, event)
        others = {name: value for name, value in headers.items() if name != "cookie"}
        cookies = [cookie.strip() for cookie in headers["cookie"].split(";")]
        return original(function, {**event, "headers": others, "cookies": cookies})

    around(lambda_svc, "_execute_function_with_config_scope", execute)


def function_error_status() -> None:
    """A function that raised answers 502 with its error. AWS answers 500 and tells the caller nothing."""

    def shape(original: Any, result: Any) -> Any:
        if result.get("error") and not result.get("throttle"):
            return {"statusCode": 500, "headers": dict(_JSON), "body": _INTERNAL_ERROR.decode()}, None
        return original(result)

    around(lambda_svc, "lambda_execute_result_to_api_proxy_response", shape)


def request_size() -> None:
    """A body of any size goes through. AWS answers 413 above 10 MB, and where the event is above Lambda's 6 MB."""

    async def integrate(original: Any, *request: Any, **named: Any) -> Any:
        _integration, _api, _stage, _path, _method, headers, body, *_ = request
        size = len(body or b"")
        carried = size if apigateway._v2_request_body_is_text(headers.get("content-type")) else (size + 2) // 3 * 4
        if size > _GATEWAY_BODY_LIMIT or carried > PAYLOAD_LIMIT:
            return 413, dict(_JSON), b'{"message":"Request Entity Too Large"}'
        return await original(*request, **named)

    around(apigateway, "_invoke_lambda_proxy", integrate)


def iam_refusal() -> None:
    """A call that IAM refuses answers in the JSON of an AWS service. An HTTP API answers `{"message":"Forbidden"}`."""

    def enforce(original: Any, api: str, *rest: Any, **named: Any) -> Any:
        refused = original(api, *rest, **named)
        if refused and apigateway.find_api_scope(api) is not None:
            return 403, dict(_JSON), b'{"message":"Forbidden"}'
        return refused

    around(app, "_enforce_execute_api", enforce)
