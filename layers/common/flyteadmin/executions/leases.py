"""Leases: one per execution that has not ended, under its launch plan's name; deleted with the end (invariant 5).

`taken` and `released` give the operations that join the transaction of a create and of an end.
"""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from flyteadmin.clients.dynamodb.keys import Key
from flyteadmin.clients.dynamodb.writes import Delete, Operation, Put
from flyteadmin.executions.models import ExecutionState


class Lease(Model):
    """One active execution of a launch plan; `launch_plan` is "project:domain:name", all versions."""

    class Meta:
        table_name = "leases"
        stream_view_type = "OLD_IMAGE"

    launch_plan = UnicodeAttribute(hash_key=True)
    execution = UnicodeAttribute(range_key=True)
    created_at = NumberAttribute()


def key(launch_plan: str, execution: str) -> Key[Lease]:
    """Return the address of an execution's lease."""
    return Key(Lease, launch_plan, execution)


def taken(state: ExecutionState) -> list[Operation]:
    """Return the operations by which a new execution takes its lease."""
    return [Put(Lease(launch_plan=state.launch_plan, execution=state.execution, created_at=state.created_at))]


def released(launch_plan: str, execution: str) -> list[Operation]:
    """Return the operations by which an execution that ends releases its lease."""
    return [Delete(key(launch_plan, execution))]
