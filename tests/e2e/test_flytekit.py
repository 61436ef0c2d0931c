"""Unmodified flytekit over real gRPC: its commands and FlyteRemote, with tasks whose code runs."""

import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from flyteidl.core.execution_pb2 import NodeExecution, TaskExecution, WorkflowExecution
from flyteidl.core.identifier_pb2 import TASK
from flytekit.exceptions.base import FlyteException
from flytekit.models.common import NamedEntityIdentifier
from flytekit.remote import FlyteRemote
from flytekit.types.file import FlyteFile

from local.demo.pyflyte import CommandFailed
from local.stack import DOMAIN, PROJECT, Stack
from tests.e2e.commands import command, ended

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]

PRICES, SHAPES = "examples/prices.py", "examples/shapes.py"
VERSION = "e2e"
SOURCE = """
from flytekit import task, workflow

@task
def one(x: int) -> int:
    return {}

@workflow
def only(x: int) -> int:
    return one(x=x)
"""

ALONE = """
from flytekit import task

@task
def alone(x: int) -> int:
    return 2 * x
"""

TWICE = """
from flytekit import task, workflow

@task
def half(x: int) -> int:
    return x // 2

@task
def breaks(x: int) -> int:
    if x:
        raise ValueError(f"no luck with {x}")
    return x

@workflow
def twice(x: int) -> int:
    return breaks(x=half(x=x))
"""


@pytest.fixture(scope="module")
def names(stack: Stack, home: Path) -> Mapping[str, str]:
    """Executions that run side by side, by what they are: a registered launch plan, and files that never were."""
    made = {what: f"e2e{uuid.uuid4().hex[:10]}" for what in ("report", "failing", "shapes", "alone", "twice")}
    file = home / "alone.py"
    file.write_text(ALONE)
    two = home / "two.py"
    two.write_text(TWICE)

    def registered() -> None:
        command(stack, home, "register", "--version", VERSION, PRICES)
        plan = f"prices.report:{VERSION}"
        command(stack, home, "run", "--name", made["report"], "remote-launchplan", plan, "--symbol", "ACME")

    def from_file(what: str, path: str, entity: str, *inputs: str) -> None:
        command(stack, home, "run", "--remote", "--name", made[what], path, entity, *inputs)

    begun = (
        registered,
        partial(from_file, "failing", PRICES, "empty_report"),
        partial(from_file, "shapes", SHAPES, "shapes"),
        partial(from_file, "alone", str(file), "alone", "--x", "21"),
        partial(from_file, "twice", str(two), "twice", "--x", "42"),
    )
    with ThreadPoolExecutor(len(begun)) as at_once:
        list(at_once.map(lambda begin: begin(), begun))
    return made


class TestRegister:
    def write(self, folder: Path, result: str) -> str:
        path = folder / "counts.py"
        path.write_text(SOURCE.format(result))
        return str(path)

    def test_what_is_unchanged_may_be_registered_again(self, stack: Stack, home: Path, tmp_path: Path) -> None:
        path = self.write(tmp_path, "x")
        version = f"v{uuid.uuid4().hex[:8]}"
        first = command(stack, home, "register", "--version", version, path)
        again = command(stack, home, "register", "--version", version, path)
        assert "Successfully registered 3 entities" in first
        assert "Successfully registered" in again

    def test_a_version_named_after_a_branch_is_found_by_it(
        self, stack: Stack, home: Path, tmp_path: Path, remote: FlyteRemote
    ) -> None:
        version = f"feature/{uuid.uuid4().hex[:8]}"
        command(stack, home, "register", "--version", version, self.write(tmp_path, "x"))
        assert remote.fetch_task(name="counts.one", version=version).id.version == version
        assert remote.fetch_launch_plan(name="counts.only", version=version).id.version == version

    def test_what_has_changed_is_another_version(
        self, stack: Stack, home: Path, tmp_path: Path, remote: FlyteRemote
    ) -> None:
        for result in ("x", "x + 1"):
            said = command(stack, home, "register", self.write(tmp_path, result))
            assert "Successfully registered 3 entities" in said
        found, _ = remote.client.list_tasks_paginated(NamedEntityIdentifier(PROJECT, DOMAIN, "counts.one"), limit=10)
        assert len({each.id.version for each in found}) >= 2

    def test_what_has_changed_is_refused_under_the_same_version(self, stack: Stack, home: Path, tmp_path: Path) -> None:
        version = f"v{uuid.uuid4().hex[:8]}"
        command(stack, home, "register", "--version", version, self.write(tmp_path, "x"))
        path = tmp_path / "counts.py"
        path.write_text(path.read_text().replace("x: int", "x: str", 1).replace("only(x: int)", "only(x: str)"))
        with pytest.raises(CommandFailed, match="different structure"):
            command(stack, home, "register", "--version", version, str(path))


