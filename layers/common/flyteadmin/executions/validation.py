"""Checks the identifier of an execution, in upstream's order and wording; pure."""

from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier

from flyteadmin.validation import validate_set


def validate_identifier(identifier: WorkflowExecutionIdentifier) -> None:
    """Check that an execution's identifier is whole (VAL-03, GET-01).

    Raises:
        InvalidArgument: naming the missing field.
    """
    validate_set(identifier, "project", "domain", "name")
