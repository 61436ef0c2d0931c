"""Columns of upstream's entities, which filters and sort keys may name (LST-03…06, LST-13); pure.

Source: flyteadmin repositories/models, manager/impl/util/filters.go allowedJoinEntities.
"""

from collections.abc import Mapping
from enum import StrEnum


class Entity(StrEnum):
    """An entity by upstream's short code, which its errors name."""

    EXECUTION = "e"
    LAUNCH_PLAN = "l"
    NODE_EXECUTION = "ne"
    TASK = "t"
    TASK_EXECUTION = "te"
    WORKFLOW = "w"
    NAMED_ENTITY = "nen"
    NAMED_ENTITY_METADATA = "nem"
    PROJECT = "p"
    SIGNAL = "s"
    ADMIN_TAG = "at"
    EXECUTION_ADMIN_TAG = "eat"
    EXECUTION_TAG = "et"


PREFIXES: Mapping[str, Entity] = {
    "task": Entity.TASK,
    "workflow": Entity.WORKFLOW,
    "launch_plan": Entity.LAUNCH_PLAN,
    "execution": Entity.EXECUTION,
    "node_execution": Entity.NODE_EXECUTION,
    "task_execution": Entity.TASK_EXECUTION,
    "entities": Entity.NAMED_ENTITY,
    "named_entity_metadata": Entity.NAMED_ENTITY_METADATA,
    "project": Entity.PROJECT,
    "signal": Entity.SIGNAL,
    "admin_tag": Entity.ADMIN_TAG,
    "execution_admin_tag": Entity.EXECUTION_ADMIN_TAG,
    "execution_tag": Entity.EXECUTION_TAG,
}
"""Prefixes of a field, before a dot, that name another entity than the listed one."""

JOINED: Mapping[Entity, frozenset[Entity]] = {
    Entity.EXECUTION: frozenset(
        {
            Entity.EXECUTION,
            Entity.LAUNCH_PLAN,
            Entity.WORKFLOW,
            Entity.TASK,
            Entity.ADMIN_TAG,
            Entity.EXECUTION_TAG,
        }
    ),
    Entity.LAUNCH_PLAN: frozenset({Entity.LAUNCH_PLAN, Entity.WORKFLOW}),
    Entity.NODE_EXECUTION: frozenset({Entity.NODE_EXECUTION, Entity.EXECUTION}),
    Entity.TASK: frozenset({Entity.TASK}),
    Entity.TASK_EXECUTION: frozenset({Entity.TASK_EXECUTION, Entity.TASK, Entity.EXECUTION, Entity.NODE_EXECUTION}),
    Entity.WORKFLOW: frozenset({Entity.WORKFLOW}),
    Entity.NAMED_ENTITY: frozenset({Entity.NAMED_ENTITY, Entity.NAMED_ENTITY_METADATA}),
    Entity.PROJECT: frozenset({Entity.PROJECT}),
    Entity.SIGNAL: frozenset({Entity.SIGNAL}),
}
"""The entities that the filters of a list may name, by the listed entity."""


def _columns(*groups: str) -> frozenset[str]:
    return frozenset(" ".join(groups).split())


_ROW = "id created_at updated_at deleted_at"
_EXECUTION_KEY = "execution_project execution_domain execution_name"
_VERSION_KEY = "project domain name version"
_NAME_KEY = "resource_type project domain name"

UPSTREAM_COLUMNS: Mapping[Entity, frozenset[str]] = {
    Entity.EXECUTION: _columns(
        _ROW,
        _EXECUTION_KEY,
        "launch_plan_id workflow_id task_id phase closure spec started_at execution_created_at execution_updated_at",
        "duration abort_cause mode source_execution_id parent_node_execution_id cluster inputs_uri user_inputs_uri",
        "error_kind error_code user state launch_entity",
    ),
    Entity.LAUNCH_PLAN: _columns(
        _ROW, _VERSION_KEY, "spec workflow_id closure state digest schedule_type launch_condition_type"
    ),
    Entity.NODE_EXECUTION: _columns(
        _ROW,
        _EXECUTION_KEY,
        "node_id phase input_uri closure started_at node_execution_created_at node_execution_updated_at duration",
        "node_execution_metadata parent_id parent_task_execution_id error_kind error_code cache_status",
        "dynamic_workflow_remote_closure_reference internal_data",
    ),
    Entity.TASK: _columns(_ROW, _VERSION_KEY, "closure digest type short_description"),
    Entity.TASK_EXECUTION: _columns(
        _ROW,
        _VERSION_KEY,
        _EXECUTION_KEY,
        "node_id retry_attempt phase phase_version input_uri closure started_at task_execution_created_at",
        "task_execution_updated_at duration",
    ),
    Entity.WORKFLOW: _columns(_ROW, _VERSION_KEY, "typed_interface remote_closure_identifier digest short_description"),
    Entity.NAMED_ENTITY: _columns(_NAME_KEY, "description state"),
    Entity.NAMED_ENTITY_METADATA: _columns(_ROW, _NAME_KEY, "description state"),
    Entity.PROJECT: _columns(_ROW, "identifier name description labels state"),
    Entity.SIGNAL: _columns(_ROW, _EXECUTION_KEY, "signal_id type value"),
    Entity.ADMIN_TAG: _columns(_ROW, "name"),
    Entity.EXECUTION_TAG: _columns(_ROW, _EXECUTION_KEY, "key value"),
}

DESCRIPTION_ENTITY_COLUMNS = _columns(_NAME_KEY, "version", _ROW, "short_description long_description link")
"""Sort keys of descriptions; their filters name the columns of the task, workflow or launch plan."""
