"""Builds attributes as clients read them from what a scope sets."""

from flyteidl.admin.matchable_resource_pb2 import MatchableAttributesConfiguration, MatchingAttributes
from flyteidl.admin.project_domain_attributes_pb2 import ProjectDomainAttributes
from flyteidl.admin.workflow_attributes_pb2 import WorkflowAttributes

from flyteadmin.attributes.matching import ScopeAttributes
from flyteadmin.attributes.repository import scope_parts


def workflow_attributes(row: ScopeAttributes, kind: int) -> WorkflowAttributes:
    """Return the attributes of a scope, named as far as the scope is narrowed (ATT-02)."""
    project, domain, workflow, _ = scope_parts(row.scope)
    return WorkflowAttributes(
        project=project, domain=domain, workflow=workflow, matching_attributes=matching_attributes(row, kind)
    )


def project_domain_attributes(row: ScopeAttributes, kind: int) -> ProjectDomainAttributes:
    """Return the attributes of a scope, named as far as the scope is narrowed (ATT-02)."""
    project, domain, _, _ = scope_parts(row.scope)
    return ProjectDomainAttributes(project=project, domain=domain, matching_attributes=matching_attributes(row, kind))


def configuration(row: ScopeAttributes, kind: int) -> MatchableAttributesConfiguration:
    """Return an entry of the list of a kind."""
    project, domain, workflow, launch_plan = scope_parts(row.scope)
    return MatchableAttributesConfiguration(
        attributes=matching_attributes(row, kind),
        project=project,
        domain=domain,
        workflow=workflow,
        launch_plan=launch_plan,
    )


def matching_attributes(row: ScopeAttributes, kind: int) -> MatchingAttributes:
    """Return what a scope sets of a kind that it has."""
    return MatchingAttributes.FromString(row.by_kind[kind])
