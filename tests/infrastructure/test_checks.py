"""Each rule of checks/ accepts a sound template and refuses the one fault that it is there for."""

import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from cfnlint.rules import RulesCollection
from cfnlint.template import Template as CfnLintTemplate

from tests.infrastructure.template import ROOT


def reference(name: str, attribute: str = "Arn") -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def resource(kind: str, **properties: object) -> dict[str, object]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def role(*statements: dict[str, object]) -> dict[str, object]:
    return resource("IAM::Role", Policies=[{"PolicyName": "all", "PolicyDocument": {"Statement": list(statements)}}])


def statement(actions: object, resources: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def function(name: str) -> dict[str, object]:
    return resource(
        "Serverless::Function",
        Runtime="python3.12",
        Timeout=30,
        Role=reference(f"{name}Role"),
        LoggingConfig={"LogGroup": {"Ref": "Log"}},
    )


def alarm(namespace: str, metric: str, dimension: str, value: object) -> dict[str, object]:
    return resource(
        "CloudWatch::Alarm",
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": dimension, "Value": value}],
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )


SOUND: dict[str, Any] = {
    "Log": resource("Logs::LogGroup", RetentionInDays=30),
    "Layer": resource("Serverless::LayerVersion", CompatibleRuntimes=["python3.12"]),
    "Consume": function("Consume"),
    "ConsumeRole": role(
        statement(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], reference("Queue"))
    ),
    "ConsumeErrors": alarm("AWS/Lambda", "Errors", "FunctionName", {"Ref": "Consume"}),
    "ConsumeMapping": resource(
        "Lambda::EventSourceMapping",
        FunctionName={"Ref": "Consume"},
        EventSourceArn=reference("Queue"),
        FunctionResponseTypes=["ReportBatchItemFailures"],
    ),
    "Queue": resource(
        "SQS::Queue", VisibilityTimeout=180, RedrivePolicy={"deadLetterTargetArn": reference("DeadLetters")}
    ),
    "QueueAge": alarm("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", reference("Queue", "QueueName")),
    "DeadLetters": resource("SQS::Queue"),
    "DeadLettersAlarm": alarm(
        "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", reference("DeadLetters", "QueueName")
    ),
    "Follow": function("Follow"),
    "FollowRole": role(
        statement(
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            [reference("Table", "StreamArn")],
        ),
        statement("sqs:SendMessage", reference("GivenUp")),
        {"Fn::If": ["InVpc", statement("ec2:DescribeNetworkInterfaces", "*"), {"Ref": "AWS::NoValue"}]},
    ),
    "FollowErrors": alarm("AWS/Lambda", "Errors", "FunctionName", {"Ref": "Follow"}),
    "FollowAge": alarm("AWS/Lambda", "IteratorAge", "FunctionName", {"Ref": "Follow"}),
    "FollowMapping": resource(
        "Lambda::EventSourceMapping",
        FunctionName={"Ref": "Follow"},
        EventSourceArn=reference("Table", "StreamArn"),
        FunctionResponseTypes=["ReportBatchItemFailures"],
        MaximumRetryAttempts=5,
        DestinationConfig={"OnFailure": {"Destination": reference("GivenUp")}},
    ),
    "Table": resource("DynamoDB::Table"),
    "GivenUp": resource("SQS::Queue"),
    "GivenUpAlarm": alarm(
        "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", reference("GivenUp", "QueueName")
    ),
}

_STATEMENT = ("Properties", "Policies", 0, "PolicyDocument", "Statement")
GONE = object()