class TestRuns:
    def test_a_run_gives_outputs_of_the_types_of_its_code(self, remote: FlyteRemote, names: Mapping[str, str]) -> None:
        from prices import Average  # noqa: PLC0415  # found only now

        execution = ended(remote, names["report"])
        assert execution.closure.phase == WorkflowExecution.SUCCEEDED, execution.error
        assert execution.outputs.get("o0", as_type=Average) == Average("ACME", 30, pytest.approx(102.833, abs=0.001))
        page = Path(execution.outputs.get("o1", as_type=FlyteFile).download())
        assert page.read_text() == "ACME: 102.83 over 30 days\n"
        prices = execution.node_executions["n0"].outputs.get("o0", as_type=pd.DataFrame)
        assert list(prices["price"][:3]) == [100, 101, 102]
        assert execution.inputs["symbol"] == "ACME"

    def test_a_tasks_log_is_linked(self, remote: FlyteRemote, names: Mapping[str, str]) -> None:
        execution = ended(remote, names["report"])
        [attempt] = execution.node_executions["n0"].task_executions
        assert attempt.closure.phase == TaskExecution.SUCCEEDED
        assert attempt.closure.logs[0].uri.endswith(f"{names['report']}/n0-0.txt")

    def test_a_task_that_raises_fails_with_its_traceback(self, remote: FlyteRemote, names: Mapping[str, str]) -> None:
        execution = ended(remote, names["failing"])
        assert execution.closure.phase == WorkflowExecution.FAILED
        assert "Traceback" in execution.error.message
        assert "ValueError: the price feed is empty: 0 days" in execution.error.message

    def test_a_map_a_dynamic_task_and_a_choice(self, remote: FlyteRemote, names: Mapping[str, str]) -> None:
        execution = ended(remote, names["shapes"])
        assert execution.closure.phase == WorkflowExecution.SUCCEEDED, execution.error
        given = execution.outputs
        assert (given.get("o0", list[int]), given.get("o1", list[int]), given.get("o2", int)) == ([6, 8], [0, 2], 4)

    def test_a_task_by_itself_runs_from_a_file_that_was_never_registered(
        self, remote: FlyteRemote, names: Mapping[str, str]
    ) -> None:
        execution = ended(remote, names["alone"])
        assert execution.closure.phase == WorkflowExecution.SUCCEEDED, execution.error
        assert execution.outputs.get("o0", int) == 42
        assert execution.inputs["x"] == 21
        assert execution.spec.launch_plan.resource_type == TASK
        [node] = [each for each in execution.node_executions.values() if each.task_executions]
        assert node.task_executions[0].id.task_id.name == "alone.alone"


class TestAgain:
    def test_a_relaunch_runs_all_of_it(self, remote: FlyteRemote, names: Mapping[str, str]) -> None:
        original = ended(remote, names["alone"])
        name = remote.client.relaunch_execution(original.id, f"again{uuid.uuid4().hex[:8]}").name
        execution = ended(remote, name)
        assert execution.closure.phase == WorkflowExecution.SUCCEEDED, execution.error
        assert execution.outputs.get("o0", int) == 42
        assert execution.spec.metadata.reference_execution == original.id

    @pytest.mark.conformance("REC-09")
    def test_a_recovery_takes_over_what_succeeded(self, remote: FlyteRemote, names: Mapping[str, str]) -> None:
        original = ended(remote, names["twice"])
        assert original.closure.phase == WorkflowExecution.FAILED
        name = remote.client.recover_execution(original.id, f"again{uuid.uuid4().hex[:8]}").name
        execution = ended(remote, name)
        assert "no luck with 21" in execution.error.message
        phases = {each: node.closure.phase for each, node in execution.node_executions.items()}
        assert (phases["n0"], phases["n1"]) == (NodeExecution.RECOVERED, NodeExecution.FAILED)
        taken = execution.node_executions["n0"]  # flytekit itself takes RECOVERED for a phase that has not ended
        data = remote.client.get_node_execution_data(taken.id)
        assert data.full_outputs.literals["o0"].scalar.primitive.integer == 21
        assert not taken.task_executions

    def test_what_succeeded_is_not_recovered(self, remote: FlyteRemote, names: Mapping[str, str]) -> None:
        original = ended(remote, names["alone"])
        with pytest.raises(FlyteException, match="only one that ended without success is recovered"):
            remote.client.recover_execution(original.id)


class TestEntities:
    def test_each_can_be_fetched_and_listed(self, remote: FlyteRemote, names: Mapping[str, str]) -> None:
        assert remote.fetch_task(name="prices.average", version=VERSION).id.version == VERSION
        assert remote.fetch_workflow(name="prices.report", version=VERSION).id.name == "prices.report"
        assert remote.fetch_launch_plan(name="prices.report", version=VERSION).id.name == "prices.report"
        for latest in (remote.fetch_task, remote.fetch_workflow, remote.fetch_launch_plan):
            name = "prices.average" if latest == remote.fetch_task else "prices.report"
            assert latest(name=name).id.name == name
        client, name = remote.client, NamedEntityIdentifier(PROJECT, DOMAIN, "prices.report")
        assert client.list_workflows_paginated(name, limit=5)[0]
        assert client.list_launch_plans_paginated(name, limit=5)[0]
        assert "prices.average" in {each.name for each in client.list_task_ids_paginated(PROJECT, DOMAIN, limit=100)[0]}
        assert PROJECT in {each.id for each in client.list_projects_paginated(limit=100)[0]}
        recent = {execution.id.name for execution in remote.recent_executions(limit=100)}
        assert set(names.values()) <= recent
