"""The deployed stack under the functions' own roles: what it does, and that it needs every right it has."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from local.admin import Admin, CallFailed
from local.aws.audit import Decision, allowed, decisions
from local.aws.client import REGION, HttpApi, client, session
from local.callers import ACCOUNT, STACK
from local.demo.subscriber import Subscriber
from local.stack import ROOT, Stack
from tests.e2e.journeys import all_journeys
from tests.e2e.journeys.traveller import Traveller
from tests.infrastructure.permissions import (
    ONLY_ON_AWS,
    ONLY_WITH_A_WRONG_FILE,
    Grant,
    Role,
    polled,
    roles,
    without,
)
from tests.infrastructure.template import Template, load

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]

SAMPLE = 3
UNUSED = ONLY_ON_AWS | ONLY_WITH_A_WRONG_FILE
"""Actions that no journey needs here."""
SEED = int(os.environ.get("SAMPLE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)


@pytest.fixture(scope="module")
def traveller(stack: Stack, subscriber: Subscriber) -> Traveller:
    return Traveller(stack, subscriber)


@pytest.fixture(scope="module")
def travelled(traveller: Traveller) -> Traveller:
    """A stack on which every journey was taken once."""
    travel(traveller)
    return traveller


def travel(traveller: Traveller) -> None:
    for journey in all_journeys(traveller):
        journey()


@pytest.fixture(scope="module")
def template(stack: Stack) -> Template:
    """The template with the stack's own names in it."""
    cloudformation = stack.endpoint.client("cloudformation")
    found = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    parameters = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"]
    return load(
        {each["ParameterKey"]: each["ParameterValue"] for each in parameters},
        {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found},
    )


@pytest.mark.conformance("CRE-28", "WFE-12", "NOT-10", "GET-22")
def test_every_journey_ends_well(travelled: Traveller) -> None:
    assert travelled.stack.outputs


