"""`flyteadmin-ops` called in this process, on a stack whose data is an embedded account's."""

import json
import os
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from flyteadmin import settings
from flyteadmin_ops import main
from flyteadmin_ops.session import DEFAULT_STACK
from local.aws.data import DataAccount


class Done(NamedTuple):
    """The exit code of a command and its output."""

    code: int
    out: str
    err: str

    def records(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


class Operator:
    """Runs commands; what they print is not seen by others."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Done:
        self._capsys.readouterr()
        with patch.dict(os.environ):  # what the tool sets is taken back
            code = main.run(arguments)
        settings.environment.cache_clear()
        return Done(code, *self._capsys.readouterr())


def name_stack(aws: DataAccount, name: str = DEFAULT_STACK, configuration_key: str = "", cluster: str = "") -> None:
    """Deploy a stack with the outputs and the parameters of template.yaml that the tool reads."""
    environment = aws.environment()
    outputs = {
        "TablePrefix": environment["TABLE_PREFIX"],
        "Bucket": environment["BUCKET"],
        "EventsQueueUrl": environment["EVENTS_QUEUE_URL"],
        "DeadLetterQueueUrl": environment["DEAD_LETTER_QUEUE_URL"],
    }
    template = {
        "Parameters": {
            "ConfigurationKey": {"Type": "String", "Default": configuration_key},
            "ClusterName": {"Type": "String", "Default": cluster},
        },
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.05})