FAULTS: list[tuple[str, str, tuple[str | int, ...], object]] = [
    ("E9001", "Consume", ("Properties", "LoggingConfig"), GONE),
    ("E9001", "Consume", ("Properties", "LoggingConfig", "LogGroup"), "/aws/lambda/elsewhere"),
    ("E9001", "Log", ("Properties", "RetentionInDays"), GONE),
    ("E9002", "Consume", ("Properties", "Runtime"), "python3.13"),
    ("E9002", "Layer", ("Properties", "CompatibleRuntimes"), ["python3.12", "python3.11"]),
    ("E9003", "Consume", ("Properties", "Role"), GONE),
    ("E9003", "Follow", ("Properties", "Role"), reference("ConsumeRole")),
    ("E9004", "ConsumeRole", (*_STATEMENT, 0, "Action"), "sqs:*"),
    ("E9004", "FollowRole", (*_STATEMENT, 2, "Fn::If", 1, "Action"), "ec2:*"),
    ("E9005", "ConsumeRole", (*_STATEMENT, 0, "Resource"), "*"),
    ("E9005", "FollowRole", (*_STATEMENT, 2, "Fn::If", 1, "Action"), "ec2:CreateNetworkInterface"),
    ("E9006", "ConsumeMapping", ("Properties", "FunctionResponseTypes"), GONE),
    ("E9006", "Queue", ("Properties", "RedrivePolicy"), GONE),
    ("E9006", "FollowMapping", ("Properties", "DestinationConfig"), GONE),
    ("E9006", "FollowMapping", ("Properties", "MaximumRetryAttempts"), -1),
    ("E9006", "Consume", ("Properties", "Events"), {"Queue": {"Type": "SQS"}}),
    ("E9007", "ConsumeRole", (*_STATEMENT, 0, "Action"), ["sqs:ReceiveMessage", "sqs:GetQueueAttributes"]),
    ("E9007", "ConsumeRole", (*_STATEMENT, 0, "Resource"), reference("DeadLetters")),
    ("E9007", "FollowRole", (*_STATEMENT, 1), GONE),
    ("E9008", "DeadLettersAlarm", (), GONE),
    ("E9008", "GivenUpAlarm", ("Properties", "Threshold"), 10),
    ("E9009", "Queue", ("Properties", "VisibilityTimeout"), 179),
    ("E9009", "Queue", ("Properties", "VisibilityTimeout"), GONE),
    ("E9010", "FollowErrors", (), GONE),
    ("E9010", "FollowErrors", ("Properties", "MetricName"), "Throttles"),
    ("E9011", "QueueAge", (), GONE),
    ("E9011", "FollowAge", ("Properties", "Dimensions", 0, "Value"), {"Ref": "Consume"}),
]


@pytest.fixture(scope="module")
def rules() -> RulesCollection:
    collection = RulesCollection()
    collection.create_from_directory(str(ROOT / "checks"))
    return collection


def broken(name: str, path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """Return the sound resources, with the value at a path replaced, or gone."""
    resources = deepcopy(SOUND)
    node, last = resources, name
    for step in path:
        node, last = node[last], step  # type: ignore[assignment]  # a list's index, or a mapping's key
    if value is GONE:
        del node[last]
    else:
        node[last] = value
    return resources


def found(rules: RulesCollection, resources: dict[str, Any]) -> set[str]:
    cfn = CfnLintTemplate("template.yaml", {"Resources": resources}, ["us-east-1"])
    return {rule.id for rule in rules for _ in rule.match(cfn)}


def test_a_sound_template_passes(rules: RulesCollection) -> None:
    assert found(rules, SOUND) == set()


@pytest.mark.parametrize(("rule", "name", "path", "value"), FAULTS)
def test_a_fault_is_found_by_its_rule(
    rule: str, name: str, path: tuple[str | int, ...], value: object, rules: RulesCollection
) -> None:
    assert rule in found(rules, broken(name, path, value))


def test_each_rule_has_a_fault_that_it_finds(rules: RulesCollection) -> None:
    assert {rule.id for rule in rules} == {rule for rule, *_ in FAULTS}


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [("Runtime: python3.12", "Runtime: python3.12", 0), ("VisibilityTimeout: 180", "VisibilityTimeout: 60", 2)],
)
def test_the_command_of_make_check_runs_the_rules(old: str, new: str, status: int, tmp_path: Path) -> None:
    changed = (ROOT / "template.yaml").read_text().replace(old, new)
    (tmp_path / "template.yaml").write_text(changed)
    command = [
        str(Path(sys.executable).with_name("cfn-lint")),
        "--append-rules",
        str(ROOT / "checks"),
        "--",
        "template.yaml",
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, "E9009" in run.stdout) == (status, status != 0), run.stdout + run.stderr
