"""Checks the identifier of a task execution, in upstream's order and wording; pure."""

from flyteidl.core.identifier_pb2 import TASK, Identifier, ResourceType, TaskExecutionIdentifier

from flyteadmin.errors import InvalidArgument, missing
from flyteadmin.node_executions.validation import validate_identifier as validate_node
from flyteadmin.validation import validate_set


def validate_identifier(identifier: TaskExecutionIdentifier) -> None:
    """Check that a task execution's identifier is whole (VAL-05); over HTTP the resource type is left out (GET-19).

    Raises:
        InvalidArgument: naming the missing field.
    """
    if not identifier.HasField("node_execution_id"):
        raise missing("node_execution_id")
    validate_node(identifier.node_execution_id)
    if not identifier.HasField("task_id"):
        raise missing("task_id")
    _task(identifier.task_id)


def _task(identifier: Identifier) -> None:
    if identifier.resource_type not in {TASK, ResourceType.UNSPECIFIED}:
        raise InvalidArgument("unexpected resource type for task_id: expected TASK")
    validate_set(identifier, "project", "domain", "name", "version")
