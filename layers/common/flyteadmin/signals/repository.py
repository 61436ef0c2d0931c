"""Signals in DynamoDB: made once, set under a condition, read consistently."""

from flyteidl.core.identifier_pb2 import SignalIdentifier

from flyteadmin.clients.dynamodb.keys import Key
from flyteadmin.clients.dynamodb.reads import get
from flyteadmin.clients.dynamodb.writes import ConditionFailed, Put, Update, write
from flyteadmin.identifiers import signal_key
from flyteadmin.signals.models import SignalRow


def key(identifier: SignalIdentifier) -> Key[SignalRow]:
    """Return the address of a signal."""
    return Key(SignalRow, *signal_key(identifier))


def read(identifier: SignalIdentifier) -> SignalRow | None:
    """Read a signal; one consistent request."""
    return get(key(identifier))


def create(row: SignalRow) -> SignalRow:
    """Store a signal unless there is one, and return the one that is stored."""
    try:
        write(Put(row, SignalRow.execution.does_not_exist()))
    except ConditionFailed as failure:
        return SignalRow.from_raw_data(failure.old or {})
    return row


def set_value(row: SignalRow, value: bytes, now: int) -> None:
    """Set the value of a signal that was read; its type never changes. `now` is in ns."""
    actions = [
        SignalRow.version.set(SignalRow.version + 1),
        SignalRow.value.set(value),
        SignalRow.updated_at.set(now),
    ]
    write(Update(Key(SignalRow, row.execution, row.signal_id), actions, SignalRow.type == row.type))
