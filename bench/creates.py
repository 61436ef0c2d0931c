"""What one create costs in remote stages, calls and write units: the real handler, embedded AWS, in-memory cluster."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionCreateResponse, ExecutionSpec
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.literals_pb2 import LiteralMap

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
from tests.registration import register
from tests.workflows import REPORT

MAX_STAGES = 5
MAX_CALLS_COLD = 10
MAX_CALLS_WARM = 8

_HELD_SECONDS = 0.1
_CONFIGURATION = "flyteadmin.yaml"


def rows(account: DataAccount, recorder: Recorder) -> list[Row]:
    """One create in a fresh process, one in a warm one; then both where the operator brought a configuration."""
    admin = in_process.admin()
    with _cluster():
        launch_plan = register(admin, REPORT, PROJECT, DOMAIN, "v1").launch_plan
        bare = _cold_and_warm(recorder, admin, launch_plan, "create")
        with _configuration(account):
            configured = _cold_and_warm(recorder, admin, launch_plan, "create with a configuration file")
    return [*bare, *configured]


def _cold_and_warm(recorder: Recorder, admin: Admin, launch_plan: Identifier, what: str) -> list[Row]:
    forget()
    recorder.attach()
    cold = _created(recorder, admin, launch_plan)
    warm = _created(recorder, admin, launch_plan)
    return [
        Row(f"{what}, cold: sequential stages", stages(cold), MAX_STAGES, reason=tally(cold)),
        Row(f"{what}, cold: calls", len(cold), MAX_CALLS_COLD, reason=tally(cold)),
        Row(f"{what}, warm: sequential stages", stages(warm), MAX_STAGES, reason=tally(warm)),
        Row(f"{what}, warm: calls", len(warm), MAX_CALLS_WARM, reason=tally(warm)),
        Row(f"{what}: write units", write_units(warm), reason=f"and {read_units(warm):g} read units"),
    ]


def _created(recorder: Recorder, admin: Admin, launch_plan: Identifier) -> Sequence[Call]:
    inputs = LiteralMap()
    inputs.literals["symbol"].scalar.primitive.string_value = "ACME"
    spec = ExecutionSpec(launch_plan=launch_plan)
    request = ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name=traffic.name(), spec=spec, inputs=inputs)
    with recorder.counting_cluster(), recorder.recording(hold=_HELD_SECONDS) as calls:
        admin.call("CreateExecution", request, ExecutionCreateResponse)
    return calls


@contextmanager
def _cluster() -> Iterator[None]:
    with serve(Store(namespaces=(f"{PROJECT}-{DOMAIN}",))) as server:
        os.environ.update(CLUSTER_ENDPOINT=server.url, CLUSTER_NAME="bench")
        forget()
        yield


@contextmanager
def _configuration(account: DataAccount) -> Iterator[None]:
    bucket = account.resources["Bucket"]
    account.client("s3").put_object(Bucket=bucket, Key=_CONFIGURATION, Body=b"flyteadmin:\n  maxParallelism: 25\n")
    os.environ["CONFIGURATION_URI"] = f"s3://{bucket}/{_CONFIGURATION}"
    yield
    del os.environ["CONFIGURATION_URI"]
