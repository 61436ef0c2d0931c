"""A node execution in DynamoDB: one item of about 1 KB; long errors and closures are in S3.

Times are integers, nanoseconds since the epoch; phases are the enum names; protobuf parts are binary.
"""

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model


class ChildrenIndex(GlobalSecondaryIndex["NodeExecutionRow"]):
    """The nodes below one parent (a node or a task execution), or at the top, by creation time."""

    class Meta:
        index_name = "children"
        projection = KeysOnlyProjection()

    parent = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class NodeExecutionRow(Model):
    """A node execution as its events left it."""

    class Meta:
        table_name = "node_executions"

    execution = UnicodeAttribute(hash_key=True)
    node_id = UnicodeAttribute(range_key=True)
    version = NumberAttribute(default=1)

    phase = UnicodeAttribute()
    sequence = UnicodeAttribute()
    created_at = NumberAttribute()
    started_at = NumberAttribute(null=True)
    ended_at = NumberAttribute(null=True)
    updated_at = NumberAttribute()

    parent = UnicodeAttribute()
    parent_node_id = UnicodeAttribute(null=True)
    spec_node_id = UnicodeAttribute(null=True)
    retry_group = UnicodeAttribute(null=True)
    is_parent_node = BooleanAttribute(null=True)
    is_dynamic = BooleanAttribute(null=True)
    is_array = BooleanAttribute(null=True)
    has_children = BooleanAttribute(null=True)

    input_uri = UnicodeAttribute(null=True)
    output_uri = UnicodeAttribute(null=True)
    output_data = BinaryAttribute(legacy_encoding=False, null=True)
    error = BinaryAttribute(legacy_encoding=False, null=True)
    error_uri = UnicodeAttribute(null=True)
    error_kind = UnicodeAttribute(null=True)
    error_code = UnicodeAttribute(null=True)
    deck_uri = UnicodeAttribute(null=True)
    child_execution = UnicodeAttribute(null=True)
    task_node_metadata = BinaryAttribute(legacy_encoding=False, null=True)
    task_node_metadata_uri = UnicodeAttribute(null=True)
    cache_status = UnicodeAttribute(null=True)
    event_version = NumberAttribute(default=0)
    dynamic_job_spec_uri = UnicodeAttribute(null=True)
    dynamic_workflow_uri = UnicodeAttribute(null=True)

    children_index = ChildrenIndex()
