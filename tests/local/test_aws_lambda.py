"""The mended functions and mappings. A test's name starts with the patch that it proves: it fails without it."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.aws.client import Endpoint
from local.aws.deploy import Deployment, DeploymentFailed, deploy
from tests.local.aws_stack import Stack, eventually


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


MORTAL = """
import os, signal, time
from pathlib import Path

HERE = Path({folder!r})
if (HERE / "die").exists():
    os.kill(os.getpid(), signal.SIGKILL)

def handler(event, context):
    (HERE / "started").touch()
    while not (HERE / "go").exists():
        time.sleep(0.02)
    return "done"
"""


def mortal(folder: Path) -> Path:
    """Write a template with a function whose workers die while they start, once there is a file `die`."""
    (folder / "code").mkdir()
    (folder / "code" / "app.py").write_text(MORTAL.format(folder=str(folder)))
    function = {"Handler": "app.handler", "Runtime": "python3.12", "CodeUri": "code", "Timeout": 20}
    resources = {"Mortal": {"Type": "AWS::Serverless::Function", "Properties": {**function, "FunctionName": "mortal"}}}
    template = folder / "template.json"
    template.write_text(json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}))
    return template


def test_one_environment__dies_alone(endpoint: Endpoint, tmp_path: Path) -> None:
    deploy(Deployment(mortal(tmp_path), "mortals", {}), endpoint)
    functions: Any = endpoint.client("lambda")
    with ThreadPoolExecutor(1) as at_once:
        busy = at_once.submit(functions.invoke, FunctionName="mortal")
        assert eventually((tmp_path / "started").exists)
        (tmp_path / "die").touch()
        assert functions.invoke(FunctionName="mortal")["FunctionError"] == "Unhandled"
        (tmp_path / "go").touch()
        assert busy.result()["Payload"].read() == b'"done"'
    (tmp_path / "die").unlink()
    assert functions.invoke(FunctionName="mortal")["Payload"].read() == b'"done"'


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
