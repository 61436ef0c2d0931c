"""Creates an execution in five remote stages, the row before the resource (docs/architecture.md#create).

1 and 2 read what the launch looks at (`reading.py`); `planning.py` decides, pure. 3 writes the blobs (`storing.py`);
4, here, the row with its lease: from then on there is an execution. 5 makes the resource (`starting.py`).
"""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from flyteidl.admin.execution_pb2 import ExecutionCreateRequest, ExecutionCreateResponse

from flyteadmin.clients.dynamodb.writes import Operation
from flyteadmin.errors import Internal, InvalidArgument, NotFound, Unavailable
from flyteadmin.executions import repository
from flyteadmin.executions.models import ExecutionSpecification, ExecutionState
from flyteadmin.executions.phases import UNDEFINED, LaunchState
from flyteadmin.executions.repository import StoredExecution
from flyteadmin.launching import reading, storing
from flyteadmin.launching.idempotency import Call, refusal, validate_key
from flyteadmin.launching.planning import launch
from flyteadmin.launching.starting import start
from flyteadmin.launching.validation import validate_name
from flyteadmin.observability import logger
from flyteadmin.timestamps import to_datetime

_FINISHED_WITHIN = timedelta(minutes=10)
"""How long a repeated call finishes what an earlier attempt began."""


def create(
    request: ExecutionCreateRequest, caller: str, key: str = "", now: datetime | None = None
) -> ExecutionCreateResponse:
    """Create an execution; once its row is written the answer is its id, whatever the cluster says.

    `key` is the call's `Idempotency-Key`: the same call with the same key has the same answer, and finishes what an
    earlier attempt began.

    Raises:
        InvalidArgument: naming the field; or the key came with another request before.
        NotFound: there is no such launch plan, task or parent execution.
        AlreadyExists: an execution of that name exists; nothing of it was touched.
        Internal: a passing fault too, since propeller retries no other code on a create (invariant 8).
    """
    try:
        return _create(Call(request, caller, key, now or datetime.now(UTC)))
    except Unavailable as error:
        raise Internal(error.message) from error


def _create(call: Call) -> ExecutionCreateResponse:
    validate_name(call.request)
    validate_key(call.key)
    answer = ExecutionCreateResponse(id=call.execution)
    with ThreadPoolExecutor(3) as threads:
        first = reading.first_stage(call, threads)
        if first.earlier is not None and not _is_unfinished(first.earlier, call):
            return answer
        try:
            second = reading.second_stage(call, first, threads)
            planned = launch(second.known)
            body = planned.workflow.to_json_object()
        except (InvalidArgument, NotFound) as refused:
            if first.earlier is None:
                raise
            logger.warning("not begun again", extra={"execution": answer.id.name, "cause": refused.message})
            return answer  # the row is written: what has changed since is no reason to say that there is none
        state, specification = storing.rows(second.known, planned, call, threads)
        body = storing.fitting(second.known, planned, body, specification.inputs_uri)
        if not _store(state, specification, second.unless_there(), call):
            return answer
    start(state, planned.namespace, body)
    return answer


def _is_unfinished(earlier: StoredExecution, call: Call) -> bool:
    """Whether an earlier attempt of this call wrote the row and may have made no resource.

    Raises:
        AlreadyExists, InvalidArgument: it was no attempt of this call.
    """
    refused = refusal(call, earlier.specification.call)
    if refused is not None:
        raise refused
    row = earlier.state
    age = call.accepted_at - to_datetime(row.created_at)
    return row.phase == UNDEFINED and row.launch == LaunchState.LAUNCHING and age < _FINISHED_WITHIN


def _store(
    state: ExecutionState, specification: ExecutionSpecification, unless_there: Sequence[Operation], call: Call
) -> bool:
    """Stage 4: row, lease and a task's skeleton; whether the resource is still to be made."""
    try:
        repository.create(state, specification, token=uuid.uuid4().hex, unless_there=unless_there)
    except repository.ExecutionExists:
        earlier = repository.read(state.execution)
        if earlier is None:
            raise Internal(f"execution {state.execution} exists and can't be read") from None
        return _is_unfinished(earlier, call)
    return True
