"""A task execution in DynamoDB: one item per attempt; long lists of logs and external resources are in S3.

Times are integers, nanoseconds since the epoch; phases are the enum names; protobuf parts are binary.
"""

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model


class TaskExecutionRow(Model):
    """A task execution as its events left it; `attempt_key` is "node#task#attempt" (identifiers.task_execution_key)."""

    class Meta:
        table_name = "task_executions"

    execution = UnicodeAttribute(hash_key=True)
    attempt_key = UnicodeAttribute(range_key=True)
    version = NumberAttribute(default=1)

    identifier = BinaryAttribute(legacy_encoding=False)
    phase = UnicodeAttribute()
    phase_version = NumberAttribute(default=0)
    sequence = UnicodeAttribute()
    ended_at = NumberAttribute(default=0)
    applied = NumberAttribute(default=0)
    places = BinaryAttribute(legacy_encoding=False, null=True)
    input_uri = UnicodeAttribute(null=True)
    closure = BinaryAttribute(legacy_encoding=False, null=True)
    closure_uri = UnicodeAttribute(null=True)
