"""Refusals of a Kubernetes API server: a `Status` in the wording that clients match on."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

type Manifest = dict[str, JsonValue]
"""A Kubernetes object or list as JSON."""


@dataclass(frozen=True)
class Cause:
    """One field that is at fault, as `details.causes` lists it."""

    reason: str
    field: str
    message: str

    def manifest(self) -> Manifest:
        return {"reason": self.reason, "field": self.field, "message": self.message}


class Refused(Exception):
    """A request that the API server refuses; `manifest` is its `Status`."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        name: str = "",
        group: str = "",
        kind: str = "",
        causes: Sequence[Cause] = (),
    ) -> None:
        """Keep the HTTP status, the machine-readable reason ("" as for an etcd fault) and what it is about."""
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self._details: Manifest = {
            key: value for key, value in (("name", name), ("group", group), ("kind", kind)) if value
        }
        if causes:
            self._details["causes"] = [cause.manifest() for cause in causes]

    def manifest(self) -> Manifest:
        status: Manifest = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        status["message"] = self.message
        if self.reason:
            status["reason"] = self.reason
        if self._details:
            status["details"] = self._details
        return {**status, "code": self.code}


def bad_request(message: str) -> Refused:
    """Return the status for a request that can't be read."""
    return Refused(400, "BadRequest", message)


def unauthorized() -> Refused:
    """No token, or one that is not accepted."""
    return Refused(401, "Unauthorized", "Unauthorized")


def no_such_resource() -> Refused:
    """Return the status for a path that this server does not serve."""
    return Refused(404, "NotFound", "the server could not find the requested resource")


def method_not_allowed(method: str) -> Refused:
    """Return the status for a method that the resource does not have."""
    return Refused(
        405, "MethodNotAllowed", f"the server does not allow this method on the requested resource: {method}"
    )


def expired(message: str) -> Refused:
    """Return the status for a watch or a list that refers to a version which is no longer kept."""
    return Refused(410, "Expired", message)


def success(*, name: str, group: str, kind: str, uid: str) -> Manifest:
    """Return the `Status` that answers a delete once the object is gone."""
    details: Manifest = {"name": name, "kind": kind, "uid": uid}
    if group:
        details["group"] = group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
