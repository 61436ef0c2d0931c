"""The clusters of a deployment as the functions call them: those of the file, or the one of the stack's parameters."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

from flyteadmin.clusters.sections import ClusterConfig, ClustersSection, WeightedCluster


class Cluster(BaseModel):
    """A Kubernetes cluster that runs executions, and how its API is reached.

    The way in is the token in the secret, else the one at `token_path`, else EKS's own. `certificate_authority` is PEM
    in base64, `certificate_path` a file of this machine.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    aliases: tuple[str, ...] = ()
    endpoint: str = ""
    enabled: bool = True
    certificate_authority: str = ""
    certificate_path: str = ""
    token_secret_arn: str = ""
    token_path: str = ""
    eks_name: str = ""
    eks_role_arn: str = Field("", description="a role to assume before EKS is asked")
    role_arn: str = Field("", description="the role of this function")


class Clusters(BaseModel):
    """The clusters of a deployment; `is_single` where the stack's parameters name one and the file names none."""

    model_config = ConfigDict(frozen=True)

    configured: tuple[Cluster, ...]
    labels: Mapping[str, Sequence[WeightedCluster]] = {}
    default_label: str = ""
    is_single: bool = False

    def named(self, name: str) -> Cluster | None:
        """Return the cluster that a row means, by its name or an alias.

        The one of the stack's parameters is meant by rows without a name too. It is not taken for another: an execution
        would be made there a second time, or aborted where it does not run.
        """
        if self.is_single:
            return self.configured[0] if name in {self.configured[0].name, ""} else None
        return next((each for each in self.configured if name == each.name or name in each.aliases), None)

    def labelled(self, label: str) -> Sequence[WeightedCluster] | None:
        """Return the entries of a label; upstream knows the labels of its file in lower case only."""
        if label in self.labels:
            return self.labels[label]
        return next((entries for name, entries in self.labels.items() if name.lower() == label), None)


def clusters_of(section: ClustersSection, of_stack: Cluster) -> Clusters:
    """Return the file's clusters; `of_stack`, the one of the stack's parameters, where the file names none.

    The entry of the file that has its name takes from it what it leaves out.
    """
    if not section.cluster_configs:
        return Clusters(configured=(of_stack,), is_single=True)
    return Clusters(
        configured=tuple(_cluster(entry, of_stack) for entry in section.cluster_configs),
        labels=section.label_cluster_map,
        default_label=section.default_execution_label,
    )


def _cluster(entry: ClusterConfig, of_stack: Cluster) -> Cluster:
    base = of_stack if of_stack.name in entry.names else Cluster(name=entry.name, role_arn=of_stack.role_arn)
    auth, way_in = entry.auth, _way_in(entry)
    return base.model_copy(
        update={
            "name": entry.name,
            "aliases": entry.aliases,
            "enabled": entry.enabled,
            "endpoint": entry.endpoint or base.endpoint,
            "certificate_authority": auth.certificate_authority
            or ("" if auth.cert_path else base.certificate_authority),
            "certificate_path": auth.cert_path,
            "eks_name": base.eks_name or entry.name,
            **way_in,
        }
    )


def _way_in(entry: ClusterConfig) -> dict[str, str]:
    """Return the fields of the way in that an entry gives; none of the stack's stay beside them."""
    auth = entry.auth
    if not (auth.eks or auth.secret_arn or auth.token_path):
        return {}
    eks = auth.eks
    return {
        "token_secret_arn": auth.secret_arn,
        "token_path": auth.token_path,
        "eks_name": (eks.cluster_name if eks else "") or entry.name,
        "eks_role_arn": eks.role_arn if eks else "",
    }
