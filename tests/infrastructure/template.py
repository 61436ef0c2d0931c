"""template.yaml as values: Globals merged, and what its expressions come to in an account that doesn't exist."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml
from cfnlint.template import Template as CfnLintTemplate

ROOT = Path(__file__).parents[2]
STACK, ACCOUNT, REGION = "flyteadmin", "000000000000", "us-east-1"

EVERYTHING_SET = {
    "ConfigurationKey": "flyteadmin.yaml",
    "ClusterTokenSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:token",
    "ClusterSecretArns": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:east",
    "ClusterRoleArns": "arn:aws:iam::111111111111:role/flyte",
    "TemplatesPrefix": "config/templates/",
    "TemplateSecretArns": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:template",
    "AlarmTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms",
    "SubnetIds": "subnet-1,subnet-2",
    "SecurityGroupIds": "sg-1",
    "DataArns": "arn:aws:s3:::outputs/*,arn:aws:s3:::more-outputs/*",
}
"""Parameters under which every optional part of the template is there."""

_PSEUDO = {
    "AWS::StackName": STACK,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
_NAME_PROPERTIES = ("TableName", "LogGroupName", "TopicName", "FunctionName")
_ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::Serverless::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
}

type Resource = Mapping[str, Any]


class _Absent:
    """The value of `!Ref AWS::NoValue`."""


_ABSENT = _Absent()


@dataclass(frozen=True)
class Template:
    """The template under some parameters; `physical` are the names of a deployed stack's resources, if there is one."""

    document: Mapping[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict)
    physical: Mapping[str, str] = field(default_factory=dict)
    account: str = ACCOUNT

    def resources(self, kind: str) -> Iterator[tuple[str, Resource]]:
        """(logical id, resolved properties) of each resource of a type."""
        for name, resource in self.document["Resources"].items():
            if resource["Type"] == kind:
                yield name, self.resolve(resource.get("Properties", {}))

    def targets(self, kind: str, attribute: str) -> Iterator[tuple[str, str]]:
        """(logical id, the logical id that its attribute refers to) of each resource of a type."""
        for name, resource in self.document["Resources"].items():
            if resource["Type"] == kind:
                yield name, target_of(resource["Properties"][attribute])

    def resolve(self, value: Any) -> Any:
        """Return a value without expressions; what a false condition leaves out is left out."""
        match value:
            case {"Ref": name}:
                return self._ref(name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self._attribute(name, attribute)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([\w:.]+)\}", lambda found: self._substituted(found[1]), text)
            case {"Fn::Join": [separator, joined]}:
                return separator.join(self.resolve(joined))
            case {"Fn::If": [condition, yes, no]}:
                return self.resolve(yes if self._holds({"Condition": condition}) else no)
            case {**entries}:
                resolved = {key: self.resolve(entry) for key, entry in entries.items()}
                return {key: entry for key, entry in resolved.items() if entry is not _ABSENT}
            case [*parts]:
                return [part for each in parts if (part := self.resolve(each)) is not _ABSENT]
            case _:
                return value

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _ABSENT
        if name in self.document["Parameters"]:
            parameter = self.document["Parameters"][name]
            given = str(self.parameters.get(name, parameter.get("Default", "")))
            return given.split(",") if parameter["Type"] == "CommaDelimitedList" else given
        if name in _PSEUDO or name == "AWS::AccountId":
            return _PSEUDO.get(name, self.account)
        is_topic = self.document["Resources"][name]["Type"] == "AWS::SNS::Topic"
        return self._attribute(name, "Arn") if is_topic else self._name(name)

    def _attribute(self, name: str, attribute: str) -> str:
        if attribute not in {"Arn", "StreamArn"}:
            return self._name(name)
        resource = self.document["Resources"][name]
        arn = _ARNS[resource["Type"]].format(region=REGION, account=self.account, name=self._name(name))
        return f"{arn}/stream/*" if attribute == "StreamArn" else arn  # its last part is the time of its creation

    def _name(self, name: str) -> str:
        """A resource's own name: the last part of a queue's URL or a topic's ARN, as a deployed stack knows them."""
        if (physical := self.physical.get(name, "")).startswith(("arn:", "http:", "https:")):
            return physical.rpartition("/")[2].rpartition(":")[2]
        if physical:
            return physical
        properties = self.document["Resources"][name].get("Properties", {})
        given = next((properties[key] for key in _NAME_PROPERTIES if key in properties), f"{STACK}-{name}")
        return str(self.resolve(given))

    def _substituted(self, name: str) -> str:
        resource, _, attribute = name.partition(".")
        return str(self._attribute(resource, attribute) if attribute else self._ref(name))

    def _holds(self, condition: Any) -> bool:
        match condition:
            case {"Condition": name}:
                return self._holds(self.document["Conditions"][name])
            case {"Fn::Equals": [left, right]}:
                return bool(self.resolve(left) == self.resolve(right))
            case {"Fn::Not": [inner]}:
                return not self._holds(inner)
            case {"Fn::And": inner}:
                return all(map(self._holds, inner))
            case {"Fn::Or": inner}:
                return any(map(self._holds, inner))
            case _:
                raise ValueError(f"no condition: {condition}")


def load(
    parameters: Mapping[str, str] | None = None,
    physical: Mapping[str, str] | None = None,
    path: Path = ROOT / "template.yaml",
) -> Template:
    """Return the template of this repository."""
    return Template(_document(path), parameters or {}, physical or {})


def target_of(value: object) -> str:
    """Return the logical id that an expression refers to.

    Raises:
        ValueError: it refers to none.
    """
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return str(name)
        case {"Fn::Sub": str(text)} if found := re.search(r"\$\{(\w+)", text):
            return found[1]
        case _:
            raise ValueError(f"no reference: {value}")


@cache
def _document(path: Path) -> Mapping[str, Any]:
    template = CfnLintTemplate(str(path), cfn_yaml.load(str(path)), [REGION])
    if problems := template.transform():
        raise ValueError(str(problems))
    document: Mapping[str, Any] = template.template
    return document
