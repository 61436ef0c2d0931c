"""Description entities in DynamoDB."""

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model


class CreatedIndex(GlobalSecondaryIndex["DescriptionEntityRow"]):
    """The descriptions of one entity by registration time."""

    class Meta:
        index_name = "created"
        projection = KeysOnlyProjection()

    name = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class DescriptionEntityRow(Model):
    """The description of one version; `name` is "TASK:project:domain:name".

    `description` is a serialized `admin.DescriptionEntity`; a large one lies at `description_uri`.
    """

    class Meta:
        table_name = "description_entities"

    name = UnicodeAttribute(hash_key=True)
    version = UnicodeAttribute(range_key=True)
    created_at = NumberAttribute()
    description = BinaryAttribute(legacy_encoding=False, null=True)
    description_uri = UnicodeAttribute(null=True)

    created_index = CreatedIndex()
