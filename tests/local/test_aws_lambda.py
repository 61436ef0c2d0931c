"""The mended functions and mappings. A test's name starts with the patch that it proves: it fails without it."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.aws.client import Endpoint
from local.aws.deploy import Deployment, DeploymentFailed, deploy
from tests.local.aws_stack import Stack


def test_response_size__above_6_mb_is_an_error(stack: Stack) -> None:
    assert stack.api.request("GET", "/large").status == 500


def test_shared_code__is_unpacked_once_for_all_that_run_it(stack: Stack) -> None:
    functions = stack.client("lambda")
    names = [each["FunctionName"] for each in functions.list_functions()["Functions"]]
    asked = [name for name in names if "ApiFunction" in name or "UninvitedFunction" in name]
    answers = [functions.invoke(FunctionName=name, Payload=b'{"rawPath": "/where"}') for name in asked]
    places = [json.loads(answer["Payload"].read())["body"] for answer in answers]
    assert len(places) == 2
    assert len(set(places)) == 1


def consumer(folder: Path, *, visible_after: int, policies: list[str]) -> Path:
    """Write a template with a function of 10 seconds over a queue."""
    allow = {"Effect": "Allow", "Action": policies, "Resource": {"Fn::GetAtt": ["Inbox", "Arn"]}}
    role = {
        "AssumeRolePolicyDocument": {"Statement": []},
        "Policies": [{"PolicyName": "read", "PolicyDocument": {"Statement": [allow]}}],
    }
    function = {"Handler": "app.handler", "Runtime": "python3.12", "CodeUri": ".", "Timeout": 10}
    mapping = {"FunctionName": {"Ref": "Function"}, "EventSourceArn": {"Fn::GetAtt": ["Inbox", "Arn"]}}
    resources: dict[str, Any] = {
        "Inbox": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": visible_after}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Function": {
            "Type": "AWS::Serverless::Function",
            "Properties": {**function, "Role": {"Fn::GetAtt": ["Role", "Arn"]}},
        },
        "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
    }
    template = folder / "template.json"
    template.write_text(json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}))
    return template


POLLING = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]


def test_a_mapping_whose_role_and_queue_fit_is_made(endpoint: Endpoint, tmp_path: Path) -> None:
    assert deploy(Deployment(consumer(tmp_path, visible_after=10, policies=POLLING), "fits", {}), endpoint) == {}


@pytest.mark.parametrize("missing", POLLING)
def test_mapping_role__must_be_able_to_poll(endpoint: Endpoint, tmp_path: Path, missing: str) -> None:
    template = consumer(tmp_path, visible_after=10, policies=[action for action in POLLING if action != missing])
    with pytest.raises(DeploymentFailed, match=f"does not have permissions to call {missing}"):
        deploy(Deployment(template, "lacks-" + missing[4:], {}), endpoint)


def test_mapping_visibility__must_cover_the_functions_timeout(endpoint: Endpoint, tmp_path: Path) -> None:
    template = consumer(tmp_path, visible_after=9, policies=POLLING)
    with pytest.raises(DeploymentFailed, match="visibility timeout: 9 seconds is less than Function timeout: 10"):
        deploy(Deployment(template, "hides-too-briefly", {}), endpoint)
