"""Reads tasks for the API."""

from flyteidl.admin.common_pb2 import ObjectGetRequest
from flyteidl.admin.task_pb2 import Task
from flyteidl.core.identifier_pb2 import TASK

from flyteadmin.named_entities.validation import validate_identifier, with_type
from flyteadmin.tasks import messages, repository
from flyteadmin.validation import missing_entity


def get(request: ObjectGetRequest) -> Task:
    """GetTask.

    Raises:
        InvalidArgument: the identifier is not whole, or not a task's.
        NotFound: there is no such version.
    """
    identifier = validate_identifier(with_type(request.id if request.HasField("id") else None, TASK), TASK)
    row = repository.read(identifier)
    if row is None:
        raise missing_entity(identifier)
    return messages.task(row)
