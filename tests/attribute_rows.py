"""Matchable attributes as they lie in the table."""

from flyteidl.admin.matchable_resource_pb2 import MatchingAttributes

from flyteadmin.attributes.models import AttributesRow
from flyteadmin.attributes.repository import scope_key
from flyteadmin.clients.dynamodb.writes import Put, write
from tests.builders import DOMAIN, PROJECT

_COLUMNS = {
    "task_resource_attributes": "task_resource",
    "execution_queue_attributes": "execution_queue",
    "execution_cluster_label": "execution_cluster_label",
    "plugin_overrides": "plugin_override",
    "workflow_execution_config": "workflow_execution_config",
    "cluster_assignment": "cluster_assignment",
}


def put_attributes(
    *kinds: MatchingAttributes,
    project: str = PROJECT,
    domain: str = DOMAIN,
    workflow: str = "",
    launch_plan: str = "",
) -> None:
    """Set the attributes of a scope to these kinds and no others."""
    columns = {_COLUMNS[kind.WhichOneof("target") or ""]: kind.SerializeToString() for kind in kinds}
    scope = scope_key(project, domain, workflow, launch_plan)
    write(Put(AttributesRow(scope=scope, updated_at=0, **columns)))  # type: ignore[arg-type]  # the columns are binary
