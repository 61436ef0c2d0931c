"""Aborts over real gRPC: asked for by unmodified flytekit, handed down by the engine to what it started."""

import uuid
from pathlib import Path

import pytest
from flyteidl.core.execution_pb2 import NodeExecution, WorkflowExecution
from flytekit.remote import FlyteRemote

from local.stack import Stack
from tests.e2e.commands import command, ended
from tests.e2e.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]

SOURCE = """
from datetime import timedelta

from flytekit import LaunchPlan, sleep, workflow

@workflow
def waits() -> None:
    sleep(timedelta(days=1))

@workflow
def parent() -> None:
    LaunchPlan.get_or_create(waits)()
"""


def waiting_child(remote: FlyteRemote, parent: str) -> str:
    """Return the child that a parent started, once it waits."""

    def look() -> str | None:
        execution = remote.sync(remote.fetch_execution(name=parent), sync_nodes=True)
        node = execution.node_executions.get("n0")
        started = node.closure.workflow_node_metadata if node else None
        if not started:
            return None
        name = str(started.execution_id.name)
        child = remote.sync(remote.fetch_execution(name=name), sync_nodes=True)
        gate = child.node_executions.get("n0")
        return name if gate and gate.closure.phase == NodeExecution.RUNNING else None

    return eventually(look, f"a child of {parent}")


@pytest.mark.conformance("HIE-09", "TER-09")
def test_a_parents_abort_ends_its_child(stack: Stack, home: Path, remote: FlyteRemote) -> None:
    module = f"aborts_{uuid.uuid4().hex[:8]}"
    path = home / f"{module}.py"
    path.write_text(SOURCE)
    command(stack, home, "register", "--version", "v1", str(path))
    name = remote.execute(remote.fetch_launch_plan(name=f"{module}.parent", version="v1"), inputs={}).id.name
    child = waiting_child(remote, name)

    remote.terminate(remote.fetch_execution(name=name), "no longer needed")

    for each, cause in (
        (name, "no longer needed"),
        (child, f"cascading abort as parent execution id [{name}] aborted"),
    ):
        execution = ended(remote, each)
        assert execution.closure.phase == WorkflowExecution.ABORTED
        assert execution.closure.abort_metadata.cause.startswith(cause)
        assert execution.node_executions["n0"].closure.phase == NodeExecution.ABORTED
