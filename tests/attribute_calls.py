"""The RPCs of matchable attributes, for a scope of any kind."""

from flyteidl.admin.matchable_resource_pb2 import (
    ListMatchableAttributesRequest,
    ListMatchableAttributesResponse,
    MatchableResource,
    MatchingAttributes,
)
from flyteidl.admin.project_attributes_pb2 import (
    ProjectAttributes,
    ProjectAttributesDeleteRequest,
    ProjectAttributesDeleteResponse,
    ProjectAttributesGetRequest,
    ProjectAttributesGetResponse,
    ProjectAttributesUpdateRequest,
    ProjectAttributesUpdateResponse,
)
from flyteidl.admin.project_domain_attributes_pb2 import (
    ProjectDomainAttributes,
    ProjectDomainAttributesDeleteRequest,
    ProjectDomainAttributesDeleteResponse,
    ProjectDomainAttributesGetRequest,
    ProjectDomainAttributesGetResponse,
    ProjectDomainAttributesUpdateRequest,
    ProjectDomainAttributesUpdateResponse,
)
from flyteidl.admin.workflow_attributes_pb2 import (
    WorkflowAttributes,
    WorkflowAttributesDeleteRequest,
    WorkflowAttributesDeleteResponse,
    WorkflowAttributesGetRequest,
    WorkflowAttributesGetResponse,
    WorkflowAttributesUpdateRequest,
    WorkflowAttributesUpdateResponse,
)

from local.admin import Admin
from tests.builders import DOMAIN, PROJECT

type Scope = tuple[str, ...]
"""A project, and as far as it is narrowed its domain and its workflow."""

type Shown = ProjectAttributes | ProjectDomainAttributes | WorkflowAttributes

WORKFLOW: Scope = (PROJECT, DOMAIN, "doubling")
OF_DOMAIN: Scope = (PROJECT, DOMAIN)
OF_PROJECT: Scope = (PROJECT,)


def update(admin: Admin, scope: Scope, attributes: MatchingAttributes | None) -> None:
    match scope:
        case (project,):
            of_project = ProjectAttributes(project=project, matching_attributes=attributes)
            request = ProjectAttributesUpdateRequest(attributes=of_project)
            admin.call("UpdateProjectAttributes", request, ProjectAttributesUpdateResponse)
        case (project, domain):
            of_domain = ProjectDomainAttributes(project=project, domain=domain, matching_attributes=attributes)
            request_of_domain = ProjectDomainAttributesUpdateRequest(attributes=of_domain)
            admin.call("UpdateProjectDomainAttributes", request_of_domain, ProjectDomainAttributesUpdateResponse)
        case (project, domain, workflow):
            own = WorkflowAttributes(project=project, domain=domain, workflow=workflow, matching_attributes=attributes)
            own_request = WorkflowAttributesUpdateRequest(attributes=own)
            admin.call("UpdateWorkflowAttributes", own_request, WorkflowAttributesUpdateResponse)


def show(admin: Admin, scope: Scope, kind: MatchableResource) -> Shown:
    match scope:
        case (project,):
            request = ProjectAttributesGetRequest(project=project, resource_type=kind)
            return admin.call("GetProjectAttributes", request, ProjectAttributesGetResponse).attributes
        case (project, domain):
            of_domain = ProjectDomainAttributesGetRequest(project=project, domain=domain, resource_type=kind)
            return admin.call("GetProjectDomainAttributes", of_domain, ProjectDomainAttributesGetResponse).attributes
        case (project, domain, workflow):
            own = WorkflowAttributesGetRequest(project=project, domain=domain, workflow=workflow, resource_type=kind)
            return admin.call("GetWorkflowAttributes", own, WorkflowAttributesGetResponse).attributes
    raise AssertionError(scope)


def delete(admin: Admin, scope: Scope, kind: MatchableResource) -> None:
    match scope:
        case (project,):
            request = ProjectAttributesDeleteRequest(project=project, resource_type=kind)
            admin.call("DeleteProjectAttributes", request, ProjectAttributesDeleteResponse)
        case (project, domain):
            of_domain = ProjectDomainAttributesDeleteRequest(project=project, domain=domain, resource_type=kind)
            admin.call("DeleteProjectDomainAttributes", of_domain, ProjectDomainAttributesDeleteResponse)
        case (project, domain, workflow):
            own = WorkflowAttributesDeleteRequest(project=project, domain=domain, workflow=workflow, resource_type=kind)
            admin.call("DeleteWorkflowAttributes", own, WorkflowAttributesDeleteResponse)


def listed(admin: Admin, kind: MatchableResource) -> ListMatchableAttributesResponse:
    request = ListMatchableAttributesRequest(resource_type=kind)
    return admin.call("ListMatchableAttributes", request, ListMatchableAttributesResponse)
