"""Validates requests about matchable attributes, in upstream's order and wording; pure.

Source: flyteadmin validation/attributes_validator.go.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from flyteidl.admin.matchable_resource_pb2 import MatchableResource, MatchingAttributes, PluginOverrides

from flyteadmin.attributes.matching import Scope
from flyteadmin.errors import InvalidArgument, invalid, missing, too_long
from flyteadmin.projects.validation import StoredProject, validate_active, validate_exists, validate_project_and_domain
from flyteadmin.settings import Configuration
from flyteadmin.templates.values import faults

MAX_VALUE_BYTES = 32 * 1024
"""The eight kinds of a scope share an item, which holds 400 KB."""

_KINDS: Mapping[str, MatchableResource] = {
    "task_resource_attributes": MatchableResource.TASK_RESOURCE,
    "cluster_resource_attributes": MatchableResource.CLUSTER_RESOURCE,
    "execution_queue_attributes": MatchableResource.EXECUTION_QUEUE,
    "execution_cluster_label": MatchableResource.EXECUTION_CLUSTER_LABEL,
    "plugin_overrides": MatchableResource.PLUGIN_OVERRIDE,
    "workflow_execution_config": MatchableResource.WORKFLOW_EXECUTION_CONFIG,
    "cluster_assignment": MatchableResource.CLUSTER_ASSIGNMENT,
}
"""The kinds that can be set, by the field that sets them (ATT-06); quality of service is none of them (QOS-06)."""


@dataclass(frozen=True)
class RequestedScope:
    """The scope that a request names; what it does not narrow is blank."""

    narrowed_to: Scope
    project: str
    domain: str = ""
    workflow: str = ""

    def __str__(self) -> str:
        """Return the scope as upstream's messages name it: "project-domain-workflow"."""
        return "-".join(part for part in (self.project, self.domain, self.workflow) if part)


class _Update(Protocol):
    """A request that sets attributes of any scope."""

    def HasField(self, field_name: str) -> bool: ...  # noqa: N802  # protobuf's name


def validate_has_attributes(request: _Update) -> None:
    """Check that an update says what to set.

    Raises:
        InvalidArgument: it does not.
    """
    if not request.HasField("attributes"):
        raise missing("attributes")


def validate_named(scope: RequestedScope) -> None:
    """Check that a project is named, since a blank one would be any (KD-10).

    Raises:
        InvalidArgument: it is not.
    """
    if not scope.project:
        raise missing("project")


def validate_scope(scope: RequestedScope, project: StoredProject | None, configuration: Configuration) -> None:
    """Check that attributes of a scope may be set and deleted, or read where it has a domain (ATT-07, ATT-08).

    Raises:
        InvalidArgument: the project is not registered or not active, no such domain, or no workflow.
    """
    if scope.narrowed_to is Scope.PROJECT:
        validate_active(project, scope.project, configuration)
        return
    validate_project_and_domain(project, scope.project, scope.domain, configuration)
    if scope.narrowed_to is Scope.WORKFLOW and not scope.workflow:
        raise missing("name")


def validate_get(scope: RequestedScope, project: StoredProject | None, configuration: Configuration) -> None:
    """Check that attributes of a scope may be read; those of a project also while it is archived (ATT-08).

    Raises:
        InvalidArgument: as `validate_scope`.
    """
    if scope.narrowed_to is Scope.PROJECT:
        validate_exists(project, scope.project, configuration)
    else:
        validate_scope(scope, project, configuration)


def kind_of(attributes: MatchingAttributes | None, scope: RequestedScope) -> MatchableResource:
    """Return the kind that an update sets (ATT-06).

    Raises:
        InvalidArgument: nothing is set, or a kind that can't be.
    """
    if attributes is None:
        raise missing("matching_attributes")
    kind = _KINDS.get(attributes.WhichOneof("target") or "")
    if kind is None:
        raise InvalidArgument(f"Unrecognized matching attributes type for request {scope}")
    return kind


def value_to_store(attributes: MatchingAttributes, stored: bytes | None) -> bytes:
    """Return the value of a kind after an update; plugins are merged into the stored ones by task type (ATT-05).

    Raises:
        InvalidArgument: larger than a kind may be, or a variable of templates can't be set so.
    """
    target = attributes.WhichOneof("target")
    for fault in faults(attributes.cluster_resource_attributes.attributes):
        raise invalid("matching_attributes.cluster_resource_attributes", fault)
    if target == "plugin_overrides" and stored is not None:
        existing = MatchingAttributes.FromString(stored)
        merged = _merged(existing.plugin_overrides, attributes.plugin_overrides)
        attributes = MatchingAttributes(plugin_overrides=merged)
    value = attributes.SerializeToString(deterministic=True)
    if len(value) > MAX_VALUE_BYTES:
        raise too_long(f"matching_attributes.{target}", MAX_VALUE_BYTES)
    return value


def _merged(existing: PluginOverrides, given: PluginOverrides) -> PluginOverrides:
    by_task_type = {each.task_type: each for each in (*existing.overrides, *given.overrides)}
    return PluginOverrides(overrides=by_task_type.values())


def validate_list(resource_type: int) -> None:
    """Check the kind that is listed (ATT-11).

    Raises:
        InvalidArgument: there is no such kind.
    """
    if resource_type not in MatchableResource.values():
        raise invalid("resource_type")
