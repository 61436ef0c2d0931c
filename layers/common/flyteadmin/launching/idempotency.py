"""Recognises a create that is sent again, so that it is answered as the first time; pure (docs/architecture.md#create).

A client that may repeat a call gives it an `Idempotency-Key`. The execution's row is the record: an unnamed execution
gets its name from the key, and the row keeps a digest of the call.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionRecoverRequest, ExecutionRelaunchRequest
from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier, WorkflowExecutionIdentifier

from flyteadmin.errors import AlreadyExists, FlyteAdminError, InvalidArgument, too_long
from flyteadmin.launching.names import derived_name, generated_name
from flyteadmin.launching.parents import parent_of

_MAX_KEY = 256


@dataclass(frozen=True)
class Call:
    """One call that creates an execution: `caller` is the principal, `key` is "" where the client sent none.

    `is_engine` says that propeller calls, which launches children for others. `again` is the Relaunch or Recover
    request that arrived; `request` is then made from it and the original. A parent that `request` has from the
    original is shown, and launches nothing: `is_child` is false.
    """

    request: ExecutionCreateRequest
    caller: str
    key: str
    accepted_at: datetime
    is_engine: bool = False
    again: ExecutionRelaunchRequest | ExecutionRecoverRequest | None = None
    is_child: bool = True

    @cached_property
    def parent(self) -> NodeExecutionIdentifier | None:
        """The node that launches the execution, if one does."""
        return parent_of(self.request) if self.is_child else None

    @cached_property
    def execution(self) -> WorkflowExecutionIdentifier:
        """The execution to create: named by the request, else by the key, else at random (CRE-05)."""
        project, domain, name = self.request.project, self.request.domain, self.request.name
        if not name and self.key:
            name = derived_name(self.caller, project, domain, self.key)
        return WorkflowExecutionIdentifier(project=project, domain=domain, name=name or generated_name())

    @cached_property
    def digest(self) -> bytes | None:
        """The call's digest, equal for a repeat; None without a key."""
        if not self.key:
            return None
        parts = [self.caller.encode(), self.key.encode(), self.request.SerializeToString(deterministic=True)]
        if self.again is not None:  # the two kinds of request look the same on the wire
            parts[2:] = [self.again.DESCRIPTOR.full_name.encode(), self.again.SerializeToString(deterministic=True)]
        return sha256(b"".join(sha256(part).digest() for part in parts)).digest()


def validate_key(key: str) -> None:
    """Check the header's length.

    Raises:
        InvalidArgument: it is too long.
    """
    if len(key) > _MAX_KEY:
        raise too_long("Idempotency-Key", _MAX_KEY)


def refusal(call: Call, stored: bytes | None) -> FlyteAdminError | None:
    """Return the error for a call whose name is taken by the call of digest `stored`; None if that is the same call."""
    if call.digest is not None and call.digest == stored:
        return None
    if call.key and not call.request.name:
        return InvalidArgument(
            "invalid value for Idempotency-Key: it came with another request before; send a new key with a new request"
        )
    return AlreadyExists(f"execution {call.execution.name} already exists in {call.execution.project}")
