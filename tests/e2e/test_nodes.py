"""Nodes that wait for somebody, and nodes that are executions of their own: unmodified flytekit, the deployed stack."""

import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest
from flyteidl.admin.execution_pb2 import Execution, ExecutionMetadata, WorkflowExecutionGetRequest
from flyteidl.core.execution_pb2 import NodeExecution, WorkflowExecution
from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier, WorkflowExecutionIdentifier
from flytekit.remote import FlyteRemote

from local.stack import DOMAIN, PROJECT, Stack
from tests.e2e.commands import command, ended
from tests.e2e.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]

VERSION = "v1"
SOURCE = """
from dataclasses import dataclass
from datetime import timedelta
from typing import Dict, List

from flytekit import LaunchPlan, approve, conditional, sleep, task, wait_for_input, workflow

@dataclass
class Settings:
    limit: int

@task
def settings(x: int) -> Settings:
    return Settings(x)

@task
def flags(x: int) -> List[bool]:
    return [False, x > 5]

@task
def sizes(x: int) -> Dict[str, int]:
    return {"small": x}

@task
def half(x: int) -> int:
    return x // 2

@workflow
def halved(x: int) -> int:
    return half(x=x)

@workflow
def gates() -> int:
    nap = sleep(timedelta(seconds=1))
    number = wait_for_input("number", timeout=timedelta(minutes=9), expected_type=int)
    nap >> number
    return approve(half(x=number), "good", timeout=timedelta(minutes=9))

@workflow
def by_parts(x: int) -> int:
    s, f, z = settings(x=x), flags(x=x), sizes(x=x)
    return (
        conditional("parts")
        .if_(s.limit > 10)
        .then(half(x=100))
        .elif_(f[1].is_true() & (z["small"] == 6))
        .then(half(x=6))
        .else_()
        .then(half(x=2))
    )

@workflow
def parent(x: int) -> int:
    return LaunchPlan.get_or_create(halved)(x=x)
"""


@pytest.fixture(scope="module")
def names(stack: Stack, home: Path, remote: FlyteRemote) -> Mapping[str, str]:
    """Executions that run side by side, by what they are."""
    module = f"nodes_{uuid.uuid4().hex[:8]}"
    path = home / f"{module}.py"
    path.write_text(SOURCE)
    command(stack, home, "register", "--version", VERSION, str(path))

    def begin(workflow: str, **inputs: int) -> str:
        plan = remote.fetch_launch_plan(name=f"{module}.{workflow}", version=VERSION)
        return str(remote.execute(plan, inputs=inputs).id.name)

    return {
        "approved": begin("gates"),
        "rejected": begin("gates"),
        "parent": begin("parent", x=84),
        "field": begin("by_parts", x=11),
        "item": begin("by_parts", x=6),
        "neither": begin("by_parts", x=5),
    }


def gate(remote: FlyteRemote, name: str, signal: str) -> None:
    """Wait until an execution has reached a gate, and so made its signal."""

    def look() -> bool | None:
        return signal in {each.id.signal_id for each in remote.list_signals(name)} or None

    eventually(look, f"the signal {signal} of {name}")


class TestGates:
    def test_time_an_input_and_a_yes_let_it_go_on(self, remote: FlyteRemote, names: Mapping[str, str]) -> None:
        name = names["approved"]
        gate(remote, name, "number")
        remote.set_signal("number", name, 84, python_type=int)
        gate(remote, name, "good")
        assert remote.fetch_execution(name=name).closure.phase == WorkflowExecution.RUNNING
        remote.approve("good", name)
        execution = ended(remote, name)
        assert execution.closure.phase == WorkflowExecution.SUCCEEDED, execution.error
        assert execution.outputs.get("o0", int) == 42
        phases = {each.closure.phase for each in execution.node_executions.values()}
        assert phases == {NodeExecution.SUCCEEDED}
        assert execution.node_executions["n0"].closure.duration.total_seconds() >= 1  # it slept

    def test_a_no_fails_it(self, remote: FlyteRemote, names: Mapping[str, str]) -> None:
        name = names["rejected"]
        gate(remote, name, "number")
        remote.set_input("number", name, 2, python_type=int)
        gate(remote, name, "good")
        remote.reject("good", name)
        execution = ended(remote, name)
        assert execution.closure.phase == WorkflowExecution.FAILED
        assert execution.error.code == "ReceivedRejectSignal"


class TestConditions:
    @pytest.mark.parametrize(("which", "answer"), [("field", 50), ("item", 3), ("neither", 1)])
    def test_compare_parts_of_what_tasks_return(
        self, remote: FlyteRemote, names: Mapping[str, str], which: str, answer: int
    ) -> None:
        execution = ended(remote, names[which])
        assert execution.closure.phase == WorkflowExecution.SUCCEEDED, execution.error
        assert execution.outputs.get("o0", int) == answer


class TestLaunchPlanNodes:
    def test_the_child_is_an_execution_that_knows_its_parent(
        self, stack: Stack, remote: FlyteRemote, names: Mapping[str, str]
    ) -> None:
        execution = ended(remote, names["parent"])
        assert execution.closure.phase == WorkflowExecution.SUCCEEDED, execution.error
        assert execution.outputs.get("o0", int) == 42
        [child] = execution.node_executions["n0"].workflow_executions
        assert child.outputs.get("o0", int) == 42

        identifier = WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=child.id.name)
        stored = stack.admin().call("GetExecution", WorkflowExecutionGetRequest(id=identifier), Execution)
        metadata = stored.spec.metadata
        assert (metadata.mode, metadata.nesting) == (ExecutionMetadata.CHILD_WORKFLOW, 1)
        parent = WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=names["parent"])
        assert metadata.parent_node_execution == NodeExecutionIdentifier(node_id="n0", execution_id=parent)
        assert metadata.principal == execution.spec.metadata.principal
