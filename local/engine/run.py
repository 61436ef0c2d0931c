"""The engine as a process: watches a cluster and runs what appears there, each resource once.

`python -m local.engine --cluster URL --token T --api URL --bucket NAME`; AWS credentials come from the environment.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event

import boto3
from botocore.credentials import Credentials

from flyteadmin.clients import storage
from local.aws.client import HttpApi
from local.engine.execution import Blobs, Execution, Settings
from local.engine.resources import Resource, Resources
from local.engine.sink import EventSink, HttpEventSink

_log = logging.getLogger("local.engine")


class Engine:
    """Runs the resources of a cluster, so many at once."""

    def __init__(
        self, resources: Resources, sink: EventSink, blobs: Blobs, settings: Settings, *, workers: int = 8
    ) -> None:
        """Take where resources come from, where events go and where blobs are."""
        self._resources = resources
        self._sink = sink
        self._blobs = blobs
        self._settings = settings
        self._workers = workers
        self._claimed: dict[str, Execution | None] = {}

    def serve(self, stopped: Event) -> None:
        """Run what appears until stopped, then finish what was begun."""
        with ThreadPoolExecutor(self._workers, thread_name_prefix="execution") as executor:
            for resource in self._resources.changes(stopped):
                self._see(resource, executor)

    def _see(self, resource: Resource, executor: ThreadPoolExecutor) -> None:
        is_new = resource.uid not in self._claimed
        if is_new:
            self._claimed[resource.uid] = Execution(resource, self._resources, self._sink, self._blobs, self._settings)
        execution = self._claimed[resource.uid]
        if execution and resource.is_deleted:
            execution.aborted.set()
        if execution and is_new:
            executor.submit(execution.run).add_done_callback(partial(self._ended, resource))

    def _ended(self, resource: Resource, future: Future[None]) -> None:
        # It stays claimed: what the watch still has to say of it is old news.
        self._claimed[resource.uid] = None
        if error := future.exception():
            _log.error("%s/%s was given up", *resource.place, exc_info=error)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s: %(message)s")
    _log.info("the stand-in engine, for development only: it runs no user code, a task's outputs are its inputs")
    settings = Settings(
        metadata_prefix=f"s3://{options.bucket}/metadata/propeller",
        raw_prefix=f"s3://{options.bucket}/raw",
        producer_id=options.producer_id,
        task_seconds=options.task_seconds,
    )
    resources = Resources(options.cluster, options.token, options.certificate_authority)
    engine = Engine(resources, HttpEventSink(HttpApi(options.api, _credentials())), storage, settings)
    try:
        engine.serve(Event())
    except KeyboardInterrupt:
        resources.close()


def _credentials() -> Credentials:
    found = boto3.Session().get_credentials()
    if found is None:
        raise SystemExit("no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="local.engine", description=__doc__)
    parser.add_argument("--api", required=True, help="base URL of FlyteAdmin's HTTP API")
    parser.add_argument("--cluster", required=True, help="URL of the Kubernetes API server")
    parser.add_argument("--token", default="", help="bearer token for the cluster")
    parser.add_argument("--certificate-authority", type=Path, help="PEM file that the cluster's certificate is from")
    parser.add_argument("--bucket", required=True, help="where data is kept")
    parser.add_argument("--producer-id", default="propeller", help="the cluster that events name")
    parser.add_argument("--task-seconds", type=float, default=0.5, help="how long a task appears to run")
    return parser
