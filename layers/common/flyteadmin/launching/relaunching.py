"""Makes the request of a relaunch or a recovery from the original execution; pure.

Both are a create with the original's spec as it was requested: what configuration decided is decided anew.
Source: flyteadmin execution_manager.go RelaunchExecution, RecoverExecution.
"""

from dataclasses import dataclass

from flyteidl.admin.execution_pb2 import (
    ExecutionCreateRequest,
    ExecutionMetadata,
    ExecutionRecoverRequest,
    ExecutionRelaunchRequest,
    ExecutionSpec,
)
from flyteidl.core.literals_pb2 import LiteralMap

from flyteadmin.errors import FailedPrecondition, FlyteAdminError, Internal
from flyteadmin.executions.models import StoredExecution
from flyteadmin.executions.phases import TERMINAL
from flyteadmin.executions.validation import missing_execution
from flyteadmin.identifiers import execution_identifier
from flyteadmin.launching.stored import request_of


@dataclass(frozen=True)
class Original:
    """An execution to launch again: its rows, its spec as requested, and the user's inputs; None if these are gone."""

    stored: StoredExecution
    spec: ExecutionSpec
    user_inputs: LiteralMap | None


def relaunched(original: Original, request: ExecutionRelaunchRequest) -> ExecutionCreateRequest:
    """Return the create request of a relaunch; it overwrites the cache only if it says so itself (REL-04, REL-05).

    Raises:
        Internal: the original's inputs are gone (REL-03).
    """
    made = _again(original, request.name, ExecutionMetadata.RELAUNCH)
    made.spec.overwrite_cache = request.overwrite_cache
    return made


def recovered(original: Original, request: ExecutionRecoverRequest) -> ExecutionCreateRequest:
    """Return the create request of a recovery; of the request's metadata only the parent counts (REC-03, REC-05).

    Raises:
        Internal: the original's inputs are gone (REC-06).
    """
    made = _again(original, request.name, ExecutionMetadata.RECOVERED)
    if request.HasField("metadata"):
        made.spec.metadata.ClearField("parent_node_execution")
        if request.metadata.HasField("parent_node_execution"):
            made.spec.metadata.parent_node_execution.CopyFrom(request.metadata.parent_node_execution)
    return made


def _again(original: Original, name: str, mode: ExecutionMetadata.ExecutionMode) -> ExecutionCreateRequest:
    if original.user_inputs is None:
        raise Internal(f"unable to read from location {original.stored.specification.user_inputs_uri}")
    made = ExecutionCreateRequest()
    made.CopyFrom(request_of(original.stored, original.spec, original.user_inputs))
    made.name = name
    made.spec.metadata.mode = mode
    made.spec.metadata.reference_execution.CopyFrom(execution_identifier(original.stored.state.execution))
    return made


def unrecoverable(original: Original, *, is_child: bool, is_engine: bool, in_any_phase: bool) -> FlyteAdminError | None:
    """Return the error for an execution that can't be recovered; None for one that can.

    Propeller recovers a child that ended. A person recovers what ended without success; upstream takes any phase
    (REC-02). Whatever names a parent hears NOT_FOUND: on that alone propeller launches the child plainly.
    """
    phase, identifier = original.stored.state.phase, execution_identifier(original.stored.state.execution)
    recoverable = TERMINAL if is_child and is_engine else TERMINAL - {"SUCCEEDED"}
    may_be = phase in recoverable or (in_any_phase and not is_engine)
    if is_child:
        return None if may_be and original.user_inputs is not None else missing_execution(identifier)
    if may_be:
        return None
    return FailedPrecondition(
        f"execution {identifier.name} is {phase}: only one that ended without success is recovered; relaunch it instead"
    )
