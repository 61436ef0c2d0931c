"""How a named entity lies in DynamoDB: one item per name, whatever the number of versions.

It is written with the first version, so lists of names are queries on this table.
"""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model


class NamedEntityRow(Model):
    """A name of a kind; `scope` is "WORKFLOW:project:domain", `state` the number of `NamedEntityState`."""

    class Meta:
        table_name = "named_entities"

    scope = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    version = NumberAttribute(default=1)
    description = UnicodeAttribute(default="")
    state = NumberAttribute(default=0)
    created_at = NumberAttribute()
    updated_at = NumberAttribute()
