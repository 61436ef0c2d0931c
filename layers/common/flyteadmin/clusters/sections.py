"""The sections `clusters` and `clusterPools` of `flyteadmin.yaml`.

Source: flyteadmin runtime/interfaces/cluster_configuration.go, cluster_pools.go. `aliases`, `auth.eks`,
`auth.secretArn`, `auth.certificateAuthority` and `refuseUnnamedProducers` are this project's own keys.
"""

from collections import Counter
from typing import Self

from pydantic import BaseModel, Field, model_validator

from flyteadmin.sections import SECTION


class _Section(BaseModel):
    model_config = SECTION


class Eks(_Section):
    """The way in by a presigned STS URL: `cluster_name` is what EKS calls the cluster, `role_arn` a role to assume."""

    cluster_name: str = ""
    role_arn: str = ""


class Auth(_Section):
    """The way in: by EKS, by a service-account token in a secret, or by files of this machine (local stack only).

    `certificate_authority` is PEM in base64, as `aws eks describe-cluster` prints it.
    """

    eks: Eks | None = None
    secret_arn: str = ""
    certificate_authority: str = ""
    token_path: str = ""
    cert_path: str = ""

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        given = [name for name, value in (("eks", self.eks), ("secretArn", self.secret_arn)) if value]
        given += ["tokenPath"] if self.token_path else []
        if len(given) > 1:
            raise ValueError(f"give one of {' and '.join(given)}: each is a way in")
        return self


class ClusterConfig(_Section):
    """A cluster; without `enabled` it gets nothing new. `aliases` are names that it had before."""

    name: str = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    endpoint: str = ""
    enabled: bool = False
    in_cluster: bool = False
    auth: Auth = Auth()

    @property
    def names(self) -> tuple[str, ...]:
        """The name and the aliases."""
        return (self.name, *self.aliases)


class WeightedCluster(_Section):
    """A cluster of a label, by name or alias, and its share among those of the label."""

    id: str
    weight: float = Field(0, ge=0, le=1)


class ClustersSection(_Section):
    """The `clusters` section; without `clusterConfigs` the stack's parameters name the one cluster."""

    cluster_configs: tuple[ClusterConfig, ...] = ()
    label_cluster_map: dict[str, tuple[WeightedCluster, ...]] = {}
    default_execution_label: str = ""
    refuse_unnamed_producers: bool = Field(
        default=False, description="events that name no cluster are refused where there are several"
    )

    @model_validator(mode="after")
    def _is_unambiguous(self) -> Self:
        counts = Counter(name for cluster in self.cluster_configs for name in cluster.names)
        for name, count in counts.items():
            if count > 1:
                raise ValueError(f"several clusters have the name or alias {name!r}")
        for label, entries in self.label_cluster_map.items():
            for entry in entries:
                if entry.id not in counts:
                    raise ValueError(f"label {label!r} names the cluster {entry.id!r}, which clusterConfigs has not")
        return self

    def named(self, name: str) -> ClusterConfig | None:
        """Return the cluster of a name or an alias."""
        return next((cluster for cluster in self.cluster_configs if name in cluster.names), None)

    @property
    def are_several(self) -> bool:
        """Return whether an event can come from more than one cluster."""
        return len(self.cluster_configs) > 1

    def are_one(self, first: str, second: str) -> bool:
        """Return whether two names are of one cluster, which was renamed."""
        found = self.named(first)
        return found is not None and second in found.names


class ClusterPool(_Section):
    """The pool of a domain."""

    pool: str = ""


class ClusterPools(_Section):
    """The `clusterPools` section: pools by domain, recorded and checked (CFG-18, CFG-19); they choose no cluster."""

    cluster_pool_assignments: dict[str, ClusterPool] = {}
