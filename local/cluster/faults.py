"""Faults on demand, for tests: what a cluster does to its callers on a bad day."""

from dataclasses import dataclass
from threading import Lock

from pydantic import BaseModel, ConfigDict

from local.cluster.status import Refused


class Fault(BaseModel):
    """The next calls of a verb answer with this code; `applied` says whether they take effect all the same.

    Code 0 is no answer: the connection stays silent for `hang_seconds`, then closes.
    """

    model_config = ConfigDict(frozen=True)

    verb: str
    resource: str = "flyteworkflows"
    code: int = 500
    reason: str = "InternalError"
    message: str = "an error on the server has prevented the request from succeeding"
    applied: bool = False
    hang_seconds: float = 0
    times: int = 1

    def refused(self) -> Refused:
        return Refused(self.code, self.reason, self.message)


@dataclass(frozen=True)
class Call:
    """A request as Kubernetes authorises it: a verb on a resource."""

    verb: str
    resource: str


class Faults:
    """The faults still to come, first come, first served."""

    def __init__(self) -> None:
        """Begin without any."""
        self._pending: list[Fault] = []
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._pending += [fault] * fault.times

    def clear(self) -> None:
        with self._lock:
            self._pending.clear()

    def take(self, call: Call) -> Fault | None:
        """Return the fault for this call, used up by it."""
        with self._lock:
            for index, fault in enumerate(self._pending):
                if (fault.verb, fault.resource) == (call.verb, call.resource):
                    return self._pending.pop(index)
        return None
