"""The resource of an execution whose row is written (architecture §1, stages 5 and 6)."""

from datetime import UTC, datetime

from flyteidl.core.execution_pb2 import ExecutionError
from pydantic import JsonValue

from flyteadmin.clients import cluster
from flyteadmin.clients.dynamodb import ConditionFailed
from flyteadmin.errors import Code, Unavailable
from flyteadmin.executions import repository
from flyteadmin.executions.models import ExecutionState, LaunchState
from flyteadmin.executions.phases import TERMINAL, Overlay, error_facts, overlaid
from flyteadmin.facts import Facts
from flyteadmin.observability import logger
from flyteadmin.timestamps import NANOSECONDS

_ATTEMPTS = 5


def start(state: ExecutionState, namespace: str, body: dict[str, JsonValue]) -> None:
    """Create the resource. Refused for good is FAILED on the row; an unclear answer leaves it `launching`."""
    try:
        cluster.create(namespace, body)
    except cluster.Refused as refusal:
        _refused(state, refusal)
    except Unavailable as error:
        logger.warning(
            "the cluster did not answer clearly; the row stays launching",
            extra={"execution": state.execution, "cause": error.message},
        )


def _refused(state: ExecutionState, refusal: cluster.Refused) -> None:
    """Stage 6: FAILED with the cluster's own words (CRE-29); an event or an abort that was faster stays."""
    logger.warning("the cluster refused", extra={"execution": state.execution, "cause": refusal.reason})
    error = ExecutionError(
        code=Code.INTERNAL.name.title(),
        message=f"failed to create workflow in propeller: {refusal.reason}: {refusal.message[:2000]}",
        kind=ExecutionError.SYSTEM,
    )
    outcome = Facts(latest={**error_facts(error, error.SerializeToString(), ""), "launch": LaunchState.REFUSED.value})
    facts = overlaid(Overlay("FAILED", int(datetime.now(UTC).timestamp() * NANOSECONDS))).then(outcome)
    row: ExecutionState | None = state
    for _ in range(_ATTEMPTS):
        if row is None or row.phase in TERMINAL:
            break
        try:
            repository.set_overlay(row, facts)
            break
        except ConditionFailed as failure:
            row = repository.from_raw(failure.old) if failure.old else None
