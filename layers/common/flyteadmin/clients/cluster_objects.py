"""Apply objects of any kind in a cluster, on the server's side and under one field manager."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flyteadmin.clients.cluster import TIMEOUT_SECONDS, Manifest, call, end_of_calls
from flyteadmin.clients.cluster_answers import Refused
from flyteadmin.clusters.targets import Cluster

FIELD_MANAGER = "flyteadmin"

_APPLY = "application/apply-patch+yaml"
_known: dict[tuple[str, str, str], "_Resource"] = {}


@dataclass(frozen=True)
class _Resource:
    """A kind as a cluster serves it: the path of its group and version, its plural, and its scope."""

    path: str
    plural: str
    is_namespaced: bool


def apply(cluster: Cluster, namespace: str, manifest: Manifest) -> None:
    """Apply an object in a namespace, or a Namespace, and take over the fields that others own.

    Raises:
        Refused: the API server answers so for good; or it serves no such kind, or not in a namespace.
        Unclear: the object may be applied or not; or the cluster timed out a moment ago and was not called.
    """
    until = end_of_calls(cluster)
    api_version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
    metadata = manifest["metadata"]
    name = str(metadata["name"]) if isinstance(metadata, dict) else ""
    resource = _resource(cluster, until, api_version, kind)
    if resource.is_namespaced:
        place = f"{resource.path}/namespaces/{namespace}"
    elif (api_version, kind) == ("v1", "Namespace"):
        place = resource.path
    else:
        raise Refused("ClusterScoped", f"a {kind} belongs to no namespace, so that it would be every project's")
    path = f"{place}/{resource.plural}/{quote(name, safe='')}"
    call(cluster, until, lambda api: _request(api, "PATCH", path, manifest))


def forget() -> None:
    """Forget which kinds the clusters serve (for tests)."""
    _known.clear()


def _resource(cluster: Cluster, until: float, api_version: str, kind: str) -> _Resource:
    """Find a kind among those that a cluster serves; what was found is kept."""
    key = (cluster.endpoint, api_version, kind)
    if key not in _known:
        _known[key] = _discovered(cluster, until, api_version, kind)
    return _known[key]


def _discovered(cluster: Cluster, until: float, api_version: str, kind: str) -> _Resource:
    path = f"/apis/{quote(api_version)}" if "/" in api_version else f"/api/{quote(api_version)}"
    served = call(cluster, until, lambda api: _request(api, "GET", path)).get("resources")
    for each in served if isinstance(served, list) else ():
        if isinstance(each, dict) and each.get("kind") == kind and "/" not in str(each.get("name")):
            return _Resource(path, str(each["name"]), bool(each.get("namespaced")))
    raise Refused("NotServed", f"the cluster serves no {kind} in {api_version}")


def _request(api: Any, method: str, path: str, body: Manifest | None = None) -> object:
    """Call a path that the client library has no method for; `Any`, as the library has no types."""
    headers = {"Accept": "application/json"} | ({"Content-Type": _APPLY} if body else {})
    return api.api_client.call_api(
        path,
        method,
        query_params=[("fieldManager", FIELD_MANAGER), ("force", "true")] if body else [],
        header_params=headers,
        body=body,
        response_types_map={200: "object", 201: "object"},
        auth_settings=["BearerToken"],
        _return_http_data_only=True,
        _request_timeout=TIMEOUT_SECONDS,
    )
