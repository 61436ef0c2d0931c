"""Signals in DynamoDB: the type and, once it is set, the value."""

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model


class SignalRow(Model):
    """A signal of an execution; `type` is a serialized `core.LiteralType`, `value` a `core.Literal`; times in ns."""

    class Meta:
        table_name = "signals"

    execution = UnicodeAttribute(hash_key=True)
    signal_id = UnicodeAttribute(range_key=True)
    version = NumberAttribute(default=1)
    type = BinaryAttribute(legacy_encoding=False)
    value = BinaryAttribute(legacy_encoding=False, null=True)
    created_at = NumberAttribute()
    updated_at = NumberAttribute()
