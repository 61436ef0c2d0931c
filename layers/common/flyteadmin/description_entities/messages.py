"""Builds a description entity as clients read it from its row; a large one is read from S3."""

from flyteidl.admin.description_entity_pb2 import DescriptionEntity

from flyteadmin.description_entities import repository
from flyteadmin.description_entities.models import DescriptionEntityRow


def description_entity(row: DescriptionEntityRow) -> DescriptionEntity:
    """Return a description whose parts are never absent."""
    described = DescriptionEntity.FromString(row.description or repository.blob(row) or b"")
    described.long_description.SetInParent()
    described.source_code.SetInParent()
    return described
