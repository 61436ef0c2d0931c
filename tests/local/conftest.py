"""The local AWS, started once per test process, with the stack of `aws_stack` in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws import process
from local.aws.client import Endpoint
from tests.local.aws_stack import Stack

CONSOLE = "https://console.example"


@pytest.fixture(scope="session")
def audit_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "decisions.jsonl"


@pytest.fixture(scope="session")
def endpoint(audit_file: Path) -> Iterator[Endpoint]:
    with process.running(auth=True, audit=audit_file, options=["--origin", CONSOLE]) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def stack(endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return Stack.deployed(endpoint, tmp_path_factory.mktemp("probe") / "notes.jsonl")
