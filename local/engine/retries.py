"""Retries and deadlines of nodes (propeller's nodes/executor.go, isEligibleForRetry)."""

from dataclasses import dataclass

from flyteidl.core.execution_pb2 import ExecutionError

from flyteadmin.durations import parse_duration
from flyteadmin.flyteworkflow.crd import NodeSpec
from flyteadmin.timestamps import NANOSECONDS
from local.engine.faults import user_error

SYSTEM_RETRIES = 3


@dataclass
class Retries:
    """The attempts of a node so far; those that failed for the system's sake have a budget of their own."""

    allowed: int
    failures: int = 0
    system_failures: int = 0

    @classmethod
    def of(cls, node: NodeSpec) -> "Retries":
        """Read the retries of a node: one attempt if it sets none."""
        return cls(max(1, node.retry.min_attempts if node.retry else 1))

    def spend(self, error: ExecutionError) -> ExecutionError | None:
        """Count a failure that may be retried, and give the node's error if it was one too many."""
        if error.kind == ExecutionError.SYSTEM:
            done, most = self.system_failures, SYSTEM_RETRIES
            self.system_failures += 1
        else:
            self.failures += 1
            done, most = self.failures, self.allowed
        if done < most:
            return None
        kind = ExecutionError.ErrorKind.Name(error.kind)
        message = f"[{done}/{most}] currentAttempt done. Last Error: {kind}::{error.message}"
        return user_error(f"RetriesExhausted|{error.code}", message)


def seconds_of(duration: str | None) -> float | None:
    """Return the length of a deadline, which is a Go duration such as "1h2m0.5s"; none if it is not set or zero."""
    return parse_duration(duration) / NANOSECONDS if duration and duration != "0s" else None
