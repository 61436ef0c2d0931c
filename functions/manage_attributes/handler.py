"""Matchable attributes are set, read, deleted and listed."""

from flyteadmin.api.handler import api_handler
from flyteadmin.attributes import listing, reading, service
from flyteadmin.clients.storage import offload_answer

lambda_handler = api_handler(
    {
        "UpdateWorkflowAttributes": service.update_workflow,
        "GetWorkflowAttributes": reading.get_workflow,
        "DeleteWorkflowAttributes": service.delete_workflow,
        "UpdateProjectDomainAttributes": service.update_project_domain,
        "GetProjectDomainAttributes": reading.get_project_domain,
        "DeleteProjectDomainAttributes": service.delete_project_domain,
        "UpdateProjectAttributes": service.update_project,
        "GetProjectAttributes": reading.get_project,
        "DeleteProjectAttributes": service.delete_project,
        "ListMatchableAttributes": listing.list_all,
    },
    offload=offload_answer,
)
