"""Each command does with the rights of its policy what it is for, and names the one that is missing."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from string import Template
from typing import Any

import pytest
from flyteidl.admin.launch_plan_pb2 import ACTIVE
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin import settings
from flyteadmin.clients import aws as clients
from flyteadmin.events.service import admit
from flyteadmin_ops.main import cli
from local.aws import data, process
from local.aws.client import DEFAULT_ACCOUNT, REGION, Endpoint
from local.aws.data import DataAccount
from tests import register_calls
from tests.builders import DOMAIN, PROJECT, node_event, stored_execution
from tests.entities import launch_plan_request, task_request, workflow_request
from tests.operating import Operator, name_stack

POLICIES = Path(__file__).parents[2] / "operations" / "policies"
KEY = "config/flyteadmin.yaml"
FILE = Path(__file__).parents[2] / "local" / "flyteadmin.yaml"
UNCHECKED = {"s3:ListBucket"}
"""S3 asks for it where an object is missing; the embedded AWS does not."""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
COMMANDS = {
    "redrive": ("redrive", "send"),
    "check-config": ("check-config", str(FILE), "--upload"),
    "explain-config": ("explain-config", "--project", PROJECT, "--domain", DOMAIN, "--launch-plan", "doubling"),
    "namespaces": ("namespaces", "--cluster", "east"),
}


class Rights:
    """The role of an operator, whose credentials this process has."""

    def __init__(self, account: DataAccount, monkeypatch: pytest.MonkeyPatch) -> None:
        self._account = account
        self._monkeypatch = monkeypatch
        self._role = account.client("iam").create_role(RoleName="operator", AssumeRolePolicyDocument=json.dumps(TRUST))

    def policy(self, command: str) -> dict[str, Any]:
        queue, dead = (self._account.resources[name] for name in ("EventsQueue", "EventsDeadLetterQueue"))
        names = {"PARTITION": "aws", "REGION": REGION, "ACCOUNT": DEFAULT_ACCOUNT, "STACK": "*"}
        names |= {"BUCKET": self._account.resources["Bucket"], "CONFIGURATION": KEY}
        names |= {"EVENTS_QUEUE": queue.rpartition("/")[2], "DEAD_LETTER_QUEUE": dead.rpartition("/")[2]}
        found: dict[str, Any] = json.loads(Template((POLICIES / f"{command}.json").read_text()).substitute(names))
        return found

    def assume(self, policy: dict[str, Any]) -> None:
        """Let this process act as the operator, with the rights of a policy and no others."""
        name, arn = self._role["Role"]["RoleName"], self._role["Role"]["Arn"]
        self._account.client("iam").put_role_policy(
            RoleName=name, PolicyName="rights", PolicyDocument=json.dumps(policy)
        )
        keys = self._account.client("sts").assume_role(RoleArn=arn, RoleSessionName="op")["Credentials"]
        self._monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["AccessKeyId"])
        self._monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["SecretAccessKey"])
        self._monkeypatch.setenv("AWS_SESSION_TOKEN", keys["SessionToken"])


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Endpoint]:
    with process.running(auth=True) as endpoint:
        yield endpoint


@pytest.fixture
def account(enforcing: Endpoint, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataAccount]:
    """An account that checks rights, with the outputs of the stack under another stack's name."""
    enforcing.reset()
    made = data.create(enforcing, DEFAULT_ACCOUNT, template)
    for name, value in {**made.environment(), "CONFIGURATION_URI": ""}.items():
        monkeypatch.setenv(name, value)
    settings.environment.cache_clear()
    clients.forget()
    name_stack(made, "operated", KEY)
    made.client("s3").put_object(Bucket=made.resources["Bucket"], Key=KEY, Body=b"flyteadmin: {maxParallelism: 3}")
    yield made
    settings.environment.cache_clear()
    clients.forget()


def set_aside(account: DataAccount) -> None:
    """Put two events, one of them a claim on a blob, into the dead-letter queue without their places."""
    stored_execution()
    outputs = LiteralMap()
    outputs.literals["x"].scalar.primitive.string_value = "x" * 500_000
    for number, event in enumerate((node_event("RUNNING", 1), node_event("SUCCEEDED", 2, output_data=outputs))):
        account.client("sqs").send_message(
            QueueUrl=account.resources["EventsDeadLetterQueue"],
            MessageBody=admit(event).body,
            MessageGroupId="group",
            MessageDeduplicationId=str(number),
        )


@pytest.fixture
def rights(account: DataAccount, monkeypatch: pytest.MonkeyPatch) -> Rights:
    set_aside(account)
    register_calls.registered(task_request(), workflow_request(), launch_plan_request())
    assert register_calls.change_state("v1", ACTIVE).status == 200
    return Rights(account, monkeypatch)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_rights_of_its_policy_are_enough(rights: Rights, capsys: pytest.CaptureFixture[str], command: str) -> None:
    rights.assume(rights.policy(command))
    done = Operator(capsys)(*COMMANDS[command], "--stack", "operated")
    assert done.code == 0, done


def test_every_command_has_a_policy_that_is_tried() -> None:
    assert {path.stem for path in POLICIES.iterdir()} == set(COMMANDS) == set(cli.commands)


def granted() -> list[tuple[str, str]]:
    statements = [
        (name, each) for name in COMMANDS for each in json.loads((POLICIES / f"{name}.json").read_text())["Statement"]
    ]
    return [(name, action) for name, each in statements for action in each["Action"] if action not in UNCHECKED]


@pytest.mark.parametrize(("command", "missing"), granted())
def test_a_right_that_is_missing_is_named_with_the_statement_that_grants_it(
    rights: Rights, capsys: pytest.CaptureFixture[str], command: str, missing: str
) -> None:
    policy = deepcopy(rights.policy(command))
    for statement in policy["Statement"]:
        statement["Action"] = [each for each in statement["Action"] if each != missing] or ["sts:GetCallerIdentity"]
    rights.assume(policy)
    done = Operator(capsys)(*COMMANDS[command], "--stack", "operated")
    assert done.code == 1
    told = done.out + done.err
    assert f"may not {missing} on " in told
    assert f'needs the statement {{"Effect": "Allow", "Action": "{missing}", "Resource": "' in told
    assert "Traceback" not in told
