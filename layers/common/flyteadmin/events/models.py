"""How the event log lies in DynamoDB: one item per event, keyed so that an entity's events are read in order."""

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model


class LoggedEvent(Model):
    """One event: `entry` is "kind#entity#sequence"; the event's bytes, or where they are; and their digest."""

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
