"""What happens when something is said about a name: read, or changed, for all its versions together."""

import time

from flyteidl.admin.common_pb2 import (
    NamedEntity,
    NamedEntityGetRequest,
    NamedEntityIdentifier,
    NamedEntityMetadata,
    NamedEntityUpdateRequest,
    NamedEntityUpdateResponse,
)
from flyteidl.core.identifier_pb2 import Identifier

from flyteadmin.named_entities import repository
from flyteadmin.named_entities.models import NamedEntityRow
from flyteadmin.named_entities.validation import validate_metadata, validate_name
from flyteadmin.validation import missing_entity


def get(request: NamedEntityGetRequest) -> NamedEntity:
    """GetNamedEntity; a name that nothing was said about has no description and is active (REG-24).

    Raises:
        InvalidArgument: naming the field.
        NotFound: nothing is registered under this name.
    """
    identifier = validate_name(request)
    row = repository.read(identifier)
    if row is None:
        raise missing_entity(identifier)
    return message(identifier, row)


def update(request: NamedEntityUpdateRequest) -> NamedEntityUpdateResponse:
    """UpdateNamedEntity: the state is always written, an empty description leaves the one there is (REG-22).

    Raises:
        InvalidArgument: naming the field.
        NotFound: nothing is registered under this name.
    """
    identifier = validate_name(request)
    validate_metadata(request)
    if not repository.describe(identifier, request.metadata, time.time_ns()):
        raise missing_entity(identifier)
    return NamedEntityUpdateResponse()


def message(identifier: Identifier, row: NamedEntityRow) -> NamedEntity:
    """A name as clients read it."""
    name = NamedEntityIdentifier(project=identifier.project, domain=identifier.domain, name=row.name)
    metadata = NamedEntityMetadata(description=row.description)
    metadata.state = int(row.state)  # type: ignore[assignment]  # an open enum: any number is one
    return NamedEntity(resource_type=identifier.resource_type, id=name, metadata=metadata)
