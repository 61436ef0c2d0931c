"""The data resources of template.yaml in an account of their own: tables, queues, bucket and topic, no function.

Handlers called in this process work in it under `environment()`; tests and the bench do so.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfnlint.decode.cfn_yaml import load

from local.aws.client import REGION, Endpoint

TEMPLATE = Path(__file__).parents[2] / "template.yaml"

_STACK = "data"
_TABLE = "AWS::DynamoDB::Table"
_TYPES = frozenset({_TABLE, "AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::SNS::Topic"})
_CREATED_WITH = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


@dataclass(frozen=True)
class DataAccount:
    """An account with the template's tables, queues, bucket and topic; `resources` has physical ids by logical id."""

    endpoint: Endpoint
    account: str
    resources: Mapping[str, str]

    def client(self, service: str) -> Any:
        """Return the account's client of a service as root; `Any`, since the service is known at run time only."""
        return self.endpoint.client(service, self.account)

    def environment(self) -> dict[str, str]:
        """Return the variables that template.yaml sets for a function, and the account's credentials."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint.url,
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": self.endpoint.secret,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "TABLE_PREFIX": f"{_STACK}-",
            "BUCKET": self.resources["Bucket"],
            "EVENTS_QUEUE_URL": self.resources["EventsQueue"],
            "DEAD_LETTER_QUEUE_URL": self.resources["EventsDeadLetterQueue"],
            "NOTIFICATIONS_TOPIC_ARN": self.resources["NotificationsTopic"],
            "NOTIFY_FAILURES_QUEUE_URL": self.resources["NotifyFailuresQueue"],
            "READABLE_DATA": f"arn:aws:s3:::{self.resources['Bucket']}/metadata/*",
        }


def data_template(path: Path = TEMPLATE) -> str:
    """Return the template without what is not data, as JSON."""
    template = load(str(path))
    resources = {name: it for name, it in template["Resources"].items() if it["Type"] in _TYPES}
    kept = {name: template[name] for name in ("Parameters", "Conditions", "Mappings") if name in template}
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", **kept, "Resources": resources})


def create_table_requests(prefix: str, path: Path = TEMPLATE) -> list[dict[str, Any]]:
    """Return the template's tables as requests of CreateTable, for a DynamoDB without CloudFormation."""
    resources = json.loads(data_template(path))["Resources"].values()
    return [_create_table_request(prefix, it["Properties"]) for it in resources if it["Type"] == _TABLE]


def _create_table_request(prefix: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    name = properties["TableName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
    request = {"TableName": prefix + name, **{key: properties[key] for key in _CREATED_WITH if key in properties}}
    if "StreamSpecification" in properties:
        request["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
    return request


def create(endpoint: Endpoint, account: str, template: str) -> DataAccount:
    """Deploy what `data_template` gave into an account."""
    cloudformation = endpoint.client("cloudformation", account)
    known = json.loads(template).get("Parameters", {})
    parameters = [{"ParameterKey": "Stage", "ParameterValue": "local"}] if "Stage" in known else []
    cloudformation.create_stack(StackName=_STACK, TemplateBody=template, Parameters=parameters)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=_STACK, WaiterConfig={"Delay": 0.05})
    found = cloudformation.describe_stack_resources(StackName=_STACK)["StackResources"]
    resources = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}
    return DataAccount(endpoint, account, resources)
