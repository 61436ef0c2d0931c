"""Reads workflows for the API."""

from flyteidl.admin.common_pb2 import ObjectGetRequest
from flyteidl.admin.workflow_pb2 import Workflow
from flyteidl.core.identifier_pb2 import WORKFLOW

from flyteadmin.named_entities.validation import validate_identifier, with_type
from flyteadmin.validation import missing_entity
from flyteadmin.workflows import messages, repository


def get(request: ObjectGetRequest) -> Workflow:
    """GetWorkflow.

    Raises:
        InvalidArgument: the identifier is not whole, or not a workflow's.
        NotFound: there is no such version.
    """
    identifier = validate_identifier(with_type(request.id if request.HasField("id") else None, WORKFLOW), WORKFLOW)
    row = repository.read(identifier)
    if row is None:
        raise missing_entity(identifier)
    return messages.workflow(row)
