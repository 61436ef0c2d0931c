"""Changes the description and state of a name, for all its versions together."""

import time

from flyteidl.admin.common_pb2 import (
    NamedEntityUpdateRequest,
    NamedEntityUpdateResponse,
)

from flyteadmin.named_entities import repository
from flyteadmin.named_entities.validation import validate_metadata, validate_name
from flyteadmin.validation import missing_entity


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
