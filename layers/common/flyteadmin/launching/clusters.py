"""Chooses the cluster of a new execution, by its label and its name; pure.

The choice is made once: it is stored on the row, and whatever comes later reads it from there.

Source: flyteadmin executioncluster/impl/random_cluster_selector.go, flytestdlib random/weighted_random_list.go.
"""

from collections.abc import Sequence
from hashlib import sha256

from flyteidl.admin.matchable_resource_pb2 import MatchableResource

from flyteadmin.attributes.matching import MatchingAttributesRows
from flyteadmin.clusters.sections import WeightedCluster
from flyteadmin.clusters.targets import Cluster, Clusters
from flyteadmin.errors import Internal, InvalidArgument

_SHOWN_LABELS = 20


def label_of(requested: str, attributes: MatchingAttributesRows) -> str:
    """Return the label: the request's or the parent's, else that of the most specific attributes (CLU-03)."""
    row = attributes.most_specific(MatchableResource.EXECUTION_CLUSTER_LABEL) if not requested else None
    return row.execution_cluster_label.value if row is not None else requested


def choose(execution: str, label: str, clusters: Clusters) -> str:
    """Return the name of the cluster that an execution of this name gets: the same one every time (CLU-04…08).

    Without a label it is one of the default label's, else one of all that are enabled.

    Raises:
        InvalidArgument: the label means no enabled cluster (KD-46), or there is one cluster and no labels (CLU-09).
        Internal: no cluster is enabled.
    """
    if clusters.is_single:
        if label:
            raise InvalidArgument(f"execution cluster label {label} is not supported: the deployment has one cluster")
        return clusters.configured[0].name
    if label:
        return _drawn(execution, _labelled(label, clusters))
    candidates = _enabled(clusters.labelled(clusters.default_label) or (), clusters)
    return _drawn(execution, candidates or [(each, 1.0) for each in clusters.configured if each.enabled])


def _labelled(label: str, clusters: Clusters) -> list[tuple[Cluster, float]]:
    entries = clusters.labelled(label)
    if entries is None:
        known = ", ".join(sorted(clusters.labels)[:_SHOWN_LABELS]) or "none"
        raise InvalidArgument(f"execution cluster label {label} is unknown; the deployment has: {known}")
    candidates = _enabled(entries, clusters)
    if not candidates:
        raise InvalidArgument(f"execution cluster label {label} has no enabled cluster right now")
    return candidates


def _enabled(entries: Sequence[WeightedCluster], clusters: Clusters) -> list[tuple[Cluster, float]]:
    found = ((clusters.named(entry.id), entry.weight) for entry in entries)
    return [(cluster, weight) for cluster, weight in found if cluster is not None and cluster.enabled]


def _drawn(execution: str, candidates: Sequence[tuple[Cluster, float]]) -> str:
    """Draw by weight; weights that are all zero count as equal (CLU-07).

    Upstream seeds Go's generator with a hash of the name; its sequence is not followed (CLU-06).
    """
    if not candidates:
        raise Internal("no cluster is enabled: see clusterConfigs in the configuration")
    ordered = sorted((cluster.name, weight) for cluster, weight in candidates)
    total = sum(weight for _, weight in ordered)
    shares = [(name, weight) for name, weight in ordered if weight] if total else [(name, 1.0) for name, _ in ordered]
    point = _fraction(execution) * (total or len(shares))
    for name, weight in shares:
        point -= weight
        if point < 0:
            return name
    return shares[-1][0]


def _fraction(execution: str) -> float:
    """Return a number from 0 to below 1 that is spread evenly over names, also over those that differ in one digit."""
    return int.from_bytes(sha256(execution.encode()).digest()[:6]) / (1 << 48)
