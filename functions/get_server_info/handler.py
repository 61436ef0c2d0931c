"""Version, OpenAPI, health, and every path that no other function claims: 404, or 501 for what is not served yet."""

from flyteadmin.api.handler import api_handler, healthcheck
from flyteadmin.server_info import openapi, version

lambda_handler = api_handler(
    {"GetVersion": version.get_version}, pages={"/healthcheck": healthcheck, "/api/v1/openapi": openapi.page}
)