def test_an_operator_looks_at_what_was_set_aside_and_at_the_configuration(travelled: Traveller) -> None:
    """`flyteadmin-ops` finds the stack by its name; what is no event can't be sent again, and stays."""
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": travelled.stack.endpoint.url,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": travelled.stack.endpoint.secret,
        "AWS_DEFAULT_REGION": REGION,
    }
    for command, expected in (
        (("redrive", "list", "--cause", "invalid"), "INVALID_ARGUMENT"),
        (("redrive", "send", "--cause", "invalid"), "failed: INVALID_ARGUMENT"),
        (("check-config",), "flyteadmin.maxParallelism = 25"),
    ):
        done = subprocess.run(
            [Path(sys.executable).parent / "flyteadmin-ops", *command, "--stack", STACK],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert expected in done.stdout, done.stderr


def test_an_unsigned_caller_is_refused(stack: Stack) -> None:
    api = HttpApi.at(stack.endpoint, stack.outputs["ApiId"])
    assert api.request("GET", "/api/v1/projects").status == 403
    assert api.request("GET", "/healthcheck").status == 200


def test_what_nobody_serves(stack: Stack) -> None:
    api = stack.admin().api
    assert api.request("GET", "/api/v1/nothing").status == 404
    assert api.request("DELETE", "/api/v1/projects").status == 501


def needs(made: list[Decision], role: Role, grant: Grant) -> bool:
    """Return whether something that was allowed is denied without a grant."""
    policy = [without(role, grant.action, grant.resource).policy()]
    return any(
        not allowed(policy, each.action, each.resource, each.context)
        for each in made
        if (each.role, each.action) == (role.name, grant.action) and fnmatchcase(each.resource, grant.resource)
    )


def test_each_right_of_each_role_is_needed(
    travelled: Traveller, template: Template, audit: Path, record_property: Callable[[str, object], None]
) -> None:
    """Take each action, on each resource, away in turn: a call of the journeys, or a poller, is then denied."""
    made = list({(d.role, d.action, d.resource): d for d in decisions(audit) if d.decision == "Allow"}.values())
    assert not [d for d in decisions(audit) if d.decision != "Allow"], "a role was denied something on the journeys"
    pollers = set(polled(template))
    idle = []
    for role in roles(template):
        for grant in role.grants:
            if grant.action in UNUSED:
                continue
            is_polling = any((owner, each.action) == (role.logical_id, grant.action) for owner, each in pollers)
            if not needs(made, role, grant) and not is_polling:
                idle.append(f"{role.function}: {grant.action} on {grant.resource} ({grant.sid})")
    count = sum(grant.action not in UNUSED for role in roles(template) for grant in role.grants)
    record_property("figure", f"rights taken away in turn, each needed: {count - len(idle)}/{count}")
    assert idle == []


def test_a_sample_of_rights_taken_away_on_the_stack_itself(
    travelled: Traveller, template: Template, record_property: Callable[[str, object], None]
) -> None:
    """The same on the deployed roles, for a few actions that a printed seed chooses: a journey fails each time.

    Two rights are not among them, as a warm function keeps what they read: the configuration and the cluster's token.
    """
    polling = {(owner, grant.action) for owner, grant in polled(template)}
    candidates = sorted(
        {
            (role.logical_id, grant.action)
            for role in roles(template)
            for grant in role.grants
            if grant.sid not in {"Configuration", "ClusterToken"}
            and grant.action not in UNUSED
            and (role.logical_id, grant.action) not in polling
        }
    )
    chosen = random.Random(SEED).sample(candidates, SAMPLE)
    record_property("figure", f"SAMPLE_SEED={SEED}: taken away on the stack: {chosen}")
    impatient = Traveller(travelled.stack, travelled.subscriber, patience=12)
    for logical_id, action in chosen:
        role = next(each for each in roles(template) if each.logical_id == logical_id)
        with lacking(travelled.stack, role, action), pytest.raises((AssertionError, CallFailed)):
            travel(impatient)


class lacking:  # noqa: N801  # reads as a clause
    """A deployed role without an action, until the end of the block."""

    def __init__(self, stack: Stack, role: Role, action: str) -> None:
        self.iam = stack.endpoint.client("iam")
        self.role, self.action = role, action
        [self.name] = self.iam.list_role_policies(RoleName=role.name)["PolicyNames"]

    def __enter__(self) -> None:
        self._put(without(self.role, self.action))

    def __exit__(self, *_: object) -> None:
        self._put(self.role)

    def _put(self, role: Role) -> None:
        self.iam.put_role_policy(RoleName=role.name, PolicyName=self.name, PolicyDocument=json.dumps(role.policy()))


def user(stack: Stack, name: str) -> Credentials:
    iam = stack.endpoint.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def test_only_the_data_proxy_signs_uploads(stack: Stack) -> None:
    """A role that may write to the whole bucket can't write where the code of tasks is."""
    writer, bucket = user(stack, "writer"), stack.outputs["Bucket"]
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stack.endpoint.client("iam").put_user_policy(UserName="writer", PolicyName="writer", PolicyDocument=document)
    s3 = client("s3", stack.endpoint.url, session(writer))
    s3.put_object(Bucket=bucket, Key="raw/file", Body=b"data")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key="uploads/flytesnacks/development/code.tar", Body=b"code")


DIGEST = "0123456789abcdef" * 2
OWN_KEYS = [
    f"metadata/admin/flytesnacks/development/tests.workflows.report/v1-{DIGEST}",
    f"metadata/flytesnacks/development/run/inputs-{DIGEST}",
    f"metadata/flytesnacks/development/run/workflow_closure-{DIGEST}",
    f"metadata/long-names/{DIGEST}/{DIGEST}-{DIGEST}",
]


@pytest.mark.parametrize("key", OWN_KEYS)
def test_what_runs_is_written_by_functions_alone(stack: Stack, key: str) -> None:
    """A role that may do anything in the bucket neither replaces nor removes closures and inputs."""
    name, bucket = f"writer-{OWN_KEYS.index(key)}", stack.outputs["Bucket"]
    writer = user(stack, name)
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stack.endpoint.client("iam").put_user_policy(UserName=name, PolicyName="writer", PolicyDocument=document)
    s3 = client("s3", stack.endpoint.url, session(writer))
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"code")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key=key)


def test_propeller_and_tasks_write_in_their_own_places(stack: Stack) -> None:
    bucket = stack.outputs["Bucket"]
    s3 = client("s3", stack.endpoint.url, session(stack.propeller))
    for key in (f"metadata/propeller/flytesnacks-development-run/inputs-{DIGEST}", "raw/part"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"data")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key="metadata/flytesnacks/development/run/offloaded_outputs", Body=b"data")


def test_a_caller_without_rights_is_refused(stack: Stack) -> None:
    nobody = user(stack, "nobody")
    api = Admin(HttpApi.at(stack.endpoint, stack.outputs["ApiId"], nobody)).api
    assert api.request("GET", "/api/v1/projects").status == 403
