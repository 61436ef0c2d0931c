"""Reads the rights of each role in template.yaml as (action, resource) pairs, and removes single ones."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from tests.infrastructure.template import Template

ONLY_ON_AWS = frozenset(
    {
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:ListBucket",
    }
)
"""Actions that Lambda does under a function's role, or that S3 needs too; the embedded AWS checks neither."""

ONLY_WITH_A_WRONG_FILE = frozenset({"s3:GetObjectVersion", "s3:ListBucketVersions"})
"""Actions for the older versions of flyteadmin.yaml; functional/test_wrong_configuration.py takes them away."""


@dataclass(frozen=True, order=True)
class Grant:
    """One action on one resource (which may end in *), and the statement that allows it."""

    action: str
    resource: str
    sid: str


@dataclass(frozen=True)
class Role:
    """A function's role: `logical_id` in the template, `function` as its folder is called."""

    logical_id: str
    name: str
    function: str
    grants: tuple[Grant, ...]

    def policy(self) -> Mapping[str, object]:
        """All that is allowed as one policy document."""
        return {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": grant.action, "Resource": grant.resource} for grant in self.grants
            ],
        }

    @property
    def actions(self) -> frozenset[str]:
        """The actions, whatever they are allowed on."""
        return frozenset(grant.action for grant in self.grants)


def roles(template: Template) -> list[Role]:
    """Return the role of each function."""
    functions = dict(template.resources("AWS::Serverless::Function"))
    owners = {role: name for name, role in template.targets("AWS::Serverless::Function", "Role")}
    return [
        Role(
            logical_id=logical_id,
            name=str(template.resolve({"Ref": logical_id})),
            function=functions[owners[logical_id]]["CodeUri"].removeprefix("functions/"),
            grants=tuple(grant for policy in properties["Policies"] for grant in _grants(policy)),
        )
        for logical_id, properties in template.resources("AWS::IAM::Role")
        if logical_id in owners
    ]


def without(role: Role, action: str, resource: str | None = None) -> Role:
    """Return the role without an action, on one resource or on all."""
    kept = (g for g in role.grants if g.action != action or resource not in {None, g.resource})
    return replace(role, grants=tuple(kept))


def document_without(document: Mapping[str, Any], logical_id: str, action: str) -> dict[str, Any]:
    """Return a template, to be deployed, whose role lacks an action; statements that are left with none go."""
    changed: dict[str, Any] = deepcopy(dict(document))
    for policy in changed["Resources"][logical_id]["Properties"]["Policies"]:
        inner = policy["PolicyDocument"]
        inner["Statement"] = [kept for each in inner["Statement"] if (kept := _statement_without(each, action))]
    return changed


def polled(template: Template) -> Iterator[tuple[str, Grant]]:
    """(role's logical id, what the poller does with it) for each event source mapping."""
    owners = dict(template.targets("AWS::Serverless::Function", "Role"))
    sources = dict(template.targets("AWS::Lambda::EventSourceMapping", "FunctionName"))
    for name, mapping in template.resources("AWS::Lambda::EventSourceMapping"):
        role, source = owners[sources[name]], mapping["EventSourceArn"]
        actions = _STREAM if ":dynamodb:" in source else _QUEUE
        yield from ((role, Grant(action, source, "Poll")) for action in actions)
        if "DestinationConfig" in mapping:
            destination = mapping["DestinationConfig"]["OnFailure"]["Destination"]
            yield role, Grant("sqs:SendMessage", destination, "GiveUp")


_QUEUE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")


def _grants(policy: Mapping[str, Any]) -> Iterator[Grant]:
    for statement in policy["PolicyDocument"]["Statement"]:
        if set(statement) != {"Sid", "Effect", "Action", "Resource"} or statement["Effect"] != "Allow":
            raise ValueError(f"a role's statement allows, unconditionally, and says what for in its Sid: {statement}")
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                yield Grant(action, resource, statement["Sid"])


def _listed(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _statement_without(statement: dict[str, Any], action: str) -> dict[str, Any] | None:
    if "Fn::If" in statement:
        condition, yes, no = statement["Fn::If"]
        kept = _statement_without(yes, action)
        return {"Fn::If": [condition, kept, no]} if kept else None
    actions = [each for each in _listed(statement["Action"]) if each != action]
    return {**statement, "Action": actions} if actions else None
