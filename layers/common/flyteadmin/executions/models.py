"""An execution in DynamoDB: a small state item that events change, and a specification item that never changes.

Times are integers, nanoseconds since the epoch; phases are the enum names; protobuf parts are binary.
"""

from dataclasses import dataclass

from pynamodb.attributes import (
    BinaryAttribute,
    ListAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model

from flyteadmin.executions.phases import LaunchState

LISTING_SHARDS = 4
"""Write shards of the created index: 4,000 creates a second per project and domain."""

ACTIVE_SHARDS = 10
"""Shards of the active index, which every create and every end writes to."""

BEFORE_ALL = "0"
"""A sequence that sorts before every padded one."""

_FILTERED = [
    "phase",
    "archived",
    "started_at",
    "ended_at",
    "launch_plan",
    "launch_plan_version",
    "workflow",
    "workflow_version",
    "task",
    "task_version",
]
"""The attributes that filters compare in index rows; all but `archived` change only when the phase does."""

_FILTERED_AND_USER = [*_FILTERED, "by_user"]


class CreatedIndex(GlobalSecondaryIndex["ExecutionState"]):
    """Executions of a project and domain by creation time, write-sharded."""

    class Meta:
        index_name = "created"
        projection = IncludeProjection(_FILTERED_AND_USER)

    listing = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class LaunchPlanIndex(GlobalSecondaryIndex["ExecutionState"]):
    """Executions of launch plans of one name by creation time; sparse: tasks launched by themselves are left out."""

    class Meta:
        index_name = "launch_plan"
        projection = IncludeProjection(_FILTERED_AND_USER)

    by_launch_plan = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class WorkflowIndex(GlobalSecondaryIndex["ExecutionState"]):
    """Executions of workflows of one name by creation time; what the console shows of a workflow."""

    class Meta:
        index_name = "workflow"
        projection = IncludeProjection(_FILTERED_AND_USER)

    by_workflow = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class TaskIndex(GlobalSecondaryIndex["ExecutionState"]):
    """Executions of tasks of one name that were launched by themselves, by creation time; sparse."""

    class Meta:
        index_name = "task"
        projection = IncludeProjection(_FILTERED_AND_USER)

    by_task = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class PhaseIndex(GlobalSecondaryIndex["ExecutionState"]):
    """Executions in one phase by creation time; those that failed may be few among many."""

    class Meta:
        index_name = "phase"
        projection = IncludeProjection(_FILTERED_AND_USER)

    by_phase = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class UserIndex(GlobalSecondaryIndex["ExecutionState"]):
    """Executions of one user by creation time; the console's "only mine"."""

    class Meta:
        index_name = "user"
        projection = IncludeProjection(_FILTERED)

    by_user = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class ActiveIndex(GlobalSecondaryIndex["ExecutionState"]):
    """Executions that have not ended, sharded, with the attributes that a comparison with the clusters needs."""

    class Meta:
        index_name = "active"
        projection = IncludeProjection(["launch", "cluster", "namespace", "parent"])

    active = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class ExecutionState(Model):
    """The item that events change: phase, times, outcome.

    It has at most 1 KB, so that a phase change costs one write unit and its indexes. `task` is set where a task was
    launched by itself; the launch plan and the workflow are then the generated ones. `created_at` is when the execution
    was accepted. The resource is in `cluster` and `namespace`. `parent` is the key of the execution whose node launched
    this one.

    The keys of the indexes begin with `listing`, "project:domain#shard". `by_phase` is that, "#" and the phase; the
    others end in the user, or in the name alone of the launch plan, workflow or task. `overlay_phase` and `overlay_at`
    are a phase that the control plane set itself, and when: no event tells it, so a rebuild must keep it.
    """

    class Meta:
        table_name = "executions"
        stream_view_type = "NEW_AND_OLD_IMAGES"

    execution = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True, default="state")
    version = NumberAttribute(default=1)

    phase = UnicodeAttribute()
    sequence = UnicodeAttribute(default=BEFORE_ALL)
    transitions: ListAttribute[str] = ListAttribute(
        of=UnicodeAttribute,  # type: ignore[arg-type]  # its stub wants the value's type
        default=list,
    )
    launch = UnicodeAttribute(default=LaunchState.LAUNCHING.value)
    cluster = UnicodeAttribute(default="")
    namespace = UnicodeAttribute(default="")
    parent = UnicodeAttribute(null=True)
    created_at = NumberAttribute()
    started_at = NumberAttribute(null=True)
    ended_at = NumberAttribute(null=True)
    updated_at = NumberAttribute()

    outputs_uri = UnicodeAttribute(null=True)
    output_data = BinaryAttribute(legacy_encoding=False, null=True)
    error = BinaryAttribute(legacy_encoding=False, null=True)
    error_uri = UnicodeAttribute(null=True)
    error_kind = UnicodeAttribute(null=True)
    error_code = UnicodeAttribute(null=True)

    overlay_phase = UnicodeAttribute(null=True)
    overlay_at = NumberAttribute(null=True)
    abort = BinaryAttribute(legacy_encoding=False, null=True)
    archived = NumberAttribute(default=0)
    state_change = BinaryAttribute(legacy_encoding=False, null=True)

    listing = UnicodeAttribute()
    launch_plan = UnicodeAttribute()
    launch_plan_version = UnicodeAttribute()
    workflow = UnicodeAttribute()
    workflow_version = UnicodeAttribute()
    task = UnicodeAttribute(null=True)
    task_version = UnicodeAttribute(null=True)
    by_launch_plan = UnicodeAttribute(null=True)
    by_workflow = UnicodeAttribute()
    by_task = UnicodeAttribute(null=True)
    by_phase = UnicodeAttribute()
    by_user = UnicodeAttribute()
    active = UnicodeAttribute(null=True)

    created_index = CreatedIndex()
    launch_plan_index = LaunchPlanIndex()
    workflow_index = WorkflowIndex()
    task_index = TaskIndex()
    phase_index = PhaseIndex()
    user_index = UserIndex()
    active_index = ActiveIndex()


