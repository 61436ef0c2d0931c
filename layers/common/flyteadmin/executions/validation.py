"""Checks the identifier of an execution, in upstream's order and wording; pure."""

from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier

from flyteadmin.errors import NotFound
from flyteadmin.validation import validate_set


def validate_identifier(identifier: WorkflowExecutionIdentifier) -> None:
    """Check that an execution's identifier is whole (VAL-03, GET-01).

    Raises:
        InvalidArgument: naming the missing field.
    """
    validate_set(identifier, "project", "domain", "name")


def missing_execution(identifier: WorkflowExecutionIdentifier) -> NotFound:
    """Return the error for an execution that does not exist, in upstream's wording."""
    return NotFound(
        "missing entity of type execution with identifier"
        f" project:{identifier.project} domain:{identifier.domain} name:{identifier.name}"
    )
