"""Validates signal requests, in upstream's order and wording; pure. Source: validation/signal_validator.go."""

from flyteidl.admin.signal_pb2 import SignalGetOrCreateRequest, SignalListRequest, SignalSetRequest
from flyteidl.core.literals_pb2 import Literal
from flyteidl.core.types_pb2 import LiteralType

from flyteadmin.compiler.validators.typing import are_types_castable
from flyteadmin.compiler.validators.utils import literal_type_error, literal_type_for_literal
from flyteadmin.errors import InvalidArgument, ResourceExhausted, missing
from flyteadmin.executions.validation import validate_identifier
from flyteadmin.listing.requests import validate_limit
from flyteadmin.pretty_print import to_text

_MAX_TYPE_BYTES = 64 * 1024
_MAX_VALUE_BYTES = 256 * 1024


def validate_get_or_create(request: SignalGetOrCreateRequest) -> None:
    """Check the identifier and the type (SIG-01).

    Raises:
        InvalidArgument: naming the field.
        ResourceExhausted: the type is larger than a row holds.
    """
    _validate_identifier(request)
    if not request.HasField("type"):
        raise missing("type")
    _fits(request.type.ByteSize(), _MAX_TYPE_BYTES)


def validate_set(request: SignalSetRequest) -> None:
    """Check the identifier and that there is a value (SIG-04).

    Raises:
        InvalidArgument: naming the field.
        ResourceExhausted: the value is larger than a row holds.
    """
    _validate_identifier(request)
    if not request.HasField("value"):
        raise missing("value")
    _fits(request.value.ByteSize(), _MAX_VALUE_BYTES)


def validate_value(value: Literal, wanted: LiteralType) -> None:
    """Check that a value is of the signal's type, or can be cast to it (SIG-05).

    Raises:
        InvalidArgument: it is not.
    """
    given = literal_type_for_literal(value)
    if given is None:
        raise InvalidArgument(f"Failed to validate literal type for [value] with err: {literal_type_error(given)}")
    if not are_types_castable(wanted, given):
        raise InvalidArgument(
            f"requested signal value [{to_text(value)[:1000]}] is not castable to existing signal type"
            f" [{to_text(wanted)[:1000]}]"
        )


def validate_list(request: SignalListRequest) -> None:
    """Check the execution and the limit (SIG-07).

    Raises:
        InvalidArgument: naming the field.
    """
    if not request.HasField("workflow_execution_id"):
        raise missing("execution_id")
    validate_identifier(request.workflow_execution_id)
    validate_limit(request.limit)


def _validate_identifier(request: SignalGetOrCreateRequest | SignalSetRequest) -> None:
    if not request.HasField("id"):
        raise missing("id")
    if not request.id.HasField("execution_id"):
        raise missing("execution_id")
    if not request.id.signal_id:
        raise missing("signal_id")
    validate_identifier(request.id.execution_id)


def _fits(size: int, limit: int) -> None:
    if size > limit:
        raise ResourceExhausted(f"message larger than max ({size} vs. {limit})")
