"""The databases that must answer alike: MiniStack, moto, and one that DYNAMODB_ENDPOINT names.

That may be a DynamoDB Local of yours, or another whose indexes are up to date at once (those of AWS are a little late).
The tables get a prefix of their own and are deleted afterwards.
"""

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest
from moto import mock_aws

from flyteadmin import settings
from flyteadmin.clients import aws as aws_clients
from local.aws.client import REGION
from local.aws.data import create_table_requests

GIVEN = os.environ.get("DYNAMODB_ENDPOINT", "")
DATABASES = ["ministack", "moto", *(["given"] if GIVEN else [])]


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database with the template's tables, empty; the repositories work in it."""
    monkeypatch.setattr("flyteadmin.clients.dynamodb.calls.random.uniform", lambda *_: 0.0)
    name: str = request.param
    match name:
        case "ministack":
            request.getfixturevalue("aws")
            yield name
        case "moto":
            with mock_aws():
                yield from _with_tables(name, monkeypatch)
        case "given":
            monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", GIVEN)
            yield from _with_tables(name, monkeypatch)


def _with_tables(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    prefix = f"flyteadmin-test-{uuid4().hex[:8]}-"
    defaults = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
    for variable, value in {**defaults, "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(variable, os.environ.get(variable, value))
    monkeypatch.setenv("TABLE_PREFIX", prefix)
    _forget()
    dynamodb = aws_clients.client("dynamodb")
    tables = create_table_requests(prefix)
    for table in tables:
        dynamodb.create_table(**table)
    for table in tables:
        dynamodb.get_waiter("table_exists").wait(TableName=table["TableName"])
    yield name
    for table in tables:
        dynamodb.delete_table(TableName=table["TableName"])
    _forget()


def _forget() -> None:
    settings.environment.cache_clear()
    aws_clients.forget()
