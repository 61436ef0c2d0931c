"""The resource types that the server knows: some built in, others by their CustomResourceDefinition."""

from dataclasses import dataclass

from pydantic import JsonValue

from local.cluster.status import Cause, Manifest, Refused, bad_request

FLYTE_WORKFLOW_CRD: Manifest = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "flyteworkflows.flyte.lyft.com"},
    "spec": {
        "group": "flyte.lyft.com",
        "scope": "Namespaced",
        "names": {
            "kind": "FlyteWorkflow",
            "listKind": "FlyteWorkflowList",
            "plural": "flyteworkflows",
            "singular": "flyteworkflow",
            "shortNames": ["fly"],
        },
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
"""As flytepropeller/pkg/apis/flyteworkflow/crd.go declares it."""


@dataclass(frozen=True)
class Kind:
    """A resource type: where it is served and what its objects are called."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified_plural(self) -> str:
        """The name in messages: "flyteworkflows.flyte.lyft.com"."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """The name in validation messages: "FlyteWorkflow.flyte.lyft.com"."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def refused(self, code: int, reason: str, name: str, why: str) -> Refused:
        """Return a refusal that names an object of this kind, such as `flyteworkflows.flyte.lyft.com "x" not found`."""
        message = f'{self.qualified_plural} "{name}" {why}'
        return Refused(code, reason, message, name=name, group=self.group, kind=self.plural)

    def not_found(self, name: str) -> Refused:
        return self.refused(404, "NotFound", name, "not found")

    def conflict(self, name: str, why: str) -> Refused:
        message = f'Operation cannot be fulfilled on {self.qualified_plural} "{name}": {why}'
        return Refused(409, "Conflict", message, name=name, group=self.group, kind=self.plural)

    def invalid(self, name: str, cause: Cause) -> Refused:
        """Return a refusal of a field's value (422)."""
        message = f'{self.qualified_kind} "{name}" is invalid: {cause.field}: {cause.message}'
        return Refused(422, "Invalid", message, name=name, group=self.group, kind=self.kind, causes=[cause])


NAMESPACES = Kind("", "v1", "namespaces", "Namespace", namespaced=False, short_names=("ns",))
POD_TEMPLATES = Kind("", "v1", "podtemplates", "PodTemplate", namespaced=True)
DEFINITIONS = Kind(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
    short_names=("crd", "crds"),
)
_RBAC = "rbac.authorization.k8s.io"
BUILT_IN = (
    NAMESPACES,
    POD_TEMPLATES,
    Kind("", "v1", "configmaps", "ConfigMap", namespaced=True, short_names=("cm",)),
    Kind("", "v1", "limitranges", "LimitRange", namespaced=True, short_names=("limits",)),
    Kind("", "v1", "resourcequotas", "ResourceQuota", namespaced=True, short_names=("quota",)),
    Kind("", "v1", "secrets", "Secret", namespaced=True),
    Kind("", "v1", "serviceaccounts", "ServiceAccount", namespaced=True, short_names=("sa",)),
    Kind(_RBAC, "v1", "roles", "Role", namespaced=True),
    Kind(_RBAC, "v1", "rolebindings", "RoleBinding", namespaced=True),
    Kind(_RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False),
    DEFINITIONS,
)


def defined_by(definition: Manifest) -> tuple[Kind, ...]:
    """Return the kinds that a CustomResourceDefinition declares, one for each served version.

    Raises:
        Refused: 400, the definition is malformed.
    """
    try:
        return tuple(_defined_by(definition))
    except (KeyError, TypeError) as error:
        raise bad_request(f"CustomResourceDefinition is malformed: {error!r}") from error


def _defined_by(definition: Manifest) -> list[Kind]:
    spec = _mapping(definition["spec"])
    names = _mapping(spec["names"])
    short_names = tuple(str(name) for name in _sequence(names.get("shortNames") or []))
    return [
        Kind(
            group=str(spec["group"]),
            version=str(version["name"]),
            plural=str(names["plural"]),
            kind=str(names["kind"]),
            namespaced=spec["scope"] == "Namespaced",
            short_names=short_names,
        )
        for version in map(_mapping, _sequence(spec["versions"]))
        if version.get("served")
    ]


def _mapping(value: JsonValue) -> Manifest:
    if isinstance(value, dict):
        return value
    raise TypeError(f"{value!r} is not an object")


def _sequence(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, list):
        return value
    raise TypeError(f"{value!r} is not a list")
