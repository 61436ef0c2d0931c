"""The whole stack on this machine: the embedded AWS with the real template.yaml, a cluster, the stand-in engine.

`python -m local.stack up` (that is `make up`) keeps it until Ctrl-C; `running()` is the same for the demo and tests.
With KUBECONFIG set, workflows go to that cluster instead of the in-memory one, and the stand-in engine works there.
"""

import argparse
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO
from urllib.parse import urlsplit

from botocore.credentials import Credentials

from local import bridge as bridge_process
from local import namespaces
from local.admin import Admin
from local.aws import process as aws_process
from local.aws.client import REGION, Endpoint, HttpApi
from local.aws.deploy import Deployment, deploy
from local.callers import (
    ACCOUNT,
    BRIDGE_ROLE,
    BRIDGE_ROLE_ARN,
    CONFIGURATION_KEY,
    STACK,
    TEMPLATES_PREFIX,
    bridge_profile,
    calling,
    keeping_data,
    reading_data,
    user,
)
from local.cluster import process as cluster_process
from local.cluster.external import ExternalCluster, external_cluster
from local.engine import process as engine_process
from local.propeller import configured

ROOT = Path(__file__).parents[1]
PROJECT, DOMAIN = "flytesnacks", "development"
DOMAINS = (DOMAIN, "staging", "production")
CLUSTER_NAME = "local"
_FOLDER = ROOT / ".local"
_PID_FILE = _FOLDER / "stack.pid"
_CONFIGURATION = ROOT / "local" / "flyteadmin.yaml"
_BRIDGE_LOG = _FOLDER / "bridge.log"
_UPSTREAMS_GRPC_PORT = 8089
_PATIENCE_SECONDS = 30

type Report = Callable[[str], None]
type Cluster = cluster_process.RunningCluster | ExternalCluster


@dataclass(frozen=True)
class Stack:
    """A running stack: where it is, and the callers that it knows."""

    endpoint: Endpoint
    outputs: Mapping[str, str]
    cluster: Cluster
    data_scientist: Credentials
    propeller: Credentials
    bridge: bridge_process.RunningBridge

    @property
    def named_url(self) -> str:
        """The API under a name of its own, whose path clients such as curl sign; *.localhost is this machine."""
        return f"http://{self.outputs['ApiId']}.execute-api.localhost:{urlsplit(self.endpoint.url).port}"

    @property
    def api_url(self) -> str:
        """Return the URL of the API."""
        return HttpApi.at(self.endpoint, self.outputs["ApiId"]).base_url

    def admin(self, caller: Credentials | None = None) -> Admin:
        """Return the API as a caller sees it; the data scientist, unless another is named."""
        return Admin(HttpApi.at(self.endpoint, self.outputs["ApiId"], caller or self.data_scientist))


@contextmanager
def running(
    report: Report, *, audit: Path | None = None, engine: bool = True, port: int = 0, options: Sequence[str] = ()
) -> Iterator[Stack]:
    """Start everything, IAM enforced, the bridge on `port` or any, and leave nothing behind.

    `options` are further ones of the embedded AWS's server.
    """
    with ExitStack() as resources:
        report("starting the embedded AWS")
        endpoint = resources.enter_context(aws_process.running(auth=True, audit=audit, options=options))
        report("starting the cluster")
        cluster = resources.enter_context(_cluster())
        report("deploying template.yaml")
        outputs = _deploy(endpoint, cluster, report)
        endpoint.client("s3", ACCOUNT).put_object(
            Bucket=outputs["Bucket"], Key=CONFIGURATION_KEY, Body=_CONFIGURATION.read_bytes()
        )
        report("making the namespaces")
        namespaces.make(endpoint, outputs, cluster, [f"{PROJECT}-{domain}" for domain in DOMAINS])
        report("starting the bridge (log: .local/bridge.log)")
        stack = Stack(
            endpoint,
            outputs,
            cluster,
            data_scientist=user(endpoint, "data-scientist", [calling(outputs), *reading_data(outputs)]),
            propeller=user(endpoint, "propeller", [calling(outputs), *keeping_data(outputs)]),
            bridge=resources.enter_context(_bridge(endpoint, outputs, port)),
        )
        if engine:
            report(
                "starting the stand-in engine (for development: tasks run as processes here; log: .local/engine.log)"
            )
            tasks = _environment(endpoint, user(endpoint, "task", keeping_data(outputs)))
            resources.enter_context(
                engine_process.running(cluster, stack.bridge.address, outputs["Bucket"], tasks, _FOLDER)
            )
        yield stack


