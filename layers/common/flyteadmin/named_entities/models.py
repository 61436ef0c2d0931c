"""Named entities in DynamoDB: one item per name, however many versions it has.

It is written with the first version, so lists of names are queries on this table.
"""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model


class StateIndex(GlobalSecondaryIndex["NamedEntityRow"]):
    """Names of a kind, project and domain that are in one state, whole, in order."""

    class Meta:
        index_name = "state"
        projection = AllProjection()

    by_state = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)


class NamedEntityRow(Model):
    """A name of a kind; `scope` is "WORKFLOW:project:domain", `state` the number of `NamedEntityState`.

    `by_state`, which the index is keyed by, is "WORKFLOW:project:domain#0": a write of the state sets both.
    """

    class Meta:
        table_name = "named_entities"

    scope = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    version = NumberAttribute(default=1)
    description = UnicodeAttribute(default="")
    state = NumberAttribute(default=0)
    by_state = UnicodeAttribute()
    created_at = NumberAttribute()
    updated_at = NumberAttribute()

    state_index = StateIndex()
