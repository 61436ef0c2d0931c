"""A file that is replaced by a wrong one: what the functions go by, who hears of it, and the rights that it takes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flyteidl.admin.project_pb2 import GetDomainsResponse
from google.rpc.status_pb2 import Status

from flyteadmin import settings
from flyteadmin.clients import aws as clients
from flyteadmin.clients import configuration
from flyteadmin.errors import Code
from functions.manage_projects.handler import lambda_handler
from local.aws import data, process
from local.aws.client import DEFAULT_ACCOUNT, Endpoint
from local.aws.data import DataAccount as Aws
from tests.aws_events import OCTETS, Answer, Context, answer_of, http_event
from tests.configuration import configure
from tests.infrastructure.permissions import roles
from tests.infrastructure.template import EVERYTHING_SET, load
from tests.metrics import measured

KEY = "flyteadmin.yaml"
WRONG = "domains: [{id: lab}]"
RIGHTS = {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucketVersions"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}


def domains_of(name: str) -> str:
    return f"domains: [{{id: {name}, name: {name}}}]"


def get_domains() -> Answer:
    event = http_event("GET", "/api/v1/domains", headers={"content-type": OCTETS, "accept": OCTETS})
    return answer_of(lambda_handler(event, Context()))


def domains() -> list[str]:
    return [domain.id for domain in get_domains().message(GetDomainsResponse).domains]


def replaced(aws: Aws, *texts: str) -> None:
    """Replace the file several times, and let this process be a new instance."""
    for text in texts:
        aws.client("s3").put_object(Bucket=aws.resources["Bucket"], Key=KEY, Body=text)
    configuration.forget()


@pytest.fixture
def ringing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")


@pytest.mark.usefixtures("ringing")
def test_a_new_instance_takes_the_newest_version_that_is_right_and_it_rings(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(aws, monkeypatch, domains_of("first"))
    aws.client("s3").put_object(Bucket=aws.resources["Bucket"], Key=f"{KEY}.bak", Body=domains_of("backup"))
    assert domains() == ["first"]
    assert measured(capsys.readouterr().out) == []
    replaced(aws, domains_of("second"), WRONG, "{", f"{domains_of('third')}\ntask_resources: {{limits: {{cpu: lots}}}}")
    assert domains() == ["second"]
    assert measured(capsys.readouterr().out) == [("stack", {"WrongConfigurations": 1})]
    replaced(aws, domains_of("mended"))
    assert domains() == ["mended"]
    assert measured(capsys.readouterr().out) == []


@pytest.mark.usefixtures("ringing")
def test_a_file_that_was_deleted_rings_and_stays_in_force(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(aws, monkeypatch, domains_of("kept"))
    aws.client("s3").delete_object(Bucket=aws.resources["Bucket"], Key=KEY)
    configuration.forget()
    assert domains() == ["kept"]
    assert measured(capsys.readouterr().out) == [("stack", {"WrongConfigurations": 1})]


def test_a_file_that_was_never_right_is_an_error(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(aws, monkeypatch, WRONG)
    replaced(aws, "{")
    answer = get_domains()
    assert answer.message(Status).code == Code.INTERNAL
    assert "configuration can't be read" in answer.message(Status).message


def test_a_file_of_more_than_a_mebibyte_is_not_read(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(aws, monkeypatch, domains_of("small"))
    replaced(aws, domains_of("large") + "\n#" + "x" * (1 << 20))
    assert domains() == ["small"]


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Endpoint]:
    with process.running(auth=True) as endpoint:
        yield endpoint


def policy(bucket: str, without: str = "") -> dict[str, Any]:
    """Return the rights of the function in template.yaml, but one."""
    template = load(EVERYTHING_SET, {"Bucket": bucket})
    role = next(each for each in roles(template) if each.function == "manage_projects")
    grants = [grant for grant in role.grants if grant.action in RIGHTS - {without}]
    statements = [{"Effect": "Allow", "Action": grant.action, "Resource": grant.resource} for grant in grants]
    return {"Version": "2012-10-17", "Statement": statements}


@pytest.mark.parametrize("missing", ["", *sorted(RIGHTS)])
def test_each_right_is_needed_for_the_older_versions(
    enforcing: Endpoint, template: str, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    enforcing.reset()
    account = data.create(enforcing, DEFAULT_ACCOUNT, template)
    for name, value in account.environment().items():
        monkeypatch.setenv(name, value)
    configure(account, monkeypatch, domains_of("right"))
    replaced(account, WRONG)
    iam = account.client("iam")
    arn = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    document = json.dumps(policy(account.resources["Bucket"], missing))
    iam.put_role_policy(RoleName="reader", PolicyName="rights", PolicyDocument=document)
    keys = account.client("sts").assume_role(RoleArn=arn, RoleSessionName="reader")["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", keys["SessionToken"])
    clients.forget()
    try:
        # The file itself needs s3:GetObject; without it all versions are read by their ids, so it is not missed here.
        assert get_domains().status == (500 if missing not in {"", "s3:GetObject"} else 200)
    finally:
        settings.environment.cache_clear()
        clients.forget()
