"""Executions whose namespace is missing: they wait for it where something makes it."""

from collections.abc import Iterator

import pytest
from flyteidl.core.execution_pb2 import WorkflowExecution
from flyteidl.core.identifier_pb2 import Identifier

from flyteadmin import settings
from flyteadmin.executions import repository as executions
from flyteadmin.executions.phases import LaunchState
from local.aws.data import DataAccount as Aws
from tests import in_process
from tests.builders import DOMAIN, PROJECT
from tests.execution_client import create, get, request
from tests.flytekit_registration import register
from tests.namespaces import DEVELOPMENT, Namespaces, making_namespaces
from tests.workflows import REPORT


@pytest.fixture
def made(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Namespaces]:
    with making_namespaces(aws, monkeypatch) as namespaces:
        yield namespaces


@pytest.fixture
def launch_plan(made: Namespaces) -> Identifier:
    return register(in_process.admin(), REPORT, PROJECT, DOMAIN, "v1").launch_plan


def test_an_execution_in_a_missing_namespace_stays_launching_and_asks_for_it(
    made: Namespaces, launch_plan: Identifier
) -> None:
    create(in_process.admin(), request(launch_plan))
    stored = executions.read("flytesnacks:development:run")
    assert stored is not None
    assert stored.state.launch == LaunchState.LAUNCHING
    assert get(in_process.admin()).closure.phase == WorkflowExecution.UNDEFINED
    assert made.work() == 1
    assert made.namespaces(stored.state.cluster) == {DEVELOPMENT}


def test_a_namespace_that_was_deleted_is_made_again_when_an_execution_needs_it(
    made: Namespaces, launch_plan: Identifier
) -> None:
    made.settle()
    for server in made.clusters.servers.values():
        server.store.delete(server.store.kind("", "v1", "namespaces"), "", DEVELOPMENT)
    create(in_process.admin(), request(launch_plan))
    assert made.sweep() == 0  # by the rows it is there
    made.work()
    assert sum(DEVELOPMENT in made.namespaces(cluster) for cluster in ("east", "west")) == 1


def test_where_nothing_makes_namespaces_a_missing_one_is_refused_in_kubernetes_words(
    made: Namespaces, launch_plan: Identifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAMESPACES_QUEUE_URL", "")
    settings.environment.cache_clear()
    create(in_process.admin(), request(launch_plan))
    closure = get(in_process.admin()).closure
    assert closure.phase == WorkflowExecution.FAILED
    assert closure.error.message.endswith('NotFound: namespaces "flytesnacks-development" not found')
