"""Call the Kubernetes API of a cluster that runs workflows; the only module that imports `kubernetes`."""

import base64
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextvars import copy_context
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any, cast
from uuid import uuid4

from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from kubernetes.client import ApiClient, Configuration, CustomObjectsApi
from kubernetes.client.exceptions import ApiException
from pydantic import JsonValue
from urllib3.exceptions import NewConnectionError
from urllib3.exceptions import TimeoutError as SocketTimeout

from flyteadmin.clients.cluster_answers import (
    ALREADY_EXISTS,
    FORBIDDEN,
    NOT_FOUND,
    LeftAlone,
    Refused,
    Unclear,
    failure,
    kubernetes_object,
)
from flyteadmin.clients.cluster_tokens import token
from flyteadmin.clusters.targets import Cluster
from flyteadmin.errors import FlyteAdminError, Internal
from flyteadmin.observability import logger
from flyteadmin.settings import environment

GROUP, VERSION, PLURAL = "flyte.lyft.com", "v1alpha1", "flyteworkflows"

_TOKEN_USED_SECONDS = 600
TIMEOUT_SECONDS = (2, 10)
ALL_CALLS_SECONDS = 12
"""One create or delete with all its calls: names, handshakes, headers and bodies, however slowly they come."""
_TOKEN_WITHIN_SECONDS = 6
"""Half of the time of all calls is the cluster's own."""
_LEFT_ALONE_SECONDS = 30
"""The time in which this process spares a cluster after a call that timed out."""
_CLIENTS_KEPT = 32
_UNAUTHORIZED = 401

type Manifest = Mapping[str, JsonValue]
type _Call = Callable[[CustomObjectsApi], object]

_left_alone_until: dict[Cluster, float] = {}


def create(cluster: Cluster, namespace: str, body: Manifest) -> None:
    """Create a FlyteWorkflow; the same execution's that exists already counts as created (CRE-33).

    Raises:
        Refused: the API server answers so for good; or the name is taken by another execution.
        Unclear: the resource may exist or not; or the cluster timed out a moment ago and was not called.
    """
    until = end_of_calls(cluster)
    try:
        call(cluster, until, lambda api: api.create_namespaced_custom_object(**_target(namespace), body=body))
    except Refused as refused:
        if refused.reason != ALREADY_EXISTS:
            raise
        try:
            existing = _existing(cluster, until, namespace, str(_metadata(body, "name")))
        except Refused as look:  # the resource may be this execution's, and run
            raise Unclear from look
        if existing is None:
            raise Unclear from refused
        if _owner(existing) != _owner(body):
            owner = "/".join(_owner(existing))
            raise Refused(ALREADY_EXISTS, f"its name is taken in this namespace, by execution {owner}") from refused


def delete(cluster: Cluster, namespace: str, execution: WorkflowExecutionIdentifier) -> bool:
    """Delete an execution's FlyteWorkflow and tell whether there was one.

    Its finalizer keeps it until propeller has aborted it. A resource of that name that belongs to another execution
    stays: what the resource says of its execution decides, and its uid is the precondition of the deletion.

    Raises:
        Refused: the API server answers so for good.
        Unclear: it may be deleted or not; or the cluster timed out a moment ago and was not called.
    """
    until = end_of_calls(cluster)
    existing = _existing(cluster, until, namespace, execution.name)
    if existing is None or _owner(existing) != (execution.project, execution.domain, execution.name):
        return False
    options = {"propagationPolicy": "Background", "preconditions": {"uid": _metadata(existing, "uid")}}
    try:
        call(
            cluster,
            until,
            lambda api: api.delete_namespaced_custom_object(**_target(namespace), name=execution.name, body=options),
        )
    except Refused as refused:
        if refused.reason != NOT_FOUND:
            raise
        return False
    return True


def end_of_calls(cluster: Cluster) -> float:
    """Return the time by which all calls of a create or delete must end.

    A cluster that hangs is spared for a while: at 12 s a call it would hold so many instances at once that none is left
    for the others.

    Raises:
        LeftAlone: the cluster timed out a moment ago.
    """
    now = time.monotonic()
    if now < _left_alone_until.get(cluster, 0):
        raise LeftAlone(cluster.name)
    return now + ALL_CALLS_SECONDS


def _existing(cluster: Cluster, until: float, namespace: str, name: str) -> Manifest | None:
    try:
        return call(cluster, until, lambda api: api.get_namespaced_custom_object(**_target(namespace), name=name))
    except Refused as refused:
        if refused.reason != NOT_FOUND:
            raise
        return None


def _owner(manifest: Manifest) -> tuple[str, ...]:
    """Read whose a resource is from what it says itself; its labels are the request's to choose."""
    execution = manifest.get("executionId")
    parts = execution if isinstance(execution, dict) else {}
    return tuple(str(parts.get(part, "")) for part in ("project", "domain", "name"))


def _metadata(manifest: Manifest, field: str) -> JsonValue:
    metadata = manifest.get("metadata")
    return metadata.get(field) if isinstance(metadata, dict) else None


def _target(namespace: str) -> dict[str, Any]:
    return {
        "group": GROUP,
        "version": VERSION,
        "plural": PLURAL,
        "namespace": namespace,
        "_request_timeout": TIMEOUT_SECONDS,
    }


