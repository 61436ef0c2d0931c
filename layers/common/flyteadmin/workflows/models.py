"""Workflows in DynamoDB: the interface in the row, the compiled closure in S3."""

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection, KeysOnlyProjection
from pynamodb.models import Model


class CreatedIndex(GlobalSecondaryIndex["WorkflowRow"]):
    """Versions of one workflow by registration time."""

    class Meta:
        index_name = "created"
        projection = KeysOnlyProjection()

    name = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class ListingIndex(GlobalSecondaryIndex["WorkflowRow"]):
    """All workflow versions of a project and domain by registration time."""

    class Meta:
        index_name = "listing"
        projection = KeysOnlyProjection()

    listing = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class NamesIndex(GlobalSecondaryIndex["WorkflowRow"]):
    """All workflow versions of a project and domain by name."""

    class Meta:
        index_name = "names"
        projection = IncludeProjection(["created_at"])

    listing = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)


class VersionIndex(GlobalSecondaryIndex["WorkflowRow"]):
    """The workflows of a project and domain that were registered under one version, by registration time."""

    class Meta:
        index_name = "version"
        projection = KeysOnlyProjection()

    by_version = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class WorkflowRow(Model):
    """A version of a workflow; `name` is "project:domain:name".

    The keys of the indexes follow from that: `listing` is "project:domain", `by_version`
    "project:domain#version".

    `closure_uri` has the serialized `core.CompiledWorkflowClosure`, `digest` is its SHA-256, `interface` a serialized
    `core.TypedInterface`, all that a list shows; a large one is only in the closure.
    """

    class Meta:
        table_name = "workflows"

    name = UnicodeAttribute(hash_key=True)
    version = UnicodeAttribute(range_key=True)
    listing = UnicodeAttribute()
    by_version = UnicodeAttribute()
    created_at = NumberAttribute()
    digest = BinaryAttribute(legacy_encoding=False)
    short_description = UnicodeAttribute(default="")
    interface = BinaryAttribute(legacy_encoding=False, null=True)
    closure_uri = UnicodeAttribute()

    created_index = CreatedIndex()
    listing_index = ListingIndex()
    names_index = NamesIndex()
    version_index = VersionIndex()
