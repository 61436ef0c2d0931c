"""Health, and every path that no other function claims: 404, or 501 for a known RPC that is not served yet."""

from flyteadmin.api.handler import api_handler, healthcheck

lambda_handler = api_handler({}, pages={"/healthcheck": healthcheck})
