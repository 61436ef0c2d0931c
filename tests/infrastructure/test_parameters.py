"""The template's own refusal: CloudFormation won't open the API to everybody but on the embedded stack."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.client import Endpoint
from tests.infrastructure.template import load

ACCOUNT = "999900000001"


def deploy(endpoint: Endpoint, name: str, parameters: dict[str, str]) -> Any:
    """Return the template's parameters and rules over a resource that costs nothing."""
    document = load().document
    body = {
        "Parameters": document["Parameters"],
        "Rules": document["Rules"],
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    }
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    client: Any = endpoint.client("cloudformation", ACCOUNT)
    return client.create_stack(StackName=name, TemplateBody=json.dumps(body), Parameters=given)


@pytest.mark.parametrize("parameters", [{}, {"AuthMode": "IAM"}, {"AuthMode": "NONE", "Stage": "local"}])
def test_a_guarded_or_local_stack_is_taken(parameters: dict[str, str], endpoint: Endpoint) -> None:
    assert deploy(endpoint, f"taken-{len(parameters)}", parameters)["StackId"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"AuthMode": "NONE"}, "AuthMode NONE opens the API to everybody"),
        ({"AuthMode": "NONE", "Stage": "production"}, "AuthMode NONE opens the API to everybody"),
        ({"AuthMode": "MAYBE"}, "AuthMode"),
        ({"Stage": "staging"}, "Stage"),
        ({"Architecture": "riscv"}, "Architecture"),
    ],
)
def test_an_open_production_stack_is_refused(parameters: dict[str, str], message: str, endpoint: Endpoint) -> None:
    with pytest.raises(ClientError, match=message):
        deploy(endpoint, "refused", parameters)


def test_browsers_read_the_bucket_from_the_consoles_origins_alone() -> None:
    closed = load({"ConsoleOrigins": ""}).resources("AWS::S3::Bucket")
    assert [bucket.get("CorsConfiguration") for _, bucket in closed] == [None]
    origins = "https://flyte.example.org,https://console.example.org"
    [(_, bucket)] = load({"ConsoleOrigins": origins}).resources("AWS::S3::Bucket")
    [rule] = bucket["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedOrigins"] == origins.split(",")
    assert set(rule["AllowedMethods"]) == {"GET", "HEAD", "PUT"}


def test_every_parameter_says_what_it_is_for_and_has_a_default() -> None:
    for name, parameter in load().document["Parameters"].items():
        assert parameter["Description"], name
        assert "Default" in parameter, name


def test_each_function_that_reads_the_configuration_knows_for_which_deployment_it_checks_it() -> None:
    functions = load({"Stage": "production", "ClusterName": "east"}).resources("AWS::Serverless::Function")
    variables = [function.get("Environment", {}).get("Variables", {}) for _, function in functions]
    reading = [each for each in variables if "CONFIGURATION_URI" in each]
    assert reading
    assert {(each["STAGE"], each["CLUSTER_NAME"]) for each in reading} == {("production", "east")}
