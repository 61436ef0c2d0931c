"""The event log in DynamoDB: one item per event, with keys that sort an entity's events by sequence."""

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model


class LoggedEvent(Model):
    """An event: `entry` is "kind#entity#sequence"; it holds the event's bytes or their URI, and their digest."""

    class Meta:
        table_name = "execution_events"
        stream_view_type = "NEW_IMAGE"
        time_to_live = "ttl"

    execution = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)
    event = BinaryAttribute(legacy_encoding=False, null=True)
    uri = UnicodeAttribute(null=True)
    digest = BinaryAttribute(legacy_encoding=False)
    ttl = NumberAttribute()
