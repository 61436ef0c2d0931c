"""Deploying a built template into the local AWS."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.aws.client import Endpoint
from local.aws.deploy import Deployment, DeploymentFailed, deploy, zipped


def build(folder: Path, resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> Path:
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "app.py").write_text("def handler(event, context):\n    return {}\n")
    template = folder / "template.yaml"
    document = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources, "Outputs": outputs or {}}
    template.write_text(json.dumps(document))
    return template


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


FUNCTION = {
    "Type": "AWS::Serverless::Function",
    "Properties": {"Handler": "app.handler", "Runtime": "python3.12", "CodeUri": "code"},
}


def test_a_stack_is_created_updated_and_left_alone(endpoint: Endpoint, tmp_path: Path) -> None:
    outputs = {"Name": {"Value": {"Fn::GetAtt": ["Inbox", "QueueName"]}}}
    first = deploy(Deployment(build(tmp_path, {"Inbox": queue(QueueName="one")}, outputs), "grows", {}), endpoint)
    second = deploy(Deployment(build(tmp_path, {"Inbox": queue(QueueName="two")}, outputs), "grows", {}), endpoint)
    third = deploy(Deployment(tmp_path / "template.yaml", "grows", {}), endpoint)
    assert (first, second, third) == ({"Name": "one"}, {"Name": "two"}, {"Name": "two"})


def test_unchanged_code_is_uploaded_once(endpoint: Endpoint, tmp_path: Path) -> None:
    deployment = Deployment(build(tmp_path, {"Function": FUNCTION}), "uploads", {})
    lines: list[str] = []
    deploy(deployment, endpoint, report=lines.append)
    deploy(deployment, endpoint, report=lines.append)
    assert [line for line in lines if line.startswith("upload")] == ["upload code"]


def test_a_failed_stack_names_what_failed_and_can_be_deployed_again(endpoint: Endpoint, tmp_path: Path) -> None:
    broken = {"Inbox": queue(), "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "nothing"}}}
    with pytest.raises(DeploymentFailed, match=r"CREATE_FAILED Alarm: .*MetricName"):
        deploy(Deployment(build(tmp_path, broken), "fails", {}), endpoint)
    assert deploy(Deployment(build(tmp_path, {"Inbox": queue()}), "fails", {}), endpoint) == {}


def test_a_missing_build_is_named(endpoint: Endpoint, tmp_path: Path) -> None:
    template = build(tmp_path, {"Function": {**FUNCTION, "Properties": {"CodeUri": "elsewhere"}}})
    with pytest.raises(FileNotFoundError, match="elsewhere is not there: build first"):
        deploy(Deployment(template, "unbuilt", {}), endpoint)


def test_a_zip_depends_on_content_alone(tmp_path: Path) -> None:
    for name, order in (("a", "xy"), ("b", "yx")):
        (tmp_path / name).mkdir()
        for letter in order:
            (tmp_path / name / letter).write_text(letter)
    assert zipped(tmp_path / "a") == zipped(tmp_path / "b")
