"""Creates an execution: reads, checks, plans, and only then writes, the row before the resource.

Of the five remote stages (docs/architecture.md#create) `reading` makes the first two and `storing` the third; the
fourth, here, writes the row with its lease, from which on there is an execution; `starting` makes the resource.
Checks and the plan are pure.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from flyteidl.admin.execution_pb2 import (
    ExecutionCreateRequest,
    ExecutionCreateResponse,
    ExecutionRecoverRequest,
    ExecutionRelaunchRequest,
)

from flyteadmin.clients import configuration
from flyteadmin.clients.dynamodb.writes import Operation
from flyteadmin.errors import FlyteAdminError, Internal, InvalidArgument, NotFound, Unavailable
from flyteadmin.executions import repository
from flyteadmin.executions.models import ExecutionSpecification, ExecutionState, StoredExecution
from flyteadmin.identifiers import execution_key
from flyteadmin.launching import reading, storing
from flyteadmin.launching.idempotency import Call, refusal, validate_key
from flyteadmin.launching.planning import plan_execution
from flyteadmin.launching.relaunching import recovered, relaunched, unrecoverable
from flyteadmin.launching.starting import start
from flyteadmin.launching.stored import may_launch
from flyteadmin.launching.storing import Blobs
from flyteadmin.launching.validation import validate_launch, validate_name
from flyteadmin.observability import logger


def create(
    request: ExecutionCreateRequest,
    caller: str,
    key: str = "",
    now: datetime | None = None,
    *,
    is_engine: bool = False,
) -> ExecutionCreateResponse:
    """Create an execution; once its row is written the answer is its id, whatever the cluster answers.

    `key` is the call's `Idempotency-Key`: the same call with the same key has the same answer, and finishes what an
    earlier attempt began. `is_engine` says that propeller calls.

    Raises:
        InvalidArgument: naming the field; or the key came with another request before.
        NotFound: there is no such launch plan, task or parent execution.
        FailedPrecondition: the parent execution has ended.
        AlreadyExists: an execution of that name exists; nothing of it was changed.
        Internal: also for a passing fault, since propeller retries no other code on a create (invariant 8).
    """
    with _no_unavailable():
        return _create(Call(request, caller, key, now or datetime.now(UTC), is_engine))


def relaunch(
    request: ExecutionRelaunchRequest, caller: str, key: str = "", now: datetime | None = None
) -> ExecutionCreateResponse:
    """Create an execution like another one, as the caller; under today's configuration (REL-02…09).

    Raises:
        InvalidArgument: the identifier is not whole; or as `create`.
        NotFound: there is no such execution; or as `create`.
        AlreadyExists, Internal: as `create`.
    """
    with _no_unavailable():
        call = _call_again(request, caller, key, now, is_engine=False)
        return _create_again(
            replace(call, is_child=False), lambda: relaunched(reading.read_original(request.id), request)
        )


def recover(
    request: ExecutionRecoverRequest,
    caller: str,
    key: str = "",
    now: datetime | None = None,
    *,
    is_engine: bool = False,
) -> ExecutionCreateResponse:
    """Create an execution that takes over what succeeded in another one (REC-02…08).

    Raises:
        FailedPrecondition: the other one has not ended, or has succeeded.
        NotFound: there is no such execution, or none that propeller can recover as a child; or as `create`.
        InvalidArgument, AlreadyExists, Internal: as `relaunch`.
    """
    with _no_unavailable():
        call = _call_again(request, caller, key, now, is_engine=is_engine)
        is_child = request.metadata.HasField("parent_node_execution")

        def made() -> ExecutionCreateRequest:
            original = reading.read_original(request.id)
            in_any_phase = configuration.current().flyteadmin.recover_in_any_phase
            refused = unrecoverable(original, is_child=is_child, is_engine=is_engine, in_any_phase=in_any_phase)
            if refused is not None:
                raise refused
            return recovered(original, request)

        return _create_again(replace(call, is_child=is_child), made)


def _call_again(
    request: ExecutionRelaunchRequest | ExecutionRecoverRequest,
    caller: str,
    key: str,
    now: datetime | None,
    *,
    is_engine: bool,
) -> Call:
    """Return a call whose create is not made yet: it names the new execution, in the original's project and domain."""
    validate_key(key)
    named = ExecutionCreateRequest(project=request.id.project, domain=request.id.domain, name=request.name)
    return Call(named, caller, key, now or datetime.now(UTC), is_engine, again=request)


def _create_again(call: Call, make: Callable[[], ExecutionCreateRequest]) -> ExecutionCreateResponse:
    """Create by the request that is made from the original; a call that is done has its answer without it."""
    try:
        made = make()
    except FlyteAdminError:
        if _is_done(call):
            return ExecutionCreateResponse(id=call.execution)
        raise
    return _create(replace(call, request=made))


def _is_done(call: Call) -> bool:
    """Return whether an earlier attempt of this call wrote a row, whatever became of the original since."""
    if not call.key:
        return False
    earlier = repository.read(execution_key(call.execution))
    return earlier is not None and refusal(call, earlier.specification.call) is None


@contextmanager
def _no_unavailable() -> Iterator[None]:
    try:
        yield
    except Unavailable as error:
        raise Internal(error.message) from error


def _create(call: Call) -> ExecutionCreateResponse:
    validate_name(call.request)
    validate_key(call.key)
    answer = ExecutionCreateResponse(id=call.execution)
    rows = reading.read_named_rows(call)
    if rows.earlier is not None and not _needs_resource(rows.earlier, call):
        return answer
    try:
        validate_launch(call, rows)
        context = reading.read_context(call, rows)
        planned = plan_execution(context, reading.read_decisions(rows.earlier))
        blobs = Blobs(call.execution)
        state, specification = storing.build_rows(context, planned, call.digest, blobs)
        body = storing.build_body(context, planned, specification.inputs_uri, blobs)
    except (InvalidArgument, NotFound) as refused:
        if rows.earlier is None:
            raise
        logger.warning("not begun again", extra={"execution": answer.id.name, "cause": refused.message})
        return answer  # the row is written: what has changed since is no reason to say that there is none
    first_versions = storing.write_blobs(context, blobs)
    row = _write_row(state, specification, first_versions, call)
    if row is not None:
        start(row, body)
    return answer


def _write_row(
    state: ExecutionState, specification: ExecutionSpecification, first_versions: Sequence[Operation], call: Call
) -> ExecutionState | None:
    """Write row, lease and a task's generated versions, and return the row whose resource is to be made.

    That is an earlier attempt's row where one was faster, and None where it needs no resource any more.
    """
    try:
        repository.create(state, specification, token=uuid.uuid4().hex, unless_there=first_versions)
    except repository.ExecutionExists:
        earlier = repository.read(state.execution)
        if earlier is None:
            raise Internal(f"execution {state.execution} exists and can't be read") from None
        return earlier.state if _needs_resource(earlier, call) else None
    return state


def _needs_resource(earlier: StoredExecution, call: Call) -> bool:
    """Tell whether an earlier attempt of this call wrote the row and may have made no resource.

    Raises:
        AlreadyExists, InvalidArgument: the row was written by another call.
    """
    refused = refusal(call, earlier.specification.call)
    if refused is not None:
        raise refused
    return may_launch(earlier.state, call.accepted_at)
