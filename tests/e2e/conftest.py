"""One deployed stack for all tests of this folder, and flytekit as its users set it up."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flytekit.remote import FlyteRemote

from local.demo import outputs
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
    """A subscriber to the ends of executions."""
    return Subscriber(stack.endpoint, stack.outputs["NotificationsTopicArn"], "e2e")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without a flytekit configuration."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def remote(stack: Stack) -> Iterator[FlyteRemote]:
    """FlyteRemote over the bridge; the types of the examples can be imported."""
    sys.path.insert(0, str(ROOT / "examples"))
    here = outputs.remote(stack)
    with here.remote_context():
        yield here
    sys.path.remove(str(ROOT / "examples"))
