"""How a launch plan lies in DynamoDB: a row per version, and one item per name that says which version is active."""

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model

_FILTERED = ["state", "schedule_type"]


class CreatedIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """Versions of one launch plan by registration time."""

    class Meta:
        index_name = "created"
        projection = IncludeProjection(_FILTERED)

    name = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class ListingIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """All launch-plan versions of a project and domain by registration time."""

    class Meta:
        index_name = "listing"
        projection = IncludeProjection(_FILTERED)

    listing = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class ActiveIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """Active launch plans of a project and domain by name; sparse."""

    class Meta:
        index_name = "active"
        projection = IncludeProjection(["schedule_type"])

    active = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)


class WorkflowIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """Launch plans of all versions of a workflow by registration time."""

    class Meta:
        index_name = "workflow"
        projection = IncludeProjection(_FILTERED)

    workflow = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class WorkflowVersionIndex(GlobalSecondaryIndex["LaunchPlanRow"]):
    """Launch plans of one version of a workflow by registration time; what the console asks before a launch."""

    class Meta:
        index_name = "workflow_version"
        projection = IncludeProjection(_FILTERED)

    workflow_version = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class LaunchPlanRow(Model):
    """A version of a launch plan; `name` is "project:domain:name", `listing` "project:domain".

    `spec` is a serialized `admin.LaunchPlanSpec` whose default inputs are the expected inputs; a large one lies at
    `spec_uri`. `expected_outputs` is a serialized `core.VariableMap`, unless it is large: the workflow's outputs are in
    its compiled closure too, which lies at `closure_uri`. `digest` is the SHA-256 of what was registered, `state` the
    number of `LaunchPlanState`. `workflow_version` is "project:domain:name#version" of the workflow; `active` is
    "project:domain" on the active version and absent elsewhere.
    """

    class Meta:
        table_name = "launch_plans"

    name = UnicodeAttribute(hash_key=True)
    version = UnicodeAttribute(range_key=True)
    listing = UnicodeAttribute()
    created_at = NumberAttribute()
    updated_at = NumberAttribute()
    digest = BinaryAttribute(legacy_encoding=False)
    state = NumberAttribute(default=0)
    active = UnicodeAttribute(null=True)
    schedule_type = UnicodeAttribute(default="NONE")

    workflow = UnicodeAttribute()
    workflow_version = UnicodeAttribute()
    closure_uri = UnicodeAttribute()
    spec = BinaryAttribute(legacy_encoding=False, null=True)
    spec_uri = UnicodeAttribute(null=True)
    expected_outputs = BinaryAttribute(legacy_encoding=False, null=True)

    created_index = CreatedIndex()
    listing_index = ListingIndex()
    active_index = ActiveIndex()
    workflow_index = WorkflowIndex()
    workflow_version_index = WorkflowVersionIndex()


class ActiveVersion(Model):
    """Which version of a name is active, "" if none: the one item that every activation must pass.

    `name` is ":project:domain:name", which no launch plan's own key can be, since its project is never blank.
    """

    class Meta:
        table_name = "launch_plans"

    name = UnicodeAttribute(hash_key=True)
    version = UnicodeAttribute(range_key=True, default="active")
    active_version = UnicodeAttribute(default="")
