"""The clusters of this deployment by the names that rows carry."""

from flyteadmin.clients import configuration
from flyteadmin.clusters.targets import Cluster
from flyteadmin.errors import Internal
from flyteadmin.settings import deployed_clusters


def of_row(name: str) -> Cluster:
    """Return the cluster in which an execution was placed, disabled ones too (CLU-02).

    Raises:
        Internal: the deployment has no such cluster any more, or its configuration can't be read.
        Unavailable: as `configuration.current`.
    """
    found = deployed_clusters(configuration.current()).named(name)
    if found is None:
        raise Internal(f"invalid cluster target {name}: clusterConfigs has no cluster of this name or alias")
    return found
