"""Projects are registered, updated and read, and the domains with them."""

from flyteadmin.api.handler import api_handler
from flyteadmin.projects import listing, reading, service

lambda_handler = api_handler(
    {
        "RegisterProject": service.register,
        "UpdateProject": service.update,
        "GetProject": reading.get,
        "ListProjects": listing.list_projects,
        "GetDomains": reading.get_domains,
    }
)
