"""Sets and deletes matchable attributes, on the version of the scope's row that was read: no writer loses a kind."""

import time

from flyteidl.admin.matchable_resource_pb2 import MatchableResource, MatchingAttributes
from flyteidl.admin.project_attributes_pb2 import (
    ProjectAttributesDeleteRequest,
    ProjectAttributesDeleteResponse,
    ProjectAttributesUpdateRequest,
    ProjectAttributesUpdateResponse,
)
from flyteidl.admin.project_domain_attributes_pb2 import (
    ProjectDomainAttributesDeleteRequest,
    ProjectDomainAttributesDeleteResponse,
    ProjectDomainAttributesUpdateRequest,
    ProjectDomainAttributesUpdateResponse,
)
from flyteidl.admin.workflow_attributes_pb2 import (
    WorkflowAttributesDeleteRequest,
    WorkflowAttributesDeleteResponse,
    WorkflowAttributesUpdateRequest,
    WorkflowAttributesUpdateResponse,
)

from flyteadmin.attributes import repository, validation
from flyteadmin.attributes.matching import Scope
from flyteadmin.attributes.models import AttributesRow
from flyteadmin.attributes.validation import RequestedScope
from flyteadmin.clients import configuration
from flyteadmin.clients.dynamodb.keys import Key
from flyteadmin.clients.dynamodb.optimistic import attempts
from flyteadmin.clients.dynamodb.reads import batch_get
from flyteadmin.projects import repository as projects


def update_workflow(request: WorkflowAttributesUpdateRequest) -> WorkflowAttributesUpdateResponse:
    """UpdateWorkflowAttributes (ATT-04…07).

    Raises:
        InvalidArgument: naming the field.
        Unavailable: others kept writing the attributes of this scope.
    """
    validation.validate_has_attributes(request)
    given = request.attributes
    scope = RequestedScope(Scope.WORKFLOW, given.project, given.domain, given.workflow)
    _update(scope, given.matching_attributes if given.HasField("matching_attributes") else None)
    return WorkflowAttributesUpdateResponse()


def update_project_domain(request: ProjectDomainAttributesUpdateRequest) -> ProjectDomainAttributesUpdateResponse:
    """UpdateProjectDomainAttributes; errors as `update_workflow`."""
    validation.validate_has_attributes(request)
    given = request.attributes
    scope = RequestedScope(Scope.PROJECT_DOMAIN, given.project, given.domain)
    _update(scope, given.matching_attributes if given.HasField("matching_attributes") else None)
    return ProjectDomainAttributesUpdateResponse()


def update_project(request: ProjectAttributesUpdateRequest) -> ProjectAttributesUpdateResponse:
    """UpdateProjectAttributes, of every kind (KD-27); errors as `update_workflow`."""
    validation.validate_has_attributes(request)
    given = request.attributes
    scope = RequestedScope(Scope.PROJECT, given.project)
    _update(scope, given.matching_attributes if given.HasField("matching_attributes") else None)
    return ProjectAttributesUpdateResponse()


def delete_workflow(request: WorkflowAttributesDeleteRequest) -> WorkflowAttributesDeleteResponse:
    """DeleteWorkflowAttributes: whether there were any or not (ATT-10); errors as `update_workflow`."""
    scope = RequestedScope(Scope.WORKFLOW, request.project, request.domain, request.workflow)
    _delete(scope, request.resource_type)
    return WorkflowAttributesDeleteResponse()


def delete_project_domain(request: ProjectDomainAttributesDeleteRequest) -> ProjectDomainAttributesDeleteResponse:
    """DeleteProjectDomainAttributes: those of narrower scopes stay (KD-26); errors as `update_workflow`."""
    _delete(RequestedScope(Scope.PROJECT_DOMAIN, request.project, request.domain), request.resource_type)
    return ProjectDomainAttributesDeleteResponse()


def delete_project(request: ProjectAttributesDeleteRequest) -> ProjectAttributesDeleteResponse:
    """DeleteProjectAttributes: those of narrower scopes stay (KD-26); errors as `update_workflow`."""
    _delete(RequestedScope(Scope.PROJECT, request.project), request.resource_type)
    return ProjectAttributesDeleteResponse()


def _update(scope: RequestedScope, attributes: MatchingAttributes | None) -> None:
    for _ in attempts(f"attributes of [{scope}]"):
        key, row = _read(scope)
        kind = validation.kind_of(attributes, scope)
        assert attributes is not None, "kind_of refuses an update without one"
        value = validation.value_to_store(attributes, repository.value_of(row, kind))
        if repository.store(key, row, kind, value, time.time_ns()):
            break


def _delete(scope: RequestedScope, kind: MatchableResource) -> None:
    for _ in attempts(f"attributes of [{scope}]"):
        _, row = _read(scope)
        if row is None or repository.value_of(row, kind) is None:
            break
        if repository.remove(row, kind, time.time_ns()):
            break


def _read(scope: RequestedScope) -> tuple[Key[AttributesRow], AttributesRow | None]:
    """Read the row of a scope beside its project, which must permit a change; one consistent request."""
    validation.validate_named(scope)
    project = projects.key(scope.project)
    key = repository.key(scope.project, scope.domain, scope.workflow)
    found = batch_get([project, key])
    validation.validate_scope(scope, found.get(project), configuration.current())
    return key, found.get(key)
