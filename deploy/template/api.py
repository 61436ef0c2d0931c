"""Render what leads from the API to a function: one route per noun and method of the RPCs that its handler claims."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from deploy.template.cloudformation import InvalidSource, Resource, Value, attribute, pascal_case, ref, sub
from deploy.template.function_file import Function, PlainRoute
from flyteadmin.api.routes import api_gateway_routes

SIGNED: Mapping[str, Value] = {"AuthorizationType": {"Fn::If": ["IsOpen", "NONE", "AWS_IAM"]}}
"""The authorizer of every signed route."""

UNSIGNED: Mapping[str, Value] = {"AuthorizationType": "NONE"}

_CALLER = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"


def check(functions: Iterable[Function], rpcs: Mapping[str, Collection[str]]) -> None:
    """Check that each route leads to one function.

    Raises:
        InvalidSource: two functions claim RPCs of the same noun and method.
    """
    owners: dict[str, str] = {}
    for function in functions:
        for route in _routes(function, rpcs.get(function.name, ())):
            if (owner := owners.setdefault(route.key, function.name)) != function.name:
                raise InvalidSource(
                    f"functions/{function.name}: {route.key} leads to {owner} already: "
                    "one function serves all RPCs of a noun and method"
                )


def resources(function: Function, rpcs: Collection[str]) -> Iterator[Resource]:
    """Yield a function's integration, the API's permission to call it, and its routes; nothing if it has no route."""
    routes = _routes(function, rpcs)
    if not routes:
        return
    integration: dict[str, Value] = {
        "ApiId": ref("Api"),
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": attribute(f"{function.prefix}Function"),
        "PayloadFormatVersion": "2.0",
    }
    yield Resource(f"{function.prefix}Integration", "AWS::ApiGatewayV2::Integration", integration)
    permission: dict[str, Value] = {
        "FunctionName": ref(f"{function.prefix}Function"),
        "Action": "lambda:InvokeFunction",
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": sub(_CALLER),
    }
    yield Resource(f"{function.prefix}Permission", "AWS::Lambda::Permission", permission)
    for route in routes:
        yield _route(route, function)


def _routes(function: Function, rpcs: Collection[str]) -> list[PlainRoute]:
    return [*(PlainRoute(key=key) for key in api_gateway_routes(rpcs)), *function.definition.routes]


def _route(route: PlainRoute, function: Function) -> Resource:
    properties: dict[str, Value] = {
        "ApiId": ref("Api"),
        "RouteKey": route.key,
        **(SIGNED if route.is_signed else UNSIGNED),
        "Target": sub(f"integrations/${{{function.prefix}Integration}}"),
    }
    return Resource(_logical_id(route.key), "AWS::ApiGatewayV2::Route", properties, comment=route.why)


def _logical_id(key: str) -> str:
    """Return the id of a route: "GetTasksAllRoute" of "GET /api/v1/tasks/{proxy+}"."""
    if key == "$default":
        return "DefaultRoute"
    method, _, path = key.partition(" /")
    noun = path.removeprefix("api/v1/").replace("{proxy+}", "all")
    return f"{method.capitalize()}{pascal_case(noun)}Route"
