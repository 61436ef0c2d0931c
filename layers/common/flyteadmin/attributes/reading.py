"""Reads the matchable attributes that apply to a scope: upstream's single row, the most specific that sets the kind."""

from flyteidl.admin.matchable_resource_pb2 import MatchableResource, MatchingAttributes, WorkflowExecutionConfig
from flyteidl.admin.project_attributes_pb2 import (
    ProjectAttributes,
    ProjectAttributesGetRequest,
    ProjectAttributesGetResponse,
)
from flyteidl.admin.project_domain_attributes_pb2 import (
    ProjectDomainAttributesGetRequest,
    ProjectDomainAttributesGetResponse,
)
from flyteidl.admin.workflow_attributes_pb2 import WorkflowAttributesGetRequest, WorkflowAttributesGetResponse

from flyteadmin.attributes import messages, repository, validation
from flyteadmin.attributes.configs import with_defaults
from flyteadmin.attributes.matching import Scope, ScopeAttributes
from flyteadmin.attributes.validation import RequestedScope
from flyteadmin.clients import configuration
from flyteadmin.clients.dynamodb.reads import batch_get
from flyteadmin.errors import NotFound
from flyteadmin.projects import repository as projects
from flyteadmin.text import enum_name


def get_workflow(request: WorkflowAttributesGetRequest) -> WorkflowAttributesGetResponse:
    """GetWorkflowAttributes: of the workflow, or a wider scope (ATT-01, ATT-02).

    Raises:
        InvalidArgument: naming the field.
        NotFound: no scope sets the kind (ATT-03).
    """
    scope = RequestedScope(Scope.WORKFLOW, request.project, request.domain, request.workflow)
    row = _existing(scope, request.resource_type)
    return WorkflowAttributesGetResponse(attributes=messages.workflow_attributes(row, request.resource_type))


def get_project_domain(request: ProjectDomainAttributesGetRequest) -> ProjectDomainAttributesGetResponse:
    """GetProjectDomainAttributes: of the project and domain, or of the project; errors as `get_workflow`."""
    row = _existing(RequestedScope(Scope.PROJECT_DOMAIN, request.project, request.domain), request.resource_type)
    return ProjectDomainAttributesGetResponse(attributes=messages.project_domain_attributes(row, request.resource_type))


def get_project(request: ProjectAttributesGetRequest) -> ProjectAttributesGetResponse:
    """GetProjectAttributes; an execution's configuration shows the application's where it sets nothing (ATT-09).

    Raises:
        InvalidArgument: there is no such project.
        NotFound: another kind that the project does not set.
    """
    scope = RequestedScope(Scope.PROJECT, request.project)
    row = _most_specific(scope, request.resource_type)
    if row is not None:
        attributes = messages.matching_attributes(row, request.resource_type)
    elif request.resource_type == MatchableResource.WORKFLOW_EXECUTION_CONFIG:
        attributes = MatchingAttributes(workflow_execution_config=WorkflowExecutionConfig())
    else:
        raise _not_found(scope, request.resource_type)
    if attributes.HasField("workflow_execution_config"):
        completed = with_defaults(attributes.workflow_execution_config, configuration.current().flyteadmin)
        attributes = MatchingAttributes(workflow_execution_config=completed)
    return ProjectAttributesGetResponse(
        attributes=ProjectAttributes(project=request.project, matching_attributes=attributes)
    )


def _existing(scope: RequestedScope, kind: MatchableResource) -> ScopeAttributes:
    row = _most_specific(scope, kind)
    if row is None:
        raise _not_found(scope, kind)
    return row


def _most_specific(scope: RequestedScope, kind: MatchableResource) -> ScopeAttributes | None:
    """Read the project and what may apply to a scope; one consistent request."""
    validation.validate_named(scope)
    project = projects.key(scope.project)
    keys = repository.keys(scope.project, scope.domain, scope.workflow)
    found = batch_get([project, *keys])
    validation.validate_get(scope, found.get(project), configuration.current())
    return next((row for row in repository.rows_of(found, keys).rows if kind in row.by_kind), None)


def _not_found(scope: RequestedScope, kind: MatchableResource) -> NotFound:
    identifier = (
        f"{{Project:{scope.project} Domain:{scope.domain} Workflow:{scope.workflow}"
        f" LaunchPlan: ResourceType:{enum_name(MatchableResource, kind)}}}"
    )
    return NotFound(f"Resource [{identifier}] not found")
