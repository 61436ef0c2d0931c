"""The API as a client sees it, served by the real handlers in this process instead of a deployment."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from flyteadmin.api.handler import ApiHandler
from flyteadmin.api.routes import match
from flyteadmin.errors import InvalidArgument
from local.admin import Admin
from local.aws.client import Response
from tests.aws_events import Context, answer_of, http_event

_FUNCTIONS = Path(__file__).parents[1] / "functions"


def handlers() -> dict[str, ApiHandler]:
    """Return the API handlers by function name."""
    found = {}
    for path in sorted(_FUNCTIONS.glob("*/handler.py")):
        handler = import_module(f"functions.{path.parent.name}.handler").lambda_handler
        if isinstance(handler, ApiHandler):
            found[path.parent.name] = handler
    return found


class InProcessApi:
    """Routes a request as template.yaml does: to the function that claims its RPC."""

    def __init__(self) -> None:
        found = handlers()
        self._by_rpc = {rpc: handler for handler in found.values() for rpc in handler.rpcs}
        self._default = found["get_server_info"]

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        parts = urlsplit(path)
        event = http_event(method, "/", body=body or b"", headers=headers)
        event |= {"rawPath": parts.path, "rawQueryString": parts.query}
        try:
            meant = match(parts.path).get(method)
        except InvalidArgument:  # whichever function gets it says so
            meant = None
        handler = self._by_rpc.get(meant.route.rpc, self._default) if meant else self._default
        answer = answer_of(handler(event, Context()))
        return Response(answer.status, answer.headers, answer.body)


def admin() -> Admin:
    """Return a client of the handlers in this process."""
    return Admin(InProcessApi())
