"""Tasks in DynamoDB; the indexes hold what lists filter on."""

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model

_FILTERED = ["task_type"]


class CreatedIndex(GlobalSecondaryIndex["TaskRow"]):
    """Versions of one task by registration time."""

    class Meta:
        index_name = "created"
        projection = IncludeProjection(_FILTERED)

    name = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class ListingIndex(GlobalSecondaryIndex["TaskRow"]):
    """All task versions of a project and domain by registration time."""

    class Meta:
        index_name = "listing"
        projection = IncludeProjection(_FILTERED)

    listing = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class NamesIndex(GlobalSecondaryIndex["TaskRow"]):
    """All task versions of a project and domain by name."""

    class Meta:
        index_name = "names"
        projection = IncludeProjection(["created_at", *_FILTERED])

    listing = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)


class VersionIndex(GlobalSecondaryIndex["TaskRow"]):
    """The tasks of a project and domain that were registered under one version, by registration time."""

    class Meta:
        index_name = "version"
        projection = IncludeProjection(_FILTERED)

    by_version = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class TaskRow(Model):
    """A version of a task; `name` is "project:domain:name".

    The keys of the indexes follow from that: `listing` is "project:domain", `by_version`
    "project:domain#version".

    `closure` is a serialized `core.CompiledTask`; a large one lies at `closure_uri`. `digest` is its SHA-256.
    """

    class Meta:
        table_name = "tasks"

    name = UnicodeAttribute(hash_key=True)
    version = UnicodeAttribute(range_key=True)
    listing = UnicodeAttribute()
    by_version = UnicodeAttribute()
    created_at = NumberAttribute()
    digest = BinaryAttribute(legacy_encoding=False)
    task_type = UnicodeAttribute()
    short_description = UnicodeAttribute(default="")
    closure = BinaryAttribute(legacy_encoding=False, null=True)
    closure_uri = UnicodeAttribute(null=True)

    created_index = CreatedIndex()
    listing_index = ListingIndex()
    names_index = NamesIndex()
    version_index = VersionIndex()
