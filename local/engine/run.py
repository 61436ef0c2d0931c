"""The engine as a process: watches a cluster and runs what appears there, each resource once.

`python -m local.engine --cluster URL --token T --bridge HOST:PORT --bucket NAME`; AWS credentials come from the
environment, and tasks get the same.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import grpc

from local.engine import blobs
from local.engine.bridge import Bridge
from local.engine.execution import Execution, Settings, World
from local.engine.resources import Resource, Resources
from local.engine.tasks.logs import serving
from local.engine.tasks.processes import Processes

_CALLS_AT_ONCE = 32
_PASSED_ON = ("LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")
_log = logging.getLogger("local.engine")


class Engine:
    """Runs the resources of a cluster."""

    def __init__(self, resources: Resources, world: World) -> None:
        """Take where resources come from, and what their executions share."""
        self._resources = resources
        self._world = world
        self._claimed: dict[str, Execution | None] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def serve(self, stopped: asyncio.Event) -> None:
        """Run what appears until stopped; what is under way then is let go of, and its tasks are killed."""
        loop, ended = asyncio.get_running_loop(), Event()

        def watch() -> None:
            for resource in self._resources.changes(ended):
                with suppress(RuntimeError):  # the loop is closed: the process ends
                    loop.call_soon_threadsafe(self._see, resource)

        Thread(target=watch, name="watch", daemon=True).start()
        await stopped.wait()
        ended.set()
        for execution in filter(None, self._claimed.values()):
            execution.leave()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _see(self, resource: Resource) -> None:
        execution = self._claimed.get(resource.uid)
        if resource.uid not in self._claimed:
            execution = self._claimed[resource.uid] = Execution(resource, self._world)
            task = execution.begin()
            self._under_way.add(task)
            task.add_done_callback(lambda task: self._ended(resource, task))
        if execution and resource.is_deleted:
            execution.abort()

    def _ended(self, resource: Resource, task: asyncio.Task[None]) -> None:
        # It stays claimed: what the watch still has to say of it is old news.
        self._claimed[resource.uid] = None
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("%s/%s was given up", *resource.place, exc_info=error)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s: %(message)s")
    _log.info("the stand-in engine, for development only: tasks run as processes of this machine, not in containers")
    asyncio.run(_serve(options))


async def _serve(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="call"))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    settings = Settings(
        metadata_prefix=f"s3://{options.bucket}/metadata/propeller",
        raw_prefix=f"s3://{options.bucket}/raw",
        producer_id=options.producer_id,
    )
    resources = Resources(options.cluster, options.token, options.certificate_authority)
    with serving(options.logs) as logs, grpc.insecure_channel(options.bridge) as channel:
        environment = task_environment(os.environ, options.programs, options.bridge)
        processes = Processes(logs, environment, asyncio.Semaphore(options.tasks_at_once))
        await Engine(resources, World(resources, Bridge(channel), blobs, processes, settings)).serve(stopped)
    resources.close()


def task_environment(own: Mapping[str, str], programs: Path, platform: str) -> dict[str, str]:
    """Return the environment of every task: the folder of its programs, and S3 as flytekit configures it."""
    found = {name: own[name] for name in (*_PASSED_ON, *_AWS) if name in own}
    told = {
        "PATH": f"{programs}{os.pathsep}{own.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "FLYTE_PLATFORM_URL": platform,
        "FLYTE_PLATFORM_INSECURE": "true",
        "FLYTE_AWS_ENDPOINT": own.get("AWS_ENDPOINT_URL", ""),
        "FLYTE_AWS_ACCESS_KEY_ID": own.get("AWS_ACCESS_KEY_ID", ""),
        "FLYTE_AWS_SECRET_ACCESS_KEY": own.get("AWS_SECRET_ACCESS_KEY", ""),
    }
    return found | {name: value for name, value in told.items() if value}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="local.engine", description=__doc__)
    parser.add_argument("--bridge", required=True, help="host and port of FlyteAdmin's gRPC bridge")
    parser.add_argument("--cluster", required=True, help="URL of the Kubernetes API server")
    parser.add_argument("--token", default="", help="bearer token for the cluster")
    parser.add_argument("--certificate-authority", type=Path, help="PEM file that the cluster's certificate is from")
    parser.add_argument("--bucket", required=True, help="where data is kept")
    parser.add_argument("--producer-id", default="propeller", help="the cluster that events name")
    parser.add_argument("--logs", type=Path, required=True, help="folder for what tasks print")
    parser.add_argument(
        "--programs", type=Path, default=Path(sys.executable).parent, help="where tasks find python and pyflyte-execute"
    )
    parser.add_argument("--tasks-at-once", type=int, default=os.cpu_count() or 2, help="how many tasks run at a time")
    return parser
