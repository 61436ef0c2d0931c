"""Builds a signal as clients read it from its row; pure."""

from flyteidl.admin.signal_pb2 import Signal
from flyteidl.core.identifier_pb2 import SignalIdentifier
from flyteidl.core.literals_pb2 import Literal
from flyteidl.core.types_pb2 import LiteralType

from flyteadmin.identifiers import execution_identifier
from flyteadmin.signals.models import SignalRow


def signal(row: SignalRow) -> Signal:
    """Return the signal; it has no value until it is set."""
    identifier = SignalIdentifier(signal_id=row.signal_id, execution_id=execution_identifier(row.execution))
    message = Signal(id=identifier, type=LiteralType.FromString(row.type))
    if row.value is not None:
        message.value.CopyFrom(Literal.FromString(row.value))
    return message
