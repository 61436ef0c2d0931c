"""Leases: one per execution that has not ended, under its launch plan's name; deleted with the end (invariant 5)."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from flyteadmin.clients.dynamodb.keys import Key


class Lease(Model):
    """One active execution of a launch plan; `launch_plan` is "project:domain:name", all versions."""

    class Meta:
        table_name = "leases"
        stream_view_type = "OLD_IMAGE"

    launch_plan = UnicodeAttribute(hash_key=True)
    execution = UnicodeAttribute(range_key=True)
    created_at = NumberAttribute()


def key(launch_plan: str, execution: str) -> Key[Lease]:
    """The address of an execution's lease."""
    return Key(Lease, launch_plan, execution)
