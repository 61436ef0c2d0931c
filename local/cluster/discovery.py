"""Describes the server to clients: version, groups, resources."""

from pydantic import JsonValue

from local.cluster.kinds import Kind
from local.cluster.status import Manifest, no_such_resource

HEALTH = frozenset({"/healthz", "/livez", "/readyz"})
PUBLIC = HEALTH | {"/version"}
"""Paths that answer without a token."""

_VERBS: list[JsonValue] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def document(path: str, kinds: tuple[Kind, ...]) -> Manifest:
    """Return the discovery document at a path.

    Raises:
        Refused: 404.
    """
    match path.strip("/").split("/"):
        case ["version"]:
            return {"major": "1", "minor": "31", "gitVersion": "v1.31.0+in-memory", "platform": "linux/amd64"}
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            groups = sorted({kind.group for kind in kinds if kind.group})
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name, kinds) for name in groups]}
        case ["apis", group] if any(kind.group == group for kind in kinds):
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, kinds)}
        case ["api", version]:
            return _resources("", version, kinds)
        case ["apis", group, version]:
            return _resources(group, version, kinds)
        case _:
            raise no_such_resource()


def _group(group: str, kinds: tuple[Kind, ...]) -> Manifest:
    names = sorted({kind.version for kind in kinds if kind.group == group})
    versions: list[JsonValue] = [{"groupVersion": f"{group}/{name}", "version": name} for name in names]
    return {"name": group, "versions": versions, "preferredVersion": versions[-1]}


def _resources(group: str, version: str, kinds: tuple[Kind, ...]) -> Manifest:
    served = [kind for kind in kinds if (kind.group, kind.version) == (group, version)]
    if not served:
        raise no_such_resource()
    resources: list[JsonValue] = [_resource(kind) for kind in served]
    group_version = served[0].api_version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}


def _resource(kind: Kind) -> Manifest:
    described: Manifest = {"name": kind.plural, "singularName": kind.kind.lower(), "kind": kind.kind}
    described |= {"namespaced": kind.namespaced, "verbs": _VERBS}
    if kind.short_names:
        described["shortNames"] = list(kind.short_names)
    return described
