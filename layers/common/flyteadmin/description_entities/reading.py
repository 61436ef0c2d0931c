"""Reads the description of a version."""

from flyteidl.admin.common_pb2 import ObjectGetRequest
from flyteidl.admin.description_entity_pb2 import DescriptionEntity
from flyteidl.core.identifier_pb2 import TASK

from flyteadmin.description_entities import messages, repository
from flyteadmin.named_entities.validation import validate_identifier, validate_kind, with_type
from flyteadmin.validation import missing_entity


def get(request: ObjectGetRequest) -> DescriptionEntity:
    """GetDescriptionEntity (REG-25); a resource type that is left out is a task's.

    Raises:
        InvalidArgument: naming the field.
        NotFound: the version came without a description, or there is none.
    """
    given = with_type(request.id if request.HasField("id") else None, TASK)
    kind = given.resource_type if given is not None else TASK
    validate_kind(kind)
    identifier = validate_identifier(given, kind)
    row = repository.read(identifier)
    if row is None:
        raise missing_entity(identifier)
    return messages.description_entity(row)
