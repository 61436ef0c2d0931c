"""Projects are registered, updated and read, and the domains with them."""

from flyteidl.admin.project_pb2 import (
    GetDomainRequest,
    GetDomainsResponse,
    Project,
    ProjectGetRequest,
    ProjectListRequest,
    ProjectRegisterRequest,
    ProjectRegisterResponse,
    Projects,
    ProjectUpdateResponse,
)

from flyteadmin.api.handler import api_handler
from flyteadmin.api.identity import Identity
from flyteadmin.projects import listing, reading, service


def register_project(request: ProjectRegisterRequest, _caller: Identity) -> ProjectRegisterResponse:
    """POST /api/v1/projects."""
    return service.register(request)


def update_project(request: Project, _caller: Identity) -> ProjectUpdateResponse:
    """PUT /api/v1/projects/{id}."""
    return service.update(request)


def get_project(request: ProjectGetRequest, _caller: Identity) -> Project:
    """GET /api/v1/projects/{id}."""
    return reading.get(request)


def list_projects(request: ProjectListRequest, _caller: Identity) -> Projects:
    """GET /api/v1/projects."""
    return listing.list_projects(request)


def get_domains(_request: GetDomainRequest, _caller: Identity) -> GetDomainsResponse:
    """GET /api/v1/domains."""
    return reading.get_domains(_request)


lambda_handler = api_handler(
    {
        "RegisterProject": register_project,
        "UpdateProject": update_project,
        "GetProject": get_project,
        "ListProjects": list_projects,
        "GetDomains": get_domains,
    }
)