@contextmanager
def _cluster() -> Iterator[Cluster]:
    if os.environ.get("KUBECONFIG"):
        yield external_cluster()
        return
    with cluster_process.running() as cluster:
        yield cluster


def _deploy(endpoint: Endpoint, cluster: Cluster, report: Report) -> dict[str, str]:
    secrets = endpoint.client("secretsmanager", ACCOUNT)
    token = secrets.create_secret(Name=f"{STACK}-cluster-token", SecretString=cluster.token)["ARN"]
    parameters = {
        "Stage": "local",
        "ClusterName": CLUSTER_NAME,
        "ClusterEndpoint": cluster.url,
        "ClusterCertificateAuthority": cluster.authority_base64(),
        "ClusterTokenSecretArn": token,
        "ConfigurationKey": CONFIGURATION_KEY,
        "TemplatesPrefix": TEMPLATES_PREFIX,
        "BridgeRoleArn": BRIDGE_ROLE_ARN,
    }
    build = ROOT / ".aws-sam" / "build" / "template.yaml"
    deployment = Deployment(build, STACK, parameters)
    return deploy(deployment, endpoint, account_id=ACCOUNT, report=lambda line: _failures_only(line, report))


def _failures_only(line: str, report: Report) -> None:
    if "FAILED" in line or "ROLLBACK" in line:
        report(line)


@contextmanager
def _bridge(endpoint: Endpoint, outputs: Mapping[str, str], port: int) -> Iterator[bridge_process.RunningBridge]:
    with TemporaryDirectory(prefix="bridge-") as folder:
        profile = Path(folder, "config")
        profile.write_text(bridge_profile(endpoint, outputs))
        environment = {
            **_environment(endpoint),
            "AWS_CONFIG_FILE": str(profile),
            "AWS_PROFILE": BRIDGE_ROLE,
            "TABLE_PREFIX": f"{STACK}-",
            "BUCKET": outputs["Bucket"],
            "EVENTS_QUEUE_URL": outputs["EventsQueueUrl"],
            "CONFIGURATION_URI": f"s3://{outputs['Bucket']}/{CONFIGURATION_KEY}",
            "BRIDGE_API_URL": HttpApi.at(endpoint, outputs["ApiId"]).base_url,
        }
        with bridge_process.running(environment, _BRIDGE_LOG, port=port) as bridge:
            yield bridge


def _environment(endpoint: Endpoint, caller: Credentials | None = None) -> dict[str, str]:
    """Return the environment of a child process that calls AWS, as `caller` if there is one."""
    keys = {"AWS_ACCESS_KEY_ID": caller.access_key, "AWS_SECRET_ACCESS_KEY": caller.secret_key} if caller else {}
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        **keys,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint.url,
    }


