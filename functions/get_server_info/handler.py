"""Version, OpenAPI, health, and every path that no other function claims: 404, or 501 for what is not served yet."""

from flyteidl.admin.version_pb2 import GetVersionRequest, GetVersionResponse

from flyteadmin.api.handler import api_handler, healthcheck
from flyteadmin.api.identity import Identity
from flyteadmin.server_info import openapi, version


def get_version(_request: GetVersionRequest, _caller: Identity) -> GetVersionResponse:
    """GET /api/v1/version."""
    return version.get_version()


lambda_handler = api_handler(
    {"GetVersion": get_version}, pages={"/healthcheck": healthcheck, "/api/v1/openapi": openapi.page}
)
