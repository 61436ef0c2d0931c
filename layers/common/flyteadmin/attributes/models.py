"""Matchable attributes in DynamoDB: one item per scope, one binary attribute per kind."""

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

ALL_SCOPES = "attributes"
"""The one partition of the listing index."""


class ListingIndex(GlobalSecondaryIndex["AttributesRow"]):
    """All scopes that have attributes, for ListMatchableAttributes."""

    class Meta:
        index_name = "listing"
        projection = KeysOnlyProjection()

    listing = UnicodeAttribute(hash_key=True)
    scope = UnicodeAttribute(range_key=True)


class AttributesRow(Model):
    """The attributes of one scope, "project:domain:workflow:launch_plan" with blanks where it is not narrowed.

    Each kind holds a serialized `admin.MatchingAttributes`.
    """

    class Meta:
        table_name = "attributes"
        stream_view_type = "KEYS_ONLY"

    scope = UnicodeAttribute(hash_key=True)
    version = NumberAttribute(default=1)
    updated_at = NumberAttribute()
    listing = UnicodeAttribute(default=ALL_SCOPES)

    task_resource = BinaryAttribute(legacy_encoding=False, null=True)
    cluster_resource = BinaryAttribute(legacy_encoding=False, null=True)
    execution_queue = BinaryAttribute(legacy_encoding=False, null=True)
    execution_cluster_label = BinaryAttribute(legacy_encoding=False, null=True)
    quality_of_service = BinaryAttribute(legacy_encoding=False, null=True)
    plugin_override = BinaryAttribute(legacy_encoding=False, null=True)
    workflow_execution_config = BinaryAttribute(legacy_encoding=False, null=True)
    cluster_assignment = BinaryAttribute(legacy_encoding=False, null=True)

    listing_index = ListingIndex()
