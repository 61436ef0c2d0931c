"""The RPCs of matchable attributes, for a scope of any kind, and a value of each kind."""

from typing import Protocol

from flyteidl.admin.cluster_assignment_pb2 import ClusterAssignment
from flyteidl.admin.common_pb2 import Labels
from flyteidl.admin.matchable_resource_pb2 import (
    ClusterResourceAttributes,
    ExecutionClusterLabel,
    ExecutionQueueAttributes,
    ListMatchableAttributesRequest,
    ListMatchableAttributesResponse,
    MatchableResource,
    MatchingAttributes,
    PluginOverride,
    PluginOverrides,
    TaskResourceAttributes,
    TaskResourceSpec,
    WorkflowExecutionConfig,
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
from google.protobuf.message import Message

from tests.builders import DOMAIN, PROJECT

type Scope = tuple[str, ...]
"""A project, and as far as it is narrowed its domain and its workflow."""

type Shown = ProjectAttributes | ProjectDomainAttributes | WorkflowAttributes

WORKFLOW: Scope = (PROJECT, DOMAIN, "doubling")
OF_DOMAIN: Scope = (PROJECT, DOMAIN)
OF_PROJECT: Scope = (PROJECT,)


def labelled(label: str) -> MatchingAttributes:
    return MatchingAttributes(execution_cluster_label=ExecutionClusterLabel(value=label))


def parallel(number: int, **labels: str) -> MatchingAttributes:
    config = WorkflowExecutionConfig(max_parallelism=number, labels=Labels(values=labels) if labels else None)
    return MatchingAttributes(workflow_execution_config=config)


def plugins(**implementations: str) -> MatchingAttributes:
    overrides = [PluginOverride(task_type=task, plugin_id=[plugin]) for task, plugin in implementations.items()]
    return MatchingAttributes(plugin_overrides=PluginOverrides(overrides=overrides))


EACH_KIND: dict[MatchableResource, MatchingAttributes] = {
    MatchableResource.TASK_RESOURCE: MatchingAttributes(
        task_resource_attributes=TaskResourceAttributes(
            defaults=TaskResourceSpec(cpu="1"), limits=TaskResourceSpec(cpu="4")
        )
    ),
    MatchableResource.CLUSTER_RESOURCE: MatchingAttributes(
        cluster_resource_attributes=ClusterResourceAttributes(attributes={"quota": "10"})
    ),
    MatchableResource.EXECUTION_QUEUE: MatchingAttributes(
        execution_queue_attributes=ExecutionQueueAttributes(tags=["critical"])
    ),
    MatchableResource.EXECUTION_CLUSTER_LABEL: labelled("team"),
    MatchableResource.PLUGIN_OVERRIDE: plugins(spark="mine"),
    MatchableResource.WORKFLOW_EXECUTION_CONFIG: parallel(5, team="a"),
    MatchableResource.CLUSTER_ASSIGNMENT: MatchingAttributes(
        cluster_assignment=ClusterAssignment(cluster_pool_name="pool")
    ),
}


class Caller(Protocol):
    """The API over HTTPS, or over gRPC."""

    def call[M: Message](self, rpc: str, request: Message, of: type[M]) -> M:
        """Call an RPC."""


def update(admin: Caller, scope: Scope, attributes: MatchingAttributes | None) -> None:
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


def show(admin: Caller, scope: Scope, kind: MatchableResource) -> Shown:
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


def delete(admin: Caller, scope: Scope, kind: MatchableResource) -> None:
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


def listed(admin: Caller, kind: MatchableResource) -> ListMatchableAttributesResponse:
    request = ListMatchableAttributesRequest(resource_type=kind)
    return admin.call("ListMatchableAttributes", request, ListMatchableAttributesResponse)
