"""Serves signals: a gate node asks for one, a user sets it."""

import time

from flyteidl.admin.signal_pb2 import (
    Signal,
    SignalGetOrCreateRequest,
    SignalSetRequest,
    SignalSetResponse,
)
from flyteidl.core.types_pb2 import LiteralType

from flyteadmin.clients.dynamodb.reads import batch_get
from flyteadmin.errors import AlreadyExists, FailedPrecondition, InvalidArgument
from flyteadmin.executions import repository as executions
from flyteadmin.executions.phases import TERMINAL
from flyteadmin.identifiers import execution_key, signal_key
from flyteadmin.signals import messages, repository
from flyteadmin.signals.models import SignalRow
from flyteadmin.signals.validation import validate_get_or_create, validate_set, validate_value


def get_or_create(request: SignalGetOrCreateRequest) -> Signal:
    """GetOrCreateSignal, which propeller calls each time it evaluates a gate, until there is a value (SIG-02).

    Raises:
        InvalidArgument: naming the field.
        AlreadyExists: the signal is there with another type (SIG-03).
    """
    validate_get_or_create(request)
    wanted = request.type.SerializeToString(deterministic=True)
    row = repository.read(request.id)
    if row is None:
        now = time.time_ns()
        execution, signal_id = signal_key(request.id)
        made = SignalRow(execution=execution, signal_id=signal_id, type=wanted, created_at=now, updated_at=now)
        row = repository.create(made)
    if row.type != wanted:
        raise AlreadyExists(f"signal {row.signal_id} already exists with another type")
    return messages.signal(row)


def set_signal(request: SignalSetRequest) -> SignalSetResponse:
    """SetSignal: the value can be changed as long as the execution runs (SIG-06).

    Raises:
        InvalidArgument: naming the field; there is no such signal; or the value is not of its type.
        FailedPrecondition: the execution has ended, so no gate waits for the signal (KD-42).
    """
    validate_set(request)
    execution = executions.state_key(execution_key(request.id.execution_id))
    found = batch_get([repository.key(request.id), execution])
    row = found.get(repository.key(request.id))
    if row is None:
        raise InvalidArgument(f"failed to validate that signal [{request.id.signal_id}] exists: signal does not exist")
    validate_value(request.value, LiteralType.FromString(row.type))
    state = found.get(execution)
    if state is not None and state.phase in TERMINAL:
        raise FailedPrecondition(f"the execution of signal {row.signal_id} has ended as {state.phase}")
    repository.set_value(row, request.value.SerializeToString(deterministic=True), time.time_ns())
    return SignalSetResponse()
