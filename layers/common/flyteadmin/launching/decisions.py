"""Decides what an execution gets by configuration, and from which level each part came; pure.

Source: flyteadmin execution_manager.go launchExecution, launchSingleTaskExecution.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flyteidl.admin.execution_pb2 import ExecutionSpec, NotificationList
from flyteidl.admin.launch_plan_pb2 import LaunchPlanSpec
from flyteidl.admin.matchable_resource_pb2 import MatchableResource, PluginOverride, WorkflowExecutionConfig

from flyteadmin.attributes.matching import MatchingAttributesRows
from flyteadmin.launching import clusters, config, pools, queues, resources
from flyteadmin.launching.config import FIELDS, Level
from flyteadmin.launching.context import LaunchContext

ALWAYS_RESOLVED = frozenset({"max_parallelism", "security_context"})
"""The fields that clients see as they were resolved, whichever level decided them (CRE-26)."""


@dataclass(frozen=True)
class Decisions:
    """The values that configuration decides, and the level of each that any level sets, by its name here.

    The names of `config` are those of its fields; the rest are `notifications`, `platform`, `queue`,
    `plugin_overrides`, `cluster_pool` and `cluster_label`. "" is none.
    """

    config: WorkflowExecutionConfig
    notifications: NotificationList
    platform: resources.Platform
    queue: str
    plugin_overrides: Sequence[PluginOverride]
    cluster_pool: str
    cluster_label: str
    levels: Mapping[str, Level]


def decide(context: LaunchContext) -> Decisions:
    """Resolve everything that a level below the request may set (CFG-01…23, RES-02, QUE-01, CRE-39).

    Raises:
        InvalidArgument: the request's cluster pool is not that of its project and domain.
    """
    resolved, notifications = _configuration(context), _notifications(context)
    resource_row = context.workflow_attributes.most_specific(MatchableResource.TASK_RESOURCE)
    plugin_row = _own_attributes(context).most_specific(MatchableResource.PLUGIN_OVERRIDE)
    return Decisions(
        config=resolved.config,
        notifications=notifications,
        platform=resources.platform(
            resource_row.task_resource_attributes if resource_row is not None else None,
            context.configuration.task_resources,
        ),
        queue=_queue(context),
        plugin_overrides=plugin_row.plugin_overrides.overrides if plugin_row is not None else (),
        cluster_pool=pools.pool_of(context.request, context.attributes, context.configuration.cluster_pools),
        cluster_label=clusters.label_of(context.inherited.cluster_label, context.attributes),
        levels={**resolved.levels, **dict(_levels(context))},
    )


def resolved_spec(decisions: Decisions) -> ExecutionSpec:
    """Return the decided fields of a spec; those that stay as requested are left out, so that none is stored twice."""
    config = decisions.config
    spec = ExecutionSpec(security_context=config.security_context, max_parallelism=config.max_parallelism)
    for field in FIELDS:
        if field not in ALWAYS_RESOLVED and decisions.levels.get(field, Level.REQUEST) is not Level.REQUEST:
            spec.MergeFrom(ExecutionSpec(**{field: getattr(config, field)}))
    if decisions.cluster_pool:
        spec.cluster_assignment.cluster_pool_name = decisions.cluster_pool
    if decisions.levels.get("cluster_label", Level.REQUEST) is not Level.REQUEST:
        spec.execution_cluster_label.value = decisions.cluster_label
    return spec


def _configuration(context: LaunchContext) -> config.Resolved:
    """Resolve the configuration; a task launched by itself has no launch plan's level (CRE-48)."""
    launch_plan = context.launch_plan.spec if context.task_id is None else LaunchPlanSpec()
    application = context.configuration.flyteadmin
    rows = _own_attributes(context).workflow_execution_configs(merged=application.attributes_merge == "fields")
    return config.resolve(context.request.spec, launch_plan, rows, application, context.caller)


def _own_attributes(context: LaunchContext) -> MatchingAttributesRows:
    """Return the attributes that count; a task by itself has its workflow's for resources only (CRE-48, CFG-22)."""
    return context.attributes if context.task_id is None else context.attributes.of_domain()


def _notifications(context: LaunchContext) -> NotificationList:
    """Return the request's list, or none if it disables them, or the launch plan's; frozen from now on (CRE-39)."""
    if context.request.spec.notifications.notifications:
        return context.request.spec.notifications
    if context.request.spec.disable_all:
        return NotificationList()
    return NotificationList(notifications=context.launch_plan.spec.entity_metadata.notifications)


def _queue(context: LaunchContext) -> str:
    tags = _queue_tags(context)
    return queues.queue_for(context.execution.name, context.workflow_id.domain, tags, context.configuration.queues)


def _queue_tags(context: LaunchContext) -> Sequence[str]:
    row = context.workflow_attributes.most_specific(MatchableResource.EXECUTION_QUEUE)
    return row.execution_queue_attributes.tags if row is not None else ()


def _levels(context: LaunchContext) -> Iterator[tuple[str, Level]]:
    """Yield the levels of the parts beside the configuration; a part that no level sets has none."""
    spec, kinds = context.request.spec, MatchableResource
    if spec.notifications.notifications or spec.disable_all:
        yield "notifications", Level.REQUEST
    elif context.launch_plan.spec.entity_metadata.notifications:
        yield "notifications", Level.LAUNCH_PLAN
    yield "platform", _level_of(context.workflow_attributes, kinds.TASK_RESOURCE) or Level.APPLICATION
    if queues.is_tagged(_queue_tags(context), context.configuration.queues):
        yield from _named("queue", _level_of(context.workflow_attributes, kinds.EXECUTION_QUEUE))
    elif _queue(context):
        yield "queue", Level.APPLICATION
    yield from _named("plugin_overrides", _level_of(_own_attributes(context), kinds.PLUGIN_OVERRIDE))
    yield from _named("cluster_pool", _pool_level(context))
    if context.inherited.cluster_label:
        yield "cluster_label", Level.REQUEST
    else:
        yield from _named("cluster_label", _level_of(context.attributes, kinds.EXECUTION_CLUSTER_LABEL))


def _pool_level(context: LaunchContext) -> Level | None:
    if context.request.spec.cluster_assignment.cluster_pool_name:
        return Level.REQUEST
    row = _level_of(context.attributes.of_domain(), MatchableResource.CLUSTER_ASSIGNMENT)
    configured = context.configuration.cluster_pools.cluster_pool_assignments
    return row or (Level.APPLICATION if context.request.domain in configured else None)


def _level_of(attributes: MatchingAttributesRows, kind: MatchableResource) -> Level | None:
    scope = attributes.scope_of(kind)
    return Level.of(scope) if scope is not None else None


def _named(name: str, level: Level | None) -> Iterator[tuple[str, Level]]:
    if level is not None:
        yield name, level
