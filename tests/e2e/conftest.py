"""One deployed stack for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.demo.subscriber import Subscriber
from local.stack import ROOT, Stack, running


@pytest.fixture(scope="session")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "decisions.jsonl"


@pytest.fixture(scope="session")
def stack(audit: Path) -> Iterator[Stack]:
    """The stack of `make up`: built by SAM, deployed by CloudFormation, IAM enforced, every decision recorded."""
    if not (ROOT / ".aws-sam/build/template.yaml").exists():
        pytest.fail("nothing is built: run make build")
    with running(print, audit=audit) as started:
        yield started


@pytest.fixture(scope="session")
def subscriber(stack: Stack) -> Subscriber:
    """Who hears of the ends of executions."""
    return Subscriber(stack.endpoint, stack.outputs["NotificationsTopicArn"], "e2e")
