"""Tests the output of `make build`: handlers start from their folder and layers alone, within Lambda's sizes.

The embedded AWS finds packages of this environment too, so an undeclared import would pass there.
"""

import subprocess
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from bench.layers import BOTH_BUDGET_MB, BUILD, COMMON_BUDGET_MB, size_mb
from local.cluster.faults import Fault
from local.cluster.process import serve
from local.cluster.store import Store
from tests.infrastructure.template import ROOT, load

_UNCHECKED_HASH = 0b01

_START = """
import sys
sys.path[:0] = sys.argv[1:]
import handler
assert callable(handler.lambda_handler)
foreign = [file for m in sys.modules.values() if "site-packages" in (file := getattr(m, "__file__", None) or "")]
assert not foreign, foreign
unwanted = {name.partition(".")[0] for name in sys.modules} & {"grpc", "aiohttp", "aws_xray_sdk"}
assert not unwanted, unwanted
"""


def layers_of_functions() -> list[tuple[str, list[str]]]:
    """(logical id, its layers' in the order in which Lambda lays them) of each function."""
    return [
        (name, [layer.removeprefix("flyteadmin-") for layer in function["Layers"]])
        for name, function in load().resources("AWS::Serverless::Function")
    ]


def content(layer: str) -> Path:
    folder = BUILD / layer / "python"
    assert folder.is_dir(), f"{folder} is not there: run make build"
    return folder


@pytest.mark.parametrize(("function", "layers"), layers_of_functions())
def test_a_handler_starts_with_its_layers_alone(function: str, layers: list[str]) -> None:
    paths = [BUILD / function, *map(content, layers)]
    command = [sys.executable, "-I", "-S", "-B", "-W", "error::ImportWarning", "-c", _START, *map(str, paths)]
    run = subprocess.run(command, cwd=BUILD, env={}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_only_functions_that_call_a_cluster_carry_its_client() -> None:
    with_cluster = {name for name, layers in layers_of_functions() if "ClusterLayer" in layers}
    assert with_cluster == {"ApplyNamespacesFunction", "CreateExecutionFunction", "TerminateExecutionFunction"}


_CALLS = """
import sys
sys.path[:0] = sys.argv[1:]
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteadmin.clients import cluster
from flyteadmin.errors import Unavailable
from flyteadmin.settings import environment
here = environment().cluster
run = {"project": "p", "domain": "d", "name": "w"}
body = {
    "apiVersion": "flyte.lyft.com/v1alpha1", "kind": "FlyteWorkflow", "metadata": {"name": "w"}, "executionId": run
}
execution = WorkflowExecutionIdentifier(**run)
for call, *given in [(cluster.create, here, "default", body)] * 4 + [(cluster.delete, here, "default", execution)] * 2:
    try:
        print(call(*given))
    except (cluster.Refused, Unavailable) as error:
        print(type(error).__name__, getattr(error, "reason", ""))
"""


def test_what_is_left_of_the_clusters_client_does_what_is_asked_of_it() -> None:
    """The layer's build keeps a few of its modules; each kind of answer goes through them."""
    with serve(Store()) as server:
        server.faults.add(Fault(verb="create", code=403, reason="Forbidden"))
        server.faults.add(Fault(verb="create", code=500))
        environment = {
            "CLUSTER_ENDPOINT": server.url,
            "CLUSTER_NAME": "here",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "something",
        }
        paths = map(str, (content("CommonLayer"), content("ClusterLayer")))
        command = [sys.executable, "-I", "-S", "-B", "-c", _CALLS, *paths]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    answers = [line for line in run.stdout.split("\n") if not line.startswith("{")]  # the others are log lines
    assert answers == ["Refused Forbidden", "Unclear ", "None", "None", "True", "False", ""]


def test_the_common_layer_has_this_repositorys_package() -> None:
    source, built = ROOT / "layers" / "common" / "flyteadmin", content("CommonLayer") / "flyteadmin"
    modules = {path.relative_to(source): path.read_bytes() for path in source.rglob("*.py")}
    assert {path.relative_to(built): path.read_bytes() for path in built.rglob("*.py")} == modules


def test_no_package_is_in_both_layers() -> None:
    names = [{path.name for path in content(layer).iterdir()} for layer in ("CommonLayer", "ClusterLayer")]
    assert names[0] & names[1] <= {"__pycache__"}


@pytest.mark.parametrize("layer", ["CommonLayer", "ClusterLayer"])
def test_every_module_is_compiled_for_this_python_and_never_checked_again(layer: str) -> None:
    """A time stamp would not outlast the zip, and /opt can't be written."""
    modules = [path for path in content(layer).rglob("*.py") if "-" not in path.stem]
    assert modules
    for module in modules:
        header = (module.parent / "__pycache__" / f"{module.stem}.cpython-312.pyc").read_bytes()[:8]
        assert header == MAGIC_NUMBER + _UNCHECKED_HASH.to_bytes(4, "little"), module


@pytest.mark.parametrize("layer", ["CommonLayer", "ClusterLayer"])
@pytest.mark.parametrize("pattern", ["*_pb2_grpc.py", "*.pyi", "tests", "bin", "requirements.txt", "aio"])
def test_what_no_function_reads_is_left_out(layer: str, pattern: str) -> None:
    assert not list(content(layer).rglob(pattern))


def test_the_services_that_the_clients_talk_to_are_described() -> None:
    data = content("CommonLayer") / "botocore" / "data"
    described = {path.name for path in data.iterdir() if path.is_dir()}
    assert {"dynamodb", "s3", "sqs", "sns", "sts", "secretsmanager"} <= described
    assert len(described) < 12
    assert {"endpoints.json", "partitions.json", "sdk-default-configuration.json"} <= {p.name for p in data.iterdir()}


def test_layers_keep_their_budgets() -> None:
    common, cluster = size_mb("CommonLayer"), size_mb("ClusterLayer")
    assert common <= COMMON_BUDGET_MB
    assert common + cluster <= BOTH_BUDGET_MB
