"""The stand-in engine as `make up` starts it: its own process, TLS to the cluster, S3, gRPC, a task as a process."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flyteidl.admin.event_pb2 import TaskExecutionEventRequest
from flyteidl.core.literals_pb2 import LiteralMap
from kubernetes.client import ApiClient, Configuration, CustomObjectsApi

from flyteadmin.flyteworkflow.crd import FlyteWorkflow
from local.aws.client import DEFAULT_ACCOUNT, REGION, Endpoint
from local.cluster.process import RunningCluster, running
from tests.local.engine_admin import Stub, served
from tests.local.engine_builders import integer, one_task

PLACE = ("flyte.lyft.com", "v1alpha1", "flytesnacks-development", "flyteworkflows")
COPY = """
import boto3, sys
from urllib.parse import urlsplit
from flyteidl.core.literals_pb2 import LiteralMap
source, target = map(urlsplit, sys.argv[1:])
s3 = boto3.client("s3")
inputs = LiteralMap.FromString(s3.get_object(Bucket=source.netloc, Key=source.path[1:])["Body"].read())
outputs = LiteralMap(literals={"o0": inputs.literals["x"]})
s3.put_object(Bucket=target.netloc, Key=f"{target.path[1:]}/outputs.pb", Body=outputs.SerializeToString())
print("copied")
"""


def test_an_execution_runs_from_the_cluster_to_the_api(endpoint: Endpoint, tmp_path: Path) -> None:
    storage = endpoint.client("s3")
    storage.create_bucket(Bucket="engine-data")
    stub = Stub()
    with (
        running(namespaces=("flytesnacks-development",)) as cluster,
        served(stub) as address,
        engine(endpoint, cluster, address, tmp_path),
    ):
        ended = run_one(cluster, copying())
        events = [body for method, body in stub.received if method.endswith("CreateTaskEvent")]
        [log] = {log.uri for body in events for log in TaskExecutionEventRequest.FromString(body).event.logs}
        with urllib.request.urlopen(log) as answer:
            printed = answer.read()

    said = (tmp_path / "engine.log").read_text()
    assert ended["metadata"]["labels"]["termination-status"] == "terminated", said
    assert len(stub.received) == 12
    key = "metadata/propeller/flytesnacks-development-run/end-node/data/0/outputs.pb"
    blob = storage.get_object(Bucket="engine-data", Key=key)["Body"].read()
    assert LiteralMap.FromString(blob).literals["o0"] == integer(7)
    assert printed == b"copied\n"
    assert "for development only" in said.splitlines()[0]


def copying() -> FlyteWorkflow:
    """One task whose program gives its input as its output."""
    resource = one_task()
    assert resource.tasks is not None
    task = resource.tasks["double"]
    task.container.ClearField("args")
    task.container.args.extend(["python", "-c", COPY, "{{.input}}", "{{.outputPrefix}}"])
    return resource


@contextmanager
def engine(endpoint: Endpoint, cluster: RunningCluster, bridge: str, folder: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "local.engine", "--bucket", "engine-data", "--bridge", bridge]
    command += ["--cluster", cluster.url, f"--token={cluster.token}"]
    command += ["--certificate-authority", str(cluster.authority), "--logs", str(folder / "logs")]
    with (
        (folder / "engine.log").open("w") as errors,
        subprocess.Popen(command, env=environment(endpoint), stderr=errors) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


def environment(endpoint: Endpoint) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ACCESS_KEY_ID": DEFAULT_ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": endpoint.secret,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint.url,
    }


def run_one(cluster: RunningCluster, resource: FlyteWorkflow) -> dict[str, dict[str, dict[str, str]]]:
    configuration = Configuration(host=cluster.url, api_key={"authorization": f"Bearer {cluster.token}"})
    configuration.ssl_ca_cert = str(cluster.authority)
    with ApiClient(configuration) as client:
        custom = CustomObjectsApi(client)
        found = custom.create_namespaced_custom_object(*PLACE, resource.to_json_object())
        deadline = time.monotonic() + 30
        while "labels" not in found["metadata"] and time.monotonic() < deadline:
            time.sleep(0.05)
            found = custom.get_namespaced_custom_object(*PLACE, "run")
        return dict(found)
