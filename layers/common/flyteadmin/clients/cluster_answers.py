"""Decide what a cluster's answer means: refused for good, or unclear; pure.

Done: a 2xx with a Kubernetes object.
Refused: 400, 403, 404, 405, 406, 409 AlreadyExists, 413, 415 or 422 with a Kubernetes Status; asked again, the cluster
would answer the same.
Unclear: any other status, any answer without a Kubernetes Status (a proxy's page), no answer at all; the call may have
been carried out.

401 is unclear, since it comes with a token that has just expired and with an access entry that is about to be made; 409
of another kind is a conflict of the moment, e.g. over a quota.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, JsonValue, ValidationError

from flyteadmin.errors import Unavailable

ALREADY_EXISTS, NOT_FOUND, FORBIDDEN = "AlreadyExists", "NotFound", "Forbidden"
UNREACHABLE = "the cluster can't be reached right now"

_REFUSED = frozenset({400, 403, 404, 405, 406, 413, 415, 422})
_CONFLICT = 409


class Refused(Exception):
    """The cluster refuses a call for good.

    `reason` is Kubernetes' word, e.g. "Forbidden"; `fields` are those of the object that are wrong.
    """

    def __init__(self, reason: str, message: str, fields: tuple[str, ...] = ()) -> None:
        """Keep all three."""
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.fields = fields

    @property
    def is_missing_namespace(self) -> bool:
        """Return whether the namespace of the resource is missing, rather than the resource."""
        return self.reason == NOT_FOUND and self.message.startswith('namespaces "')


class Unclear(Unavailable):
    """The cluster gave no answer that tells whether a call was carried out; `status` is 0 without any answer."""

    def __init__(self, status: int = 0) -> None:
        """Word it for the client."""
        super().__init__(f"the cluster answered {status}" if status else UNREACHABLE)
        self.status = status


class LeftAlone(Unclear):
    """A cluster that timed out a moment ago was not called."""

    def __init__(self, name: str) -> None:
        """Name the cluster."""
        super().__init__()
        self.message = f"cluster {name} timed out a moment ago and is left alone for a while"


class _Cause(BaseModel):
    field: str = ""


class _Details(BaseModel):
    causes: tuple[_Cause, ...] = ()


class _Status(BaseModel):
    """A Kubernetes Status; whatever else answers in the cluster's place sends none."""

    kind: Literal["Status"]
    reason: str = ""
    message: str = ""
    details: _Details = _Details()


def failure(status: int, body: str) -> Refused | Unclear:
    """Read an answer that is no 2xx."""
    try:
        given = _Status.model_validate_json(body)
    except ValidationError:
        return Unclear(status)
    if status in _REFUSED or (status == _CONFLICT and given.reason == ALREADY_EXISTS):
        fields = tuple(cause.field for cause in given.details.causes if cause.field)
        return Refused(given.reason or str(status), given.message, fields)
    return Unclear(status)


def kubernetes_object(content: object) -> Mapping[str, JsonValue]:
    """Read the body of a 2xx.

    Raises:
        Unclear: it is no Kubernetes object, so that something else than the cluster answered.
    """
    if isinstance(content, dict) and isinstance(content.get("kind"), str):
        return content
    raise Unclear(200)
