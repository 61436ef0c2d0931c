"""Checks the identifier of a node execution, in upstream's order and wording; pure."""

from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier

from flyteadmin.errors import missing
from flyteadmin.executions.validation import validate_identifier as validate_execution


def validate_identifier(identifier: NodeExecutionIdentifier) -> None:
    """Check that a node execution's identifier is whole (VAL-04).

    Raises:
        InvalidArgument: naming the missing field.
    """
    if not identifier.HasField("execution_id"):
        raise missing("execution_id")
    if not identifier.node_id:
        raise missing("node_id")
    validate_execution(identifier.execution_id)
