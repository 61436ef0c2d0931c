"""Rows of namespaces in DynamoDB: by cluster, one written at a time on the version that was read."""

from collections.abc import Iterator

from flyteadmin.attributes.models import ALL_SCOPES, AttributesRow
from flyteadmin.clients.dynamodb.keys import Key
from flyteadmin.clients.dynamodb.reads import Found, batch_get, get, query_each
from flyteadmin.clients.dynamodb.writes import ConditionFailed, Put, write
from flyteadmin.cluster_resources.models import NamespaceRow


def place_key(project: str, domain: str) -> str:
    """Return "project:domain"."""
    return f"{project}:{domain}"


def read(cluster: str, place: str) -> NamespaceRow | None:
    """Read what is known of a namespace in a cluster; one consistent request."""
    return get(Key(NamespaceRow, cluster, place))


def of_cluster(cluster: str) -> Iterator[NamespaceRow]:
    """Yield what is known of a cluster's namespaces; consistent, some 3,000 in a request."""
    return query_each(NamespaceRow, cluster)


def replace(row: NamespaceRow, *, is_new: bool) -> bool:
    """Store a row over the version that was read; return False if another version is there."""
    condition = NamespaceRow.cluster.does_not_exist() if is_new else NamespaceRow.version == row.version
    row.version += 0 if is_new else 1
    try:
        write(Put(row, condition))
    except ConditionFailed:
        return False
    return True


def attributes_above_workflows() -> Found:
    """Read the attributes of all projects and their domains, by the addresses of `attributes/repository.py: keys`."""
    scopes = (row.scope for row in query_each(AttributesRow, ALL_SCOPES, index="listing"))
    return batch_get(Key(AttributesRow, scope) for scope in scopes if scope.endswith("::"))
