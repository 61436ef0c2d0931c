"""Builds a named entity as clients read it from its row; pure."""

from flyteidl.admin.common_pb2 import NamedEntity, NamedEntityIdentifier, NamedEntityMetadata
from flyteidl.core.identifier_pb2 import Identifier

from flyteadmin.named_entities.models import NamedEntityRow


def named_entity(identifier: Identifier, row: NamedEntityRow) -> NamedEntity:
    """Return a name; `identifier` has its kind, project and domain."""
    name = NamedEntityIdentifier(project=identifier.project, domain=identifier.domain, name=row.name)
    metadata = NamedEntityMetadata(description=row.description)
    metadata.state = int(row.state)  # type: ignore[assignment]  # an open enum: any number is one
    return NamedEntity(resource_type=identifier.resource_type, id=name, metadata=metadata)