def up(*, engine: bool) -> None:
    """Keep a stack until Ctrl-C or `make down`; without the stand-in engine, ready for a real propeller."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with ExitStack() as resources:
        resources.enter_context(_the_only_one())  # until all else has ended: `down` waits for it
        port = bridge_process.free_port(_UPSTREAMS_GRPC_PORT)
        stack = resources.enter_context(running(_say, engine=engine, port=port))
        print(_WELCOME.format(stack=stack, api=stack.named_url, region=REGION, account=ACCOUNT), flush=True)
        if not engine:
            propeller = configured(
                _FOLDER,
                stack.cluster,
                bridge=stack.bridge.address,
                bucket=stack.outputs["Bucket"],
                s3=stack.endpoint.url,
                caller=stack.propeller,
            )
            print(_PROPELLER.format(resources.enter_context(propeller)), flush=True)
        stopped.wait()
        _say("stopping")


def down() -> None:
    """Stop the stack that `up` keeps, if there is one."""
    try:
        with _PID_FILE.open() as file:
            pid = 0 if _is_taken(file) else int(file.read() or 0)
    except FileNotFoundError:
        pid = 0
    if not pid:
        _PID_FILE.unlink(missing_ok=True)
        _say("no stack is running")
        return
    os.kill(pid, signal.SIGTERM)
    _say("stopping")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _PID_FILE.exists():
        if time.monotonic() > deadline:
            sys.exit(f"stack: process {pid} has not ended after {_PATIENCE_SECONDS} s")
        time.sleep(0.1)
    _say("stopped")


@contextmanager
def _the_only_one() -> Iterator[None]:
    """Hold the lock of a file that says who keeps a stack; it ends with the process, however that ends.

    Raises:
        SystemExit: another process holds it.
    """
    _PID_FILE.parent.mkdir(exist_ok=True)
    with _PID_FILE.open("a") as file:
        if not _is_taken(file):
            sys.exit("stack: one is running already; make down ends it")
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            _PID_FILE.unlink(missing_ok=True)


def _is_taken(file: TextIO) -> bool:
    """Take the lock of a file, if nobody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _say(line: str) -> None:
    print(f"stack: {line}", file=sys.stderr, flush=True)


_WELCOME = """
The stack is up. Ctrl-C (or make down, elsewhere) ends it and leaves nothing behind.

  API        {api}
  topic      {stack.outputs[NotificationsTopicArn]}
  bucket     {stack.outputs[Bucket]}
  cluster    {stack.cluster.url}
  gRPC       {stack.bridge.address}

pyflyte and FlyteRemote find it so:

  export FLYTE_PLATFORM_URL={stack.bridge.address} FLYTE_PLATFORM_INSECURE=true
  export FLYTE_AWS_ENDPOINT={stack.endpoint.url} FLYTE_AWS_ACCESS_KEY_ID={stack.data_scientist.access_key}
  export FLYTE_AWS_SECRET_ACCESS_KEY={stack.data_scientist.secret_key}
  .venv/bin/pyflyte run --remote examples/prices.py report --symbol ACME

flytectl (and pyflyte too) by a file, say config.yaml, given with --config:

  admin:
    endpoint: dns:///{stack.bridge.address}
    insecure: true

The API takes requests signed with SigV4 (service execute-api):

  export AWS_ENDPOINT_URL={stack.endpoint.url} AWS_DEFAULT_REGION={region}
  export AWS_ACCESS_KEY_ID={stack.data_scientist.access_key} AWS_SECRET_ACCESS_KEY={stack.data_scientist.secret_key}
  curl --aws-sigv4 aws:amz:{region}:execute-api --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \\
    '{api}/api/v1/projects'

Operators (flyteadmin-ops) are this account's root:

  export AWS_ENDPOINT_URL={stack.endpoint.url} AWS_DEFAULT_REGION={region}
  export AWS_ACCESS_KEY_ID={account} AWS_SECRET_ACCESS_KEY={stack.endpoint.secret}
"""

_PROPELLER = """Nothing runs what appears in the cluster until a propeller does:

  flytepropeller --config {}
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `up` or `down`."""
    parser = argparse.ArgumentParser(prog="local.stack", description=__doc__)
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("--engine", choices=["stand-in", "propeller"], default="stand-in", help="what runs workflows")
    options = parser.parse_args(arguments)
    if options.command == "up":
        up(engine=options.engine == "stand-in")
    else:
        down()


if __name__ == "__main__":
    main()
