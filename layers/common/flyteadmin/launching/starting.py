"""Creates the resource of an execution whose row is written, stages 5 and 6 (docs/architecture.md#create)."""

import time

from flyteidl.core.execution_pb2 import ExecutionError
from pydantic import JsonValue

from flyteadmin.clients import cluster
from flyteadmin.errors import Code, Unavailable
from flyteadmin.executions import repository
from flyteadmin.executions.models import ExecutionState, LaunchState
from flyteadmin.executions.phases import TERMINAL, ControlPlanePhase, error_facts, facts_of_control_plane
from flyteadmin.facts import Facts
from flyteadmin.observability import logger
from flyteadmin.settings import environment


def start(state: ExecutionState, namespace: str, body: dict[str, JsonValue]) -> None:
    """Create the resource. Refused for good is FAILED on the row; an unclear answer leaves it `launching`."""
    try:
        _create(state, namespace, body)
    except Unavailable as error:
        logger.warning(
            "the launch did not end clearly; the row stays launching",
            extra={"execution": state.execution, "cause": error.message},
        )


def _create(state: ExecutionState, namespace: str, body: dict[str, JsonValue]) -> None:
    try:
        cluster.create(environment().clusters.named(state.cluster), namespace, body)
    except cluster.Refused as refusal:
        _refused(state, refusal)


def _refused(state: ExecutionState, refusal: cluster.Refused) -> None:
    """Stage 6: FAILED with the cluster's own words (CRE-29); an event or an abort that was faster stays."""
    logger.warning("the cluster refused", extra={"execution": state.execution, "cause": refusal.reason})
    error = ExecutionError(
        code=Code.INTERNAL.name.title(),
        message=f"failed to create workflow in propeller: {refusal.reason}: {refusal.message[:2000]}",
        kind=ExecutionError.SYSTEM,
    )
    outcome = Facts(latest={**error_facts(error, error.SerializeToString(), ""), "launch": LaunchState.REFUSED.value})
    facts = facts_of_control_plane(ControlPlanePhase("FAILED", time.time_ns())).then(outcome)
    repository.update_optimistically(state, lambda row: None if row.phase in TERMINAL else facts)
