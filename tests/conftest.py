"""What all tests share: one embedded AWS, and in it a fresh account with the template's own tables for each test."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flyteadmin import settings
from flyteadmin.clients import aws as aws_clients
from flyteadmin.clients import storage
from local.aws.client import REGION, Endpoint
from local.aws.process import running

pytest_plugins = ["tests.plugins.conformance"]

ROOT = Path(__file__).parents[1]
_DATA_TYPES = {"AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::SNS::Topic"}
_accounts = itertools.count(1)


@dataclass(frozen=True)
class Aws:
    """A test's own account: the template's tables, queues, bucket and topic, and nothing else."""

    endpoint: Endpoint
    account: str
    resources: dict[str, str]

    def client(self, service: str) -> object:
        return self.endpoint.client(service, self.account)


@pytest.fixture(scope="session")
def endpoint() -> Iterator[Endpoint]:
    """The embedded AWS of this test process."""
    with running() as started:
        yield started


@pytest.fixture(scope="session")
def data_template() -> str:
    """The tables, queues, bucket and topic of template.yaml."""
    from cfnlint.decode.cfn_yaml import load  # noqa: PLC0415  # slow, and few tests need it

    template = load(str(ROOT / "template.yaml"))
    resources = {name: it for name, it in template["Resources"].items() if it["Type"] in _DATA_TYPES}
    kept = {name: template[name] for name in ("Parameters", "Conditions", "Mappings") if name in template}
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", **kept, "Resources": resources})


@pytest.fixture
def aws(endpoint: Endpoint, data_template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """A fresh account; handlers called in this process work in it."""
    account = f"{next(_accounts):012d}"
    stack = "test"
    cloudformation = endpoint.client("cloudformation", account)
    cloudformation.create_stack(StackName=stack, TemplateBody=data_template, Parameters=_parameters(data_template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.05})
    found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    resources = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}
    for name, value in _environment(endpoint, account, stack, resources).items():
        monkeypatch.setenv(name, value)
    _forget()
    yield Aws(endpoint, account, resources)
    _forget()


def _parameters(template: str) -> list[dict[str, str]]:
    wanted = {"Stage": "local"}
    known = json.loads(template).get("Parameters", {})
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in wanted.items() if key in known]


def _environment(endpoint: Endpoint, account: str, stack: str, resources: dict[str, str]) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "TABLE_PREFIX": f"{stack}-",
        "BUCKET": resources["Bucket"],
        "EVENTS_QUEUE_URL": resources["EventsQueue"],
        "DEAD_LETTER_QUEUE_URL": resources["EventsDeadLetterQueue"],
        "NOTIFICATIONS_TOPIC_ARN": resources["NotificationsTopic"],
        "POWERTOOLS_METRICS_NAMESPACE": "test",
    }


def _forget() -> None:
    settings.environment.cache_clear()
    storage.read_immutable.cache_clear()
    aws_clients.forget()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until a condition holds, at most 30 seconds."""
    import time  # noqa: PLC0415

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, "still not so after 30 seconds"
            time.sleep(0.05)

    return wait
