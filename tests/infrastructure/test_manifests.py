"""The bridge as deploy/kubernetes/ runs it: with the variables of each manifest alone, and asked as its probes ask."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from bridge.settings import Settings
from local.bridge import free_port
from local.cluster import certificate
from local.stack import ROOT

MANIFESTS = ROOT / "deploy" / "kubernetes"
PATIENCE_SECONDS = 60
GIVEN = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "BRIDGE_API_URL": "http://127.0.0.1:9",
    "BRIDGE_TOKEN_ISSUER": "https://issuer.example",
    "BRIDGE_TOKEN_AUDIENCE": "flyte",
    "BRIDGE_EVENT_SENDERS": "propeller",
    "TABLE_PREFIX": "flyteadmin-",
    "BUCKET": "bucket",
    "EVENTS_QUEUE_URL": "http://127.0.0.1:9/events.fifo",
    "CONFIGURATION_URI": "",
}
"""The values that an operator fills in for the <...> of a manifest."""


def container(manifest: str) -> dict[str, Any]:
    documents = yaml.safe_load_all((MANIFESTS / manifest).read_text())
    [deployment] = [each for each in documents if each.get("kind", "Deployment") == "Deployment"]
    [found] = deployment["spec"]["template"]["spec"]["containers"]
    return dict(found)


def variables(manifest: str, secrets: Path) -> dict[str, str]:
    """A manifest's variables: what is left open filled in, ports that are free, its secrets where they are here."""
    found = {}
    for each in container(manifest)["env"]:
        name, value = each["name"], str(each["value"])
        if "<" in value:
            value = GIVEN[name]
        if name.endswith("LISTEN"):
            value = f"{value.partition(':')[0]}:{free_port()}"
        found[name] = value.replace("/tls/tls.crt", f"{secrets}/server.pem").replace(
            "/tls/tls.key", f"{secrets}/server.pem"
        )
    return found


@contextmanager
def running(environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    credentials = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "PATH": os.environ["PATH"]}
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge"], cwd=ROOT, env={**environment, **credentials}, stdout=said, stderr=said
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def healthz(environment: Mapping[str, str]) -> int:
    port = environment["BRIDGE_METRICS_LISTEN"].rpartition(":")[2]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.URLError:
        return 0


@pytest.mark.parametrize("manifest", ["bridge.yaml", "propeller-sidecar.yaml"])
def test_a_bridge_starts_with_the_variables_of_its_manifest(manifest: str, tmp_path: Path) -> None:
    authority = certificate.ensure(tmp_path)
    environment, log = variables(manifest, tmp_path), tmp_path / "log"
    with running(environment, log) as process:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while healthz(environment) != 200:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        address = environment["BRIDGE_LISTEN"].replace("0.0.0.0", "127.0.0.1")
        credentials = grpc.ssl_channel_credentials(authority.read_bytes())
        is_tls = "BRIDGE_TLS_KEY" in environment
        with grpc.secure_channel(address, credentials) if is_tls else grpc.insecure_channel(address) as channel:
            check: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/grpc.health.v1.Health/Check")
            answer = check(HealthCheckRequest().SerializeToString(), timeout=PATIENCE_SECONDS)
        assert HealthCheckResponse.FromString(answer).status == HealthCheckResponse.SERVING
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0, log.read_text()


def test_a_pod_is_given_the_time_to_drain() -> None:
    deployment = next(yaml.safe_load_all((MANIFESTS / "bridge.yaml").read_text().split("---\n", 1)[1]))
    pod = deployment["spec"]["template"]["spec"]
    before = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > before + Settings.model_fields["drain_seconds"].default


def test_what_is_missing_is_said_and_no_traceback(tmp_path: Path) -> None:
    environment = {"BRIDGE_API_URL": GIVEN["BRIDGE_API_URL"], "BRIDGE_LISTEN": "127.0.0.1:0"}
    with running(environment, tmp_path / "log") as process:
        assert process.wait(PATIENCE_SECONDS) == 1
    said = (tmp_path / "log").read_text()
    assert "AWS_DEFAULT_REGION" in said
    assert "Traceback" not in said
