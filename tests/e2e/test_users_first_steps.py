"""First steps of users: an own project, another domain, large tasks, eager workflows, an error of megabytes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flyteidl.admin.project_pb2 import Project, ProjectRegisterRequest, ProjectRegisterResponse
from flytekit.remote import FlyteRemote

from local.stack import Stack
from tests.e2e.commands import command, ended

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]

SOURCE = """
import asyncio
import flytekit as fl
from flytekit import Resources, task, workflow

@task(requests=Resources(mem="4Gi", cpu="4"), limits=Resources(mem="8Gi", cpu="8"))
def greet(name: str) -> str:
    return f"hello {name}"

@workflow
def hello(name: str = "shop") -> str:
    return greet(name=name)

@fl.task
async def one_more(x: int) -> int:
    return x + 1

@fl.eager
async def inner(x: int) -> int:
    return await one_more(x=x)

@fl.eager
async def nested(x: int) -> int:
    first, second = await asyncio.gather(inner(x=x), inner(x=x + 1))
    return first + second

@task
def raises():
    raise ValueError("\\n".join(["a long line of a query that failed"] * 200_000))

@workflow
def fails():
    raises()
"""
RUNS = {
    "steps-own": ("shop", "development", "hello"),
    "steps-staging": ("flytesnacks", "staging", "hello"),
    "steps-production": ("shop", "production", "hello"),
    "steps-eager": ("flytesnacks", "development", "nested", "--x", "4"),
    "steps-huge": ("flytesnacks", "development", "fails"),
}


@pytest.fixture(scope="module", autouse=True)
def steps(stack: Stack, home: Path) -> None:
    """Start them all."""
    shop = ProjectRegisterRequest(project=Project(id="shop", name="Shop"))
    stack.admin().call("RegisterProject", shop, ProjectRegisterResponse)
    file = home / "first_steps.py"
    file.write_text(SOURCE)

    def run(name: str) -> None:
        project, domain, entity, *inputs = RUNS[name]
        command(stack, home, "run", "--remote", "-p", project, "-d", domain, "--name", name, str(file), entity, *inputs)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(run, RUNS))


@pytest.mark.parametrize("name", ["steps-own", "steps-staging", "steps-production"])
def test_any_project_and_domain_runs_what_asks_for_four_cpus(name: str, remote: FlyteRemote) -> None:
    project, domain, *_ = RUNS[name]
    execution = ended(remote, name, project=project, domain=domain)
    assert execution.error is None
    assert execution.outputs["o0"] == "hello shop"


def test_eager_workflows_run_and_wait_for_each_other(remote: FlyteRemote) -> None:
    execution = ended(remote, "steps-eager")
    assert execution.error is None
    assert execution.outputs["o0"] == 11


def test_a_huge_traceback_is_cut_and_not_replaced(remote: FlyteRemote) -> None:
    error = ended(remote, "steps-huge").error
    assert error is not None
    assert "a long line of a query that failed" in error.message
    assert "(cut)" in error.message
    assert "Traceback" in error.message
