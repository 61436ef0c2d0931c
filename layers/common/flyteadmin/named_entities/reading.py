"""Reads the description and state of a name."""

from flyteidl.admin.common_pb2 import NamedEntity, NamedEntityGetRequest

from flyteadmin.named_entities import messages, repository
from flyteadmin.named_entities.validation import validate_name
from flyteadmin.validation import missing_entity


def get(request: NamedEntityGetRequest) -> NamedEntity:
    """GetNamedEntity; a name that was never updated has no description and is active (REG-24).

    Raises:
        InvalidArgument: naming the field.
        NotFound: nothing is registered under this name.
    """
    identifier = validate_name(request)
    row = repository.read(identifier)
    if row is None:
        raise missing_entity(identifier)
    return messages.named_entity(identifier, row)