class ExecutionSpecification(Model):
    """The item that never changes: the request, the values that were resolved for it, and the URIs of the inputs.

    `spec` is the `admin.ExecutionSpec` as requested; `resolved` is one with the fields that other levels than the
    request decided, absent from rows written before both were kept apart. A large one lies in S3, at its URI. `levels`
    is JSON, the level that decided each value by its name (`launching/decisions.py`); `task_resources` is the
    `admin.TaskResourceAttributes` that held, `plugin_overrides` the `admin.PluginOverrides`.

    `caller` sent the request; `principal`, `nesting` and `cluster_label` are those of the launching execution where
    there is one. `call` is the digest by which a repeat of the create is known.
    """

    class Meta:
        table_name = "executions"

    execution = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True, default="spec")

    spec = BinaryAttribute(legacy_encoding=False, null=True)
    spec_uri = UnicodeAttribute(null=True)
    resolved = BinaryAttribute(legacy_encoding=False, null=True)
    resolved_uri = UnicodeAttribute(null=True)
    levels = UnicodeAttribute(null=True)
    task_resources = BinaryAttribute(legacy_encoding=False, null=True)
    plugin_overrides = BinaryAttribute(legacy_encoding=False, null=True)
    queue = UnicodeAttribute(null=True)
    workflow_id = BinaryAttribute(legacy_encoding=False)
    notifications = BinaryAttribute(legacy_encoding=False, null=True)
    caller = UnicodeAttribute(default="")
    principal = UnicodeAttribute(default="")
    nesting = NumberAttribute(default=0)
    cluster_label = UnicodeAttribute(default="")
    call = BinaryAttribute(legacy_encoding=False, null=True)
    inputs_uri = UnicodeAttribute()
    user_inputs_uri = UnicodeAttribute()


@dataclass(frozen=True)
class StoredExecution:
    """Both items of an execution."""

    state: ExecutionState
    specification: ExecutionSpecification
