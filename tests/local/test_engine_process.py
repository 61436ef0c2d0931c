"""The stand-in engine as `make up` starts it: its own process, TLS to the cluster, S3, signed calls to the API."""

import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from flyteidl.core.literals_pb2 import LiteralMap
from kubernetes.client import ApiClient, Configuration, CustomObjectsApi

from local.aws.client import DEFAULT_ACCOUNT, REGION, Endpoint
from local.cluster.process import running
from tests.local.engine_builders import integer, one_task

PLACE = ("flyte.lyft.com", "v1alpha1", "flytesnacks-development", "flyteworkflows")


def test_an_execution_runs_from_the_cluster_to_the_api(endpoint: Endpoint, tmp_path: Path) -> None:
    received: list[tuple[str, bool]] = []

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, self.headers["Authorization"].startswith("AWS4-HMAC-SHA256")))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    storage = endpoint.client("s3")
    storage.create_bucket(Bucket="engine-data")
    server = HTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    log = tmp_path / "engine.log"
    with running(namespaces=("flytesnacks-development",)) as cluster, log.open("w") as errors:
        command = [sys.executable, "-m", "local.engine", "--task-seconds", "0", "--bucket", "engine-data"]
        command += ["--api", f"http://127.0.0.1:{server.server_port}", "--cluster", cluster.url]
        command += ["--token", cluster.token, "--certificate-authority", str(cluster.authority)]
        with subprocess.Popen(command, env=_environment(endpoint), stderr=errors) as engine:
            try:
                ended = _run_one(cluster.url, cluster.token, cluster.authority)
            finally:
                engine.terminate()
    server.shutdown()
    thread.join()
    server.server_close()

    assert ended["metadata"]["labels"]["termination-status"] == "terminated", log.read_text()
    assert len(received) == 12
    assert all(is_signed for _, is_signed in received)
    key = "metadata/propeller/flytesnacks-development-run/end-node/data/0/outputs.pb"
    blob = storage.get_object(Bucket="engine-data", Key=key)["Body"].read()
    assert LiteralMap.FromString(blob).literals["o0"] == integer(7)
    assert "for development only" in log.read_text().splitlines()[0]


def _environment(endpoint: Endpoint) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ACCESS_KEY_ID": DEFAULT_ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint.url,
    }


def _run_one(url: str, token: str, authority: Path) -> dict[str, dict[str, dict[str, str]]]:
    configuration = Configuration(host=url, api_key={"authorization": f"Bearer {token}"})
    configuration.ssl_ca_cert = str(authority)
    with ApiClient(configuration) as client:
        custom = CustomObjectsApi(client)
        found = custom.create_namespaced_custom_object(*PLACE, one_task().to_json_object())
        deadline = time.monotonic() + 30
        while "labels" not in found["metadata"] and time.monotonic() < deadline:
            time.sleep(0.05)
            found = custom.get_namespaced_custom_object(*PLACE, "run")
        return dict(found)
