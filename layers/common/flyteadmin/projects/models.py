"""Projects in DynamoDB; a project in the configuration needs no row."""

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

ALL_PROJECTS = "projects"
"""The one partition of the listing index."""


class ListingIndex(GlobalSecondaryIndex["ProjectRow"]):
    """All projects by identifier, whole: there are few, and a list shows them whole."""

    class Meta:
        index_name = "listing"
        projection = AllProjection()

    listing = UnicodeAttribute(hash_key=True)
    project = UnicodeAttribute(range_key=True)


class ProjectRow(Model):
    """A project; `state` is the number of `Project.ProjectState`, `labels` a serialized `admin.Labels`."""

    class Meta:
        table_name = "projects"
        stream_view_type = "KEYS_ONLY"

    project = UnicodeAttribute(hash_key=True)
    version = NumberAttribute(default=1)
    name = UnicodeAttribute()
    description = UnicodeAttribute(default="")
    labels = BinaryAttribute(legacy_encoding=False, null=True)
    state = NumberAttribute(default=0)
    created_at = NumberAttribute()
    updated_at = NumberAttribute()
    listing = UnicodeAttribute(default=ALL_PROJECTS)

    listing_index = ListingIndex()