def call(cluster: Cluster, until: float, request: _Call) -> Manifest:
    """Make one call, which ends by `until`; every exception of the client library becomes one of two.

    Raises:
        Refused: the API server answers so for good.
        Unclear: it gave no answer, or none of its own.
    """
    try:
        api = _ready(cluster, until)
        content = _within(until - time.monotonic(), lambda: request(api))
    except ApiException as error:
        meaning = failure(error.status or 0, error.body if isinstance(error.body, str) else "")
        _tell_operator(cluster, meaning)
        raise meaning from error
    except FlyteAdminError:
        raise
    except Exception as error:  # TLS, a certificate, a name, half an answer; the library's own faults
        if _is_timeout(error):
            _left_alone_until[cluster] = time.monotonic() + _LEFT_ALONE_SECONDS
        logger.warning("the cluster can't be reached", extra={"cluster": cluster.name}, exc_info=error)
        raise Unclear from error
    return kubernetes_object(content)


def _ready(cluster: Cluster, until: float) -> CustomObjectsApi:
    """Return a cluster's client; that AWS is slow to give its token is no time-out of the cluster.

    Raises:
        Unclear: the token did not come in time.
    """
    seconds = min(_TOKEN_WITHIN_SECONDS, until - time.monotonic())
    try:
        return cast("CustomObjectsApi", _within(seconds, lambda: _api(cluster)))
    except TimeoutError as error:
        logger.warning("the cluster's token does not come", extra={"cluster": cluster.name})
        raise Unclear from error


def _is_timeout(error: Exception) -> bool:
    """Tell whether a call took its whole time; urllib3 counts a refused connection among its time-outs."""
    return isinstance(error, TimeoutError | SocketTimeout) and not isinstance(error, NewConnectionError)


def _within(seconds: float, call: Callable[[], object]) -> object:
    """Wait for a call for at most `seconds`; then leave it to its thread.

    The client's own time-outs hold for each read of a socket, so that a peer that sends a byte now and then, or a name
    server that is silent, would hold a call without end.

    Raises:
        TimeoutError: the call is not done by then.
    """
    done: Future[object] = Future()
    context = copy_context()

    def run() -> None:
        try:
            done.set_result(context.run(call))
        except BaseException as error:  # noqa: BLE001 (raised again in the caller's thread)
            done.set_exception(error)

    Thread(target=run, daemon=True, name="cluster").start()
    return done.result(timeout=max(seconds, 0))


def _tell_operator(cluster: Cluster, meaning: Refused | Unclear) -> None:
    """Log what would let this function in, where the cluster does not."""
    if isinstance(meaning, Refused) and meaning.reason == FORBIDDEN:
        fix = "kubectl apply -f deploy/kubernetes/functions-role.yaml, if the message speaks of a missing right"
    elif isinstance(meaning, Unclear) and meaning.status == _UNAUTHORIZED:
        fix = _way_in(cluster)
    else:
        return
    logger.error("the cluster does not let this function in", extra={"cluster": cluster.name, "fix": fix})


def _way_in(cluster: Cluster) -> str:
    if cluster.token_secret_arn or cluster.token_path:
        return f"renew the service account's token in {cluster.token_secret_arn or cluster.token_path}"
    role = cluster.eks_role_arn or cluster.role_arn or "<role>"
    return (
        f"aws eks create-access-entry --cluster-name {cluster.eks_name or cluster.name} --principal-arn {role}"
        " --kubernetes-groups flyteadmin-functions"
    )


def _api(cluster: Cluster) -> CustomObjectsApi:
    return _api_until(cluster, int(time.time()) // _TOKEN_USED_SECONDS)


@lru_cache(maxsize=_CLIENTS_KEPT)
def _api_until(cluster: Cluster, _period: int) -> CustomObjectsApi:
    """Return a cluster's API client, whose token is younger than ten minutes; EKS takes one for fifteen."""
    if not cluster.endpoint:
        raise Internal(f"cluster {cluster.name!r} has no endpoint: set the stack's ClusterEndpoint, or the file's")
    if environment().stage == "production" and not cluster.endpoint.startswith("https://"):
        raise Internal(
            f"the endpoint of cluster {cluster.name!r} is not https://: its token would travel in plain text"
        )
    configuration = Configuration()
    configuration.host = cluster.endpoint
    configuration.api_key = {"authorization": f"Bearer {token(cluster)}"}
    configuration.ssl_ca_cert = cluster.certificate_path or _authority(cluster.certificate_authority)
    configuration.retries = False
    return CustomObjectsApi(ApiClient(configuration))


@lru_cache(maxsize=_CLIENTS_KEPT)
def _authority(certificate: str) -> str | None:
    """Write a certificate, PEM in base64, where the client reads it from: a file of its own for each."""
    if not certificate:
        return None
    file = Path(tempfile.gettempdir()) / f"cluster-ca-{sha256(certificate.encode()).hexdigest()[:16]}.pem"
    # Written under another name, then renamed: processes that share the folder never read half a file.
    part = file.with_suffix(f".{uuid4().hex}")
    part.write_bytes(base64.b64decode(certificate))
    part.replace(file)
    return str(file)
