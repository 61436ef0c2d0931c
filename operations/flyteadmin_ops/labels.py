"""The cluster labels that running executions carry, against those that a file has."""

from collections import Counter
from collections.abc import Iterator
from itertools import batched

from flyteadmin.clients.dynamodb.reads import batch_get, query_each
from flyteadmin.clusters.sections import ClustersSection
from flyteadmin.clusters.targets import Cluster, clusters_of
from flyteadmin.errors import InvalidArgument
from flyteadmin.executions.models import ACTIVE_SHARDS, ExecutionState
from flyteadmin.executions.repository import specification_key
from flyteadmin.launching.clusters import choose

_BATCH = 800


def refused(section: ClustersSection) -> dict[str, int]:
    """Count, by label, the executions that have not ended and whose children would be refused under a file.

    It reads the index of active executions and each one's specification: a request for a hundred.
    """
    carried: Counter[str] = Counter()
    for rows in batched(_active(), _BATCH):
        keys = [specification_key(row.execution) for row in rows]
        found = batch_get(keys)
        carried.update(row.cluster_label for key in keys if (row := found.get(key)) is not None and row.cluster_label)
    return {label: count for label, count in sorted(carried.items()) if not _is_taken(label, section)}


def _active() -> Iterator[ExecutionState]:
    for shard in range(ACTIVE_SHARDS):
        yield from query_each(ExecutionState, str(shard), index="active")


def _is_taken(label: str, section: ClustersSection) -> bool:
    try:
        choose("", label, clusters_of(section, Cluster(name="")))
    except InvalidArgument:
        return False
    return True
