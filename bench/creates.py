"""Measures a create in stages, calls and write units: the real handler, embedded AWS, in-memory cluster."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionCreateResponse, ExecutionSpec
from flyteidl.core.identifier_pb2 import TASK, Identifier

from bench import traffic
from bench.account import forget
from bench.counting import Call, Recorder, read_units, stages, tally, write_units
from bench.report import Row
from local.admin import Admin
from local.aws.data import DataAccount
from local.cluster.process import serve
from local.cluster.store import Store
from tests import in_process
from tests.builders import DOMAIN, PROJECT
from tests.flytekit_registration import register
from tests.workflows import REPORT

MAX_STAGES = 5
MAX_CALLS_COLD = 10
MAX_CALLS_WARM = 8

_HELD_SECONDS = 0.1
_CONFIGURATION = "flyteadmin.yaml"
_FILE = "flyteadmin:\n  maxParallelism: 25\n"
_TASK = "tests.workflows.average"


def rows(account: DataAccount, recorder: Recorder) -> list[Row]:
    """One create in a fresh process, one in a warm one; with the operator's configuration; and of a task by itself."""
    admin = in_process.admin()
    with cluster():
        launch_plan = register(admin, REPORT, PROJECT, DOMAIN, "v1").launch_plan
        bare = _cold_and_warm(recorder, admin, _request(launch_plan, symbol="ACME"), "create")
        with _configuration(account, _FILE):
            request = _request(launch_plan, symbol="ACME")
            configured = _cold_and_warm(recorder, admin, request, "create with a configuration file")
        with _configuration(account, _three_clusters()):
            request = _request(launch_plan, symbol="ACME")
            request.spec.execution_cluster_label.value = "team"
            clusters = _cold_and_warm(recorder, admin, request, "create with three clusters")
        task = Identifier(resource_type=TASK, project=PROJECT, domain=DOMAIN, name=_TASK, version="v1")
        first = _created(recorder, admin, _request(task, days=30))
        single = _cold_and_warm(recorder, admin, _request(task, days=30), "create of a task")
    return [
        *bare,
        *configured,
        *clusters,
        Row("first create of a task: sequential stages", stages(first), MAX_STAGES, reason=tally(first)),
        Row("first create of a task: calls", len(first), MAX_CALLS_COLD, reason=tally(first)),
        *single,
    ]


def _request(launchable: Identifier, **inputs: str | int) -> ExecutionCreateRequest:
    spec = ExecutionSpec(launch_plan=launchable)
    request = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, spec=spec)
    for name, value in inputs.items():
        primitive = request.inputs.literals[name].scalar.primitive
        if isinstance(value, int):
            primitive.integer = value
        else:
            primitive.string_value = value
    return request


def _cold_and_warm(recorder: Recorder, admin: Admin, request: ExecutionCreateRequest, what: str) -> list[Row]:
    forget()
    recorder.attach()
    cold = _created(recorder, admin, request)
    warm = _created(recorder, admin, request)
    return [
        Row(f"{what}, cold: sequential stages", stages(cold), MAX_STAGES, reason=tally(cold)),
        Row(f"{what}, cold: calls", len(cold), MAX_CALLS_COLD, reason=tally(cold)),
        Row(f"{what}, warm: sequential stages", stages(warm), MAX_STAGES, reason=tally(warm)),
        Row(f"{what}, warm: calls", len(warm), MAX_CALLS_WARM, reason=tally(warm)),
        Row(f"{what}: write units", write_units(warm), reason=f"and {read_units(warm):g} read units"),
    ]


def _created(recorder: Recorder, admin: Admin, request: ExecutionCreateRequest) -> Sequence[Call]:
    request.name = traffic.name()
    with recorder.counting_cluster(), recorder.recording(hold=_HELD_SECONDS) as calls:
        admin.call("CreateExecution", request, ExecutionCreateResponse)
    return calls


@contextmanager
def cluster() -> Iterator[None]:
    with serve(Store(namespaces=(f"{PROJECT}-{DOMAIN}",))) as server:
        os.environ.update(CLUSTER_ENDPOINT=server.url, CLUSTER_NAME="bench")
        forget()
        yield


@contextmanager
def _configuration(account: DataAccount, text: str) -> Iterator[None]:
    bucket = account.resources["Bucket"]
    account.client("s3").put_object(Bucket=bucket, Key=_CONFIGURATION, Body=text.encode())
    os.environ["CONFIGURATION_URI"] = f"s3://{bucket}/{_CONFIGURATION}"
    try:
        yield
    finally:
        del os.environ["CONFIGURATION_URI"]


def _three_clusters() -> str:
    """Return a file with three clusters, which are one here, and a label for them."""
    names = ("bench", "east", "west")
    clusters = [{"name": name, "endpoint": os.environ["CLUSTER_ENDPOINT"], "enabled": True} for name in names]
    label = [{"id": name, "weight": 0.3} for name in names]
    return json.dumps({"clusters": {"clusterConfigs": clusters, "labelClusterMap": {"team": label}}})
