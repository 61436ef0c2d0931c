"""Fixtures of all tests: one embedded AWS, and in it a fresh account with the template's own tables for each test."""

import itertools
from collections.abc import Iterator

import hypothesis
import pytest

from flyteadmin import settings
from flyteadmin.clients import aws as aws_clients
from flyteadmin.clients import storage
from flyteadmin.events import projection
from local.aws import data
from local.aws.client import Endpoint
from local.aws.data import DataAccount
from local.aws.process import running

hypothesis.settings.register_profile("project", deadline=None, print_blob=True)
hypothesis.settings.load_profile("project")

pytest_plugins = [
    "tests.plugins.boto_clients",
    "tests.plugins.deployed",
    "tests.plugins.conformance",
    "tests.plugins.durations",
    "tests.plugins.figures",
]

pytest.register_assert_rewrite("tests.property.model")

_accounts = itertools.count(1)


@pytest.fixture(scope="session")
def endpoint() -> Iterator[Endpoint]:
    """The embedded AWS of this test process."""
    with running() as started:
        yield started


@pytest.fixture(scope="session")
def template() -> str:
    """The tables, queues, bucket and topic of template.yaml."""
    return data.data_template()


@pytest.fixture
def aws(endpoint: Endpoint, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataAccount]:
    """A fresh account with the template's own tables; handlers called in this process work in it."""
    account = data.create(endpoint, f"{next(_accounts):012d}", template)
    for name, value in account.environment().items():
        monkeypatch.setenv(name, value)
    _forget()
    yield account
    _forget()


def _forget() -> None:
    settings.environment.cache_clear()
    storage.read_immutable.cache_clear()
    aws_clients.forget()
    projection.forget_parents()
