"""Launch plans in DynamoDB: a row per version, and one item per name that names its active version."""

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model

_ASKED = ["state", "schedule_type", "workflow", "workflow_version"]
_ASKED_BY_CREATION = [*_ASKED, "updated_at"]
_ASKED_BY_UPDATE = [*_ASKED, "created_at"]


class CreatedIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """Versions of one launch plan by registration time."""

    class Meta:
        index_name = "created"
        projection = IncludeProjection(_ASKED_BY_CREATION)

    name = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class UpdatedIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """Versions of one launch plan by the time of their last activation or deactivation."""

    class Meta:
        index_name = "updated"
        projection = IncludeProjection(_ASKED_BY_UPDATE)

    name = UnicodeAttribute(hash_key=True)
    updated_at = NumberAttribute(range_key=True)


class ListingIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """All launch-plan versions of a project and domain by registration time."""

    class Meta:
        index_name = "listing"
        projection = IncludeProjection(_ASKED_BY_CREATION)

    listing = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class ListingUpdatedIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """The same by the time of their last activation or deactivation, as `pyflyte get launch-plan` lists them."""

    class Meta:
        index_name = "listing_updated"
        projection = IncludeProjection(_ASKED_BY_UPDATE)

    listing = UnicodeAttribute(hash_key=True)
    updated_at = NumberAttribute(range_key=True)


class NamesIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """All launch-plan versions of a project and domain by name."""

    class Meta:
        index_name = "names"
        projection = IncludeProjection([*_ASKED_BY_CREATION, "created_at"])

    listing = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)


class VersionIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """The launch plans of a project and domain that were registered under one version, by registration time."""

    class Meta:
        index_name = "version"
        projection = IncludeProjection(_ASKED_BY_CREATION)

    by_version = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class ActiveIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """Active launch plans of a project and domain by name; sparse."""

    class Meta:
        index_name = "active"
        projection = IncludeProjection([*_ASKED_BY_CREATION, "created_at"])

    active = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)


class ActiveCreatedIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """The same by registration time, as the console lists them on a workflow's page."""

    class Meta:
        index_name = "active_created"
        projection = IncludeProjection(_ASKED_BY_CREATION)

    active = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class ScheduledIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """Launch-plan versions of a project and domain that have a schedule, by registration time; sparse."""

    class Meta:
        index_name = "scheduled"
        projection = IncludeProjection(_ASKED_BY_CREATION)

    scheduled = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class WorkflowIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """Launch plans of all versions of a workflow by registration time."""

    class Meta:
        index_name = "workflow"
        projection = IncludeProjection(_ASKED_BY_CREATION)

    by_workflow = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class WorkflowVersionIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """Launch plans of one version of a workflow by registration time, as the console lists them before a launch."""

    class Meta:
        index_name = "workflow_version"
        projection = IncludeProjection(_ASKED_BY_CREATION)

    by_workflow_version = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class LaunchPlanRow(Model):
    """A version of a launch plan; `name` and `workflow` are "project:domain:name".

    `spec` is a serialized `admin.LaunchPlanSpec` whose default inputs are the expected inputs; a large one lies at
    `spec_uri`. `expected_outputs` is a serialized `core.VariableMap`, unless it is large: the workflow's outputs are in
    its compiled closure too, which lies at `closure_uri`. `digest` is the SHA-256 of the launch plan as registered,
    `state` the number of `LaunchPlanState`.

    The keys of the indexes follow from that: `listing` is the launch plan's "project:domain", `active` the same
    on the active version only, `scheduled` the same with a schedule only; `by_version` is "project:domain#version",
    `by_workflow` "project:domain#name", `by_workflow_version` "project:domain#name#version" of the workflow.
    """

    class Meta:
        table_name = "launch_plans"

    name = UnicodeAttribute(hash_key=True)
    version = UnicodeAttribute(range_key=True)
    created_at = NumberAttribute()
    updated_at = NumberAttribute()
    digest = BinaryAttribute(legacy_encoding=False)
    state = NumberAttribute(default=0)
    schedule_type = UnicodeAttribute(default="NONE")

    workflow = UnicodeAttribute()
    workflow_version = UnicodeAttribute()
    closure_uri = UnicodeAttribute()
    spec = BinaryAttribute(legacy_encoding=False, null=True)
    spec_uri = UnicodeAttribute(null=True)
    expected_outputs = BinaryAttribute(legacy_encoding=False, null=True)

    listing = UnicodeAttribute()
    active = UnicodeAttribute(null=True)
    scheduled = UnicodeAttribute(null=True)
    by_version = UnicodeAttribute()
    by_workflow = UnicodeAttribute()
    by_workflow_version = UnicodeAttribute()

    created_index = CreatedIndex()
    updated_index = UpdatedIndex()
    listing_index = ListingIndex()
    listing_updated_index = ListingUpdatedIndex()
    names_index = NamesIndex()
    version_index = VersionIndex()
    active_index = ActiveIndex()
    active_created_index = ActiveCreatedIndex()
    scheduled_index = ScheduledIndex()
    workflow_index = WorkflowIndex()
    workflow_version_index = WorkflowVersionIndex()


class ActiveVersion(Model):
    """The active version of a name, "" if none: the one item that every activation writes.

    `name` is ":project:domain:name", which no launch plan's own key can be, since its project is never blank.
    """

    class Meta:
        table_name = "launch_plans"

    name = UnicodeAttribute(hash_key=True)
    version = UnicodeAttribute(range_key=True, default="active")
    active_version = UnicodeAttribute(default="")
