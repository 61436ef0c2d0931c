"""The FlyteWorkflows of a cluster as propeller sees them: list and watch, and write back the status."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from threading import Event
from typing import Any

from kubernetes.client import ApiClient, Configuration, CustomObjectsApi
from kubernetes.client.exceptions import ApiException
from kubernetes.watch import Watch
from urllib3.exceptions import HTTPError

FINALIZER = "flyte.org/finalizer"
TERMINATION_STATUS, TERMINATED = "termination-status", "terminated"
COMPLETED_TIME = "completed-time"
_GROUP = ("flyte.lyft.com", "v1alpha1")
_PLURAL = "flyteworkflows"
_CONFLICT, _NOT_FOUND, _SERVER_ERROR = 409, 404, 500
_WRITE_ATTEMPTS = 50
_log = logging.getLogger(__name__)

type Manifest = dict[str, Any]


class Phase(IntEnum):
    """The phases of a FlyteWorkflow in its `status` (v1alpha1/iface.go)."""

    READY = 0
    RUNNING = 1
    SUCCEEDING = 2
    SUCCESS = 3
    FAILING = 4
    FAILED = 5
    ABORTED = 6

    @property
    def is_terminal(self) -> bool:
        return self in {Phase.SUCCESS, Phase.FAILED, Phase.ABORTED}


@dataclass(frozen=True)
class Resource:
    """A FlyteWorkflow as the cluster holds it."""

    manifest: Manifest

    @property
    def uid(self) -> str:
        return str(self.manifest["metadata"]["uid"])

    @property
    def place(self) -> tuple[str, str]:
        metadata = self.manifest["metadata"]
        return str(metadata["namespace"]), str(metadata["name"])

    @property
    def is_deleted(self) -> bool:
        return "deletionTimestamp" in self.manifest["metadata"]


class Resources:
    """The FlyteWorkflows of every namespace that have not ended."""

    def __init__(self, url: str, token: str = "", authority: Path | None = None, *, watch_seconds: int = 60) -> None:
        """Reach the cluster at a URL; `watch_seconds` is how long one watch lasts before the next."""
        configuration = Configuration(host=url, api_key={"authorization": f"Bearer {token}"} if token else {})
        configuration.ssl_ca_cert = str(authority) if authority else None
        configuration.retries = False
        self._client = ApiClient(configuration)
        self._api = CustomObjectsApi(self._client)
        self._watch_seconds = watch_seconds

    def changes(self, stopped: Event) -> Iterator[Resource]:
        """Every resource there is, then every change, until stopped; lists again after any fault."""
        while not stopped.is_set():
            try:
                yield from self._list_and_watch(stopped)
            except (ApiException, HTTPError, OSError) as error:
                _log.warning("watch ended, listing again: %s", error)
                stopped.wait(1)

    def record(self, resource: Resource, phase: Phase, at: datetime) -> None:
        """Write the phase; at the end also the labels that mark it, and without the finalizer that kept it.

        A conflict is answered with the same change to the latest version; a resource that is gone needs none.

        Raises:
            kubernetes.client.exceptions.ApiException: the cluster refuses the change.
            TimeoutError: it conflicts or fails again and again.
        """
        for _ in range(_WRITE_ATTEMPTS):
            try:
                self._write(resource, phase, at)
            except ApiException as error:
                if error.status == _NOT_FOUND:
                    return
                if error.status != _CONFLICT and error.status < _SERVER_ERROR:
                    raise
                time.sleep(0.1)
            else:
                return
        raise TimeoutError(f"the phase {phase.name} of {resource.place} could not be written")

    def close(self) -> None:
        """Give up the connections."""
        self._client.close()

    def _write(self, resource: Resource, phase: Phase, at: datetime) -> None:
        namespace, name = resource.place
        latest = self._api.get_namespaced_custom_object(*_GROUP, namespace, _PLURAL, name)
        if latest["metadata"]["uid"] == resource.uid:
            body = recorded(latest, phase, at)
            self._api.replace_namespaced_custom_object(*_GROUP, namespace, _PLURAL, name, body)

    def _list_and_watch(self, stopped: Event) -> Iterator[Resource]:
        selector = {"label_selector": f"{TERMINATION_STATUS} notin ({TERMINATED})"}
        listed = self._api.list_cluster_custom_object(*_GROUP, _PLURAL, **selector)
        yield from map(Resource, listed["items"])
        watch = Watch()
        watch.resource_version = listed["metadata"]["resourceVersion"]
        while not stopped.is_set():
            for event in watch.stream(
                self._api.list_cluster_custom_object,
                *_GROUP,
                _PLURAL,
                **selector,
                resource_version=watch.resource_version,
                timeout_seconds=self._watch_seconds,
                allow_watch_bookmarks=True,
            ):
                if event["type"] in {"ADDED", "MODIFIED"}:
                    yield Resource(event["object"])
                if stopped.is_set():
                    return


def recorded(manifest: Manifest, phase: Phase, at: datetime) -> Manifest:
    """Return the resource with this phase in its status."""
    now = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {**(manifest.get("status") or {}), "phase": int(phase), "lastUpdatedAt": now}
    status.setdefault("startedAt", now)
    metadata = dict(manifest["metadata"])
    if phase.is_terminal:
        status["stoppedAt"] = now
        labels = {TERMINATION_STATUS: TERMINATED, COMPLETED_TIME: at.strftime("%Y-%m-%d.%H")}
        metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
        metadata["finalizers"] = [name for name in metadata.get("finalizers") or [] if name != FINALIZER]
    return {**manifest, "metadata": metadata, "status": status}
